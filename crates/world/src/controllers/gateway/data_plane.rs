//! Where a gateway's proxies send requests.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Accepts, Endpoints, Routes};

/// A Service, by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceName {
    pub namespace: String,
    pub name: String,
}

/// One backend of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub service: ServiceName,
    /// Its part of the rule's requests, in proportion to the weights beside it; none at 0.
    pub weight: i64,
}

/// What the proxies know: it may be older than what the gateway reports.
#[derive(Clone, Debug, Default)]
pub struct DataPlane {
    routes: BTreeMap<(String, String), Vec<Vec<Backend>>>,
    endpoints: Endpoints,
}

impl DataPlane {
    /// The rules of all routes, each with the namespace and name of its route.
    pub fn rules(&self) -> impl Iterator<Item = (&(String, String), &[Backend])> {
        self.routes.iter().flat_map(|(route, rules)| rules.iter().map(move |rule| (route, rule.as_slice())))
    }

    /// The uids of the pods that requests for a Service go to.
    pub fn pods(&self, service: &ServiceName) -> impl Iterator<Item = &str> {
        self.endpoints.get(service).into_iter().flatten().map(String::as_str)
    }

    /// Takes over the endpoints of all Services.
    pub(super) fn know(&mut self, endpoints: BTreeMap<ServiceName, BTreeSet<String>>) {
        self.endpoints = endpoints;
    }

    /// Takes over routes, as far as they are accepted.
    pub(super) fn follow(&mut self, routes: &Routes, accepts: Accepts) {
        self.routes.retain(|route, _| routes.contains_key(route));
        for (key, route) in routes {
            let mut rules = rules(route);
            if !accepts.whole(route) {
                match self.routes.get(key) {
                    Some(_) if accepts.refuses() => continue,
                    None if accepts.refuses() => rules.clear(),
                    before => {
                        let first = before.and_then(|rules| rules.first()).cloned();
                        rules.splice(..1.min(rules.len()), first);
                    }
                }
            }
            self.routes.insert(key.clone(), rules);
        }
    }
}

fn rules(route: &Value) -> Vec<Vec<Backend>> {
    let own = route["metadata"]["namespace"].as_str().unwrap_or_default();
    let backend = |backend: &Value| Backend {
        service: ServiceName {
            namespace: backend["namespace"].as_str().unwrap_or(own).to_owned(),
            name: backend["name"].as_str().unwrap_or_default().to_owned(),
        },
        weight: backend["weight"].as_i64().unwrap_or(1),
    };
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    rules.map(|rule| rule["backendRefs"].as_array().into_iter().flatten().map(backend).collect()).collect()
}
