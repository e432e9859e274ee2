//! What a gateway has been told of its namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serin_testkit::controllers::gateway::{ServiceName, Surroundings};

use super::requests::Pods;
use super::watch::{Change, KINDS};

/// Objects of a kind, by name.
type Named = BTreeMap<String, Arc<Value>>;

/// All that has been told.
#[derive(Clone, Debug, Default)]
pub struct Sight {
    /// The GatewayClass of the Gateways that are ours.
    class: String,
    /// By plural; a kind is there when it has been listed.
    kinds: BTreeMap<&'static str, Named>,
    pods: Pods,
}

impl Sight {
    pub fn new(class: String) -> Self {
        Self { class, ..Self::default() }
    }

    /// Takes in a change. Tells whether it is one that the gateway looks at.
    pub fn undergo(&mut self, change: Change) -> bool {
        match change {
            Change::Put(kind, object) => {
                if kind == "pods" {
                    self.pods.see(&object);
                }
                self.kinds.entry(kind).or_default().insert(name(&object), Arc::new(object));
                kind != "pods"
            }
            Change::Gone(kind, object) => {
                if kind == "pods" {
                    self.pods.lose(&object);
                }
                self.kinds.entry(kind).or_default().remove(&name(&object));
                kind != "pods"
            }
            Change::All(kind, objects) => {
                let before = self.kinds.insert(kind, Named::new()).unwrap_or_default();
                for object in before.values().filter(|_| kind == "pods") {
                    self.pods.lose(object);
                }
                for object in objects {
                    self.undergo(Change::Put(kind, object));
                }
                true
            }
        }
    }

    /// Whether every kind has been listed.
    pub fn is_complete(&self) -> bool {
        self.kinds.len() == KINDS.len()
    }

    /// The routes that name a Gateway of ours.
    pub fn routes(&self) -> Vec<Arc<Value>> {
        let is_ours = |route: &&Arc<Value>| {
            let namespace = route["metadata"]["namespace"].as_str().unwrap_or_default();
            let mut parents = route["spec"]["parentRefs"].as_array().into_iter().flatten();
            parents.any(|parent| self.is_gateway(namespace, parent))
        };
        self.all("httproutes").filter(is_ours).cloned().collect()
    }

    pub fn slices(&self) -> Vec<Arc<Value>> {
        self.all("endpointslices").cloned().collect()
    }

    /// The pods, and which of them answer.
    pub fn pods(&self) -> &Pods {
        &self.pods
    }

    fn all(&self, kind: &str) -> impl Iterator<Item = &Arc<Value>> {
        self.kinds.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    fn find(&self, kind: &str, name: &str) -> Option<&Arc<Value>> {
        self.kinds.get(kind)?.get(name)
    }
}

/// It sees one namespace, and counts Services of others as there.
impl Surroundings for Sight {
    fn has_service(&self, service: &ServiceName) -> bool {
        let mut services = self.all("services");
        let is_elsewhere = !services.any(|of_here| of_here["metadata"]["namespace"] == *service.namespace);
        is_elsewhere || self.find("services", &service.name).is_some()
    }

    fn is_gateway(&self, namespace: &str, parent: &Value) -> bool {
        let of_namespace = parent["namespace"].as_str().is_none_or(|named| named == namespace);
        let is_gateway = parent["kind"].as_str().is_none_or(|kind| kind == "Gateway");
        let gateway = parent["name"].as_str().and_then(|name| self.find("gateways", name));
        of_namespace
            && is_gateway
            && gateway.is_some_and(|gateway| gateway["spec"]["gatewayClassName"] == *self.class)
    }
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
