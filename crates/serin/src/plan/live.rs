//! What a cluster holds, read and never written.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use kube::Client;
use serde::Deserialize as _;
use serde_json::{Value, json};
use serin_api::Rollout;
use serin_api::route::{ROUTE_GROUP, RouteId, RouteKind};
use serin_engine::observe::references;
use serin_process::error::brief;
use tokio::time::timeout;

use crate::watch::served_version;

/// How long one list may take.
const CALL: Duration = Duration::from_secs(30);

/// Everything in a namespace that a plan is made from.
///
/// # Errors
/// The API server cannot be reached, or refuses.
pub async fn read(client: &Client, group: &str, namespace: &str) -> anyhow::Result<Vec<Value>> {
    let rollouts = format!("{group}/{}", serin_api::rollout::VERSION);
    let mut objects = Vec::new();
    for (api_version, kind, plural) in [
        (rollouts.as_str(), "Rollout", "rollouts"),
        ("apps/v1", "ReplicaSet", "replicasets"),
        ("v1", "Pod", "pods"),
        ("v1", "Service", "services"),
        ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    ] {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let path = format!("/{root}/{api_version}/namespaces/{namespace}/{plural}");
        let mut items = list(client, &path).await.with_context(|| format!("cannot list {plural}"))?;
        for item in &mut items {
            // Lists of built-in kinds do not repeat it.
            item["apiVersion"] = json!(api_version);
            item["kind"] = json!(kind);
        }
        objects.extend(items.into_iter().filter(|object| kind != "Pod" || is_live(object)));
    }
    objects.extend(routes(client, namespace, &objects).await?);
    Ok(objects)
}

/// The routes of the namespace, and those of others that its Rollouts name; at the version that is played, whichever the
/// cluster has.
async fn routes(client: &Client, namespace: &str, objects: &[Value]) -> anyhow::Result<Vec<Value>> {
    let rollouts = objects.iter().filter(|object| object["kind"] == "Rollout");
    let rollouts = rollouts.filter_map(|rollout| Rollout::deserialize(rollout).ok());
    let named: Vec<RouteId> = rollouts.flat_map(|rollout| references(&rollout).routes).collect();
    let mut routes = Vec::new();
    for kind in RouteKind::ALL {
        let plural = kind.plural();
        let served = timeout(CALL, served_version(client, kind)).await.context("no answer")?;
        let Some(version) = served.with_context(|| format!("cannot tell which {plural} there are"))? else {
            continue;
        };
        let of_kind = named.iter().filter(|route| route.kind == kind);
        let mut namespaces: BTreeSet<&str> = of_kind.map(|route| &*route.namespace).collect();
        namespaces.insert(namespace);
        for namespace in namespaces {
            let path = format!("/apis/{ROUTE_GROUP}/{version}/namespaces/{namespace}/{plural}");
            let mut items = list(client, &path)
                .await
                .with_context(|| format!("cannot list {plural} in namespace {namespace}"))?;
            for item in &mut items {
                item["apiVersion"] = json!(format!("{ROUTE_GROUP}/v1"));
                item["kind"] = json!(kind.kind());
            }
            routes.extend(items);
        }
    }
    Ok(routes)
}

async fn list(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let request = Request::get(path).body(Vec::new())?;
    match timeout(CALL, client.request::<Value>(request)).await.context("no answer")? {
        Ok(list) => Ok(list["items"].as_array().cloned().unwrap_or_default()),
        // The kind is not served: there are none.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => anyhow::bail!("{}", brief(&error)),
    }
}

/// Pods that have ended play no part any more.
fn is_live(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether it is a pod that is not ready.
pub fn is_unready_pod(object: &Value) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    object["kind"] == "Pod" && !ready
}
