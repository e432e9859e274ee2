//! Reads what preflight alone asks about, each once. What may not be read counts as unseen; nothing here fails.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use http::Request;
use kube::Client;
use serde_json::Value;
use serin_engine::preflight::objects::{Autoscaler, Budget, Gateway, GatewayClass, Grant, Workload};
use serin_engine::preflight::{Beyond, Known, Name, Wanted};
use serin_process::error::Category;
use tokio::time::timeout;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Of a namespace with more objects of a kind than this, the kind is not checked.
const MOST: usize = 500;

/// Why an object could not be read.
struct Unread {
    why: String,
    /// A later try may succeed although nobody changes anything.
    is_passing: bool,
}

/// The kind is served, but there is no such object.
enum Found {
    Object(Value),
    Missing,
}

/// Reads everything. `who` reads, in words. False beside it where something failed that may succeed later.
pub async fn beyond(client: &Client, wanted: &Wanted, who: &str) -> (Beyond, bool) {
    let reader = Reader { client, who };
    let namespace = &*wanted.namespace;
    let in_namespace =
        |group_version: &str, plural: &str| format!("/apis/{group_version}/namespaces/{namespace}/{plural}");
    let gateways = async {
        let gateways = reader.each(&wanted.gateways, "gateways", Gateway::of).await;
        let mut classes: Vec<Name> =
            gateways.0.found.values().map(|gateway| Name::new("GatewayClass", "", &*gateway.class)).collect();
        classes.sort();
        classes.dedup();
        (gateways, reader.each(&classes, "gatewayclasses", GatewayClass::of).await)
    };
    let grants = async {
        let paths = wanted.grants.iter().map(|namespace| {
            format!("/apis/gateway.networking.k8s.io/v1beta1/namespaces/{namespace}/referencegrants")
        });
        let read =
            join_all(paths.map(|path| reader.list(path, "ReferenceGrant", "referencegrants", Grant::of)));
        read.await.into_iter().fold((Known::all([]), true), |(mut all, well), (known, is_well)| {
            all.found.extend(known.found);
            all.unseen = all.unseen.or(known.unseen);
            (all, well && is_well)
        })
    };
    let budgets = in_namespace("policy/v1", "poddisruptionbudgets");
    let autoscalers = in_namespace("autoscaling/v2", "horizontalpodautoscalers");
    let deployments = in_namespace("apps/v1", "deployments");
    let ((gateways, classes), grants, budgets, autoscalers, deployments) = tokio::join!(
        gateways,
        grants,
        reader.list(budgets, "PodDisruptionBudget", "poddisruptionbudgets", Budget::of),
        reader.list(autoscalers, "HorizontalPodAutoscaler", "horizontalpodautoscalers", Autoscaler::of),
        reader.list(deployments, "Deployment", "deployments", Workload::of),
    );
    let is_well = gateways.1 && classes.1 && grants.1 && budgets.1 && autoscalers.1 && deployments.1;
    let beyond = Beyond {
        gateways: gateways.0,
        classes: classes.0,
        grants: grants.0,
        budgets: budgets.0,
        autoscalers: autoscalers.0,
        deployments: deployments.0,
    };
    (beyond, is_well)
}

struct Reader<'a> {
    client: &'a Client,
    who: &'a str,
}

impl Reader<'_> {
    /// Objects of the Gateway API, one by one.
    async fn each<T>(&self, names: &[Name], plural: &str, read: fn(&Value) -> T) -> (Known<T>, bool) {
        let answers = join_all(names.iter().map(|name| async move {
            let scope = match name.namespace.is_empty() {
                true => String::new(),
                false => format!("namespaces/{}/", name.namespace),
            };
            let path = format!("/apis/gateway.networking.k8s.io/v1/{scope}{plural}/{}", name.name);
            (name, self.get(path, "get", plural, &name.namespace).await)
        }));
        let mut known = Known::all([]);
        let mut is_well = true;
        for (name, answer) in answers.await {
            match answer {
                Ok(Found::Object(object)) => drop(known.found.insert(name.clone(), read(&object))),
                Ok(Found::Missing) => {}
                Err(unread) => {
                    is_well &= !unread.is_passing;
                    known.unseen.get_or_insert(unread.why);
                }
            }
        }
        (known, is_well)
    }

    /// All objects of a kind in a namespace.
    async fn list<T>(
        &self,
        path: String,
        kind: &str,
        plural: &str,
        read: fn(&Value) -> T,
    ) -> (Known<T>, bool) {
        let namespace =
            path.split('/').skip_while(|part| *part != "namespaces").nth(1).unwrap_or_default().to_owned();
        match self.get(format!("{path}?limit={MOST}"), "list", plural, &namespace).await {
            Ok(Found::Object(list)) => {
                let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
                let named = |object: &Value| {
                    let name = object["metadata"]["name"].as_str().unwrap_or_default();
                    (Name::new(kind, &*namespace, name), read(object))
                };
                let found: BTreeMap<Name, T> = items.iter().map(named).collect();
                let is_cut = list["metadata"]["continue"].as_str().is_some_and(|more| !more.is_empty());
                (Known { found, unseen: is_cut.then(|| format!("there are more than {MOST}")) }, true)
            }
            Ok(Found::Missing) => (Known::all([]), true),
            Err(unread) => (Known::unseen(unread.why), !unread.is_passing),
        }
    }

    async fn get(&self, path: String, verb: &str, plural: &str, namespace: &str) -> Result<Found, Unread> {
        let passing = |category: Category| Unread { why: category.sentence().to_owned(), is_passing: true };
        let Ok(request) = Request::get(path).body(Vec::new()) else { return Err(passing(Category::Other)) };
        match timeout(PATIENCE, self.client.request::<Value>(request)).await {
            Err(_) => Err(passing(Category::Timeout)),
            Ok(Ok(object)) => Ok(Found::Object(object)),
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                // For a kind that is not served there is no object to name.
                match status.details.as_ref().is_some_and(|details| !details.name.is_empty()) {
                    true => Ok(Found::Missing),
                    false => Err(Unread {
                        why: format!("the API server does not know {plural}"),
                        is_passing: false,
                    }),
                }
            }
            Ok(Err(error)) => Err(match Category::of(&error) {
                Category::Forbidden => {
                    let place = match namespace.is_empty() {
                        true => String::new(),
                        false => format!(" in namespace {namespace}"),
                    };
                    Unread { why: format!("{} may not {verb} {plural}{place}", self.who), is_passing: false }
                }
                category => passing(category),
            }),
        }
    }
}
