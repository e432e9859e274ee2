//! What the API server tells a gateway.

use std::collections::BTreeMap;

use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use crate::api::Api;

/// The kinds that it watches, by their plurals.
pub const KINDS: [&str; 5] = ["gateways", "httproutes", "endpointslices", "services", "pods"];

/// Something that has changed.
#[derive(Clone, Debug)]
pub enum Change {
    /// An object that is new or another than before.
    Put(&'static str, Value),
    /// One that is gone.
    Gone(&'static str, Value),
    /// All objects of a kind: those that are not among them are gone.
    All(&'static str, Vec<Value>),
}

/// Watches one kind for ever.
pub async fn follow(api: Api, kind: &'static str, tell: UnboundedSender<Change>) {
    let objects: kube::Api<DynamicObject> =
        kube::Api::namespaced_with(api.client.clone(), &api.namespace, &resource(kind));
    let mut events = watcher(objects, Config::default()).default_backoff().boxed();
    let mut listed = BTreeMap::new();
    while let Some(event) = events.next().await {
        let value = |object: DynamicObject| serde_json::to_value(object).unwrap_or_default();
        let change = match event {
            Ok(Event::Apply(object)) => Change::Put(kind, value(object)),
            Ok(Event::Delete(object)) => Change::Gone(kind, value(object)),
            Ok(Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                listed.insert(object.metadata.name.clone(), value(object));
                continue;
            }
            Ok(Event::InitDone) => Change::All(kind, std::mem::take(&mut listed).into_values().collect()),
            // The watcher begins anew.
            Err(_) => continue,
        };
        if tell.send(change).is_err() {
            return;
        }
    }
}

fn resource(plural: &str) -> ApiResource {
    let (group, version, kind) = match plural {
        "gateways" => ("gateway.networking.k8s.io", "v1", "Gateway"),
        "httproutes" => ("gateway.networking.k8s.io", "v1", "HTTPRoute"),
        "endpointslices" => ("discovery.k8s.io", "v1", "EndpointSlice"),
        "services" => ("", "v1", "Service"),
        _ => ("", "v1", "Pod"),
    };
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    ApiResource {
        group: group.into(),
        version: version.into(),
        api_version,
        kind: kind.into(),
        plural: plural.into(),
    }
}
