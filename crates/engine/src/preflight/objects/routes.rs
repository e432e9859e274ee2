//! Routes of any kind: parents, rules, and what gateways report.

use serde_json::Value;

use super::{Reported, list, number, text};
use crate::preflight::finding::Name;

/// The API group of gateways and routes.
pub use serin_api::route::ROUTE_GROUP as GATEWAY_GROUP;

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteShape {
    pub parents: Vec<Parent>,
    pub rules: Vec<RouteRule>,
    pub reports: Vec<ParentReport>,
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteRule {
    pub name: Option<String>,
    pub matches: usize,
    pub backends: Vec<RouteBackend>,
}

/// One backend, with the API's defaults left out as the user left them out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteBackend {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: String,
    pub port: Option<i32>,
    pub weight: Option<i32>,
}

/// What a route is attached to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: String,
    pub section: Option<String>,
    pub port: Option<i32>,
}

/// What one controller reports on one parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParentReport {
    pub parent: Parent,
    pub conditions: Vec<Reported>,
}

impl RouteBackend {
    /// Whether it is a Service at all.
    pub fn is_service(&self) -> bool {
        self.group.as_deref().unwrap_or_default().is_empty()
            && self.kind.as_deref().unwrap_or("Service") == "Service"
    }

    /// Whether it is this Service, in a route of the namespace `own`.
    pub fn is(&self, own: &str, namespace: &str, service: &str) -> bool {
        self.is_service() && self.name == service && self.namespace.as_deref().unwrap_or(own) == namespace
    }
}

impl Parent {
    fn of(value: &Value) -> Self {
        Self {
            group: text(&value["group"]),
            kind: text(&value["kind"]),
            namespace: text(&value["namespace"]),
            name: text(&value["name"]).unwrap_or_default(),
            section: text(&value["sectionName"]),
            port: number(&value["port"]),
        }
    }

    /// The Gateway that it is, if it is one, for a route of the namespace `own`.
    pub fn gateway(&self, own: &str) -> Option<Name> {
        let Name { kind, namespace, name } = self.named(own);
        let is_gateway = self.group.as_deref().unwrap_or(GATEWAY_GROUP) == GATEWAY_GROUP && kind == "Gateway";
        is_gateway.then(|| Name::new(kind, namespace, name))
    }

    /// What it is, for a route of the namespace `own`.
    pub fn named(&self, own: &str) -> Name {
        let kind = self.kind.as_deref().unwrap_or("Gateway");
        Name::new(kind, self.namespace.as_deref().unwrap_or(own), &*self.name)
    }

    /// Whether both mean the same, in a route of the namespace `own`.
    pub fn is_same(&self, other: &Self, own: &str) -> bool {
        let group = |parent: &Self| parent.group.clone().unwrap_or_else(|| GATEWAY_GROUP.to_owned());
        group(self) == group(other)
            && self.named(own) == other.named(own)
            && self.section == other.section
            && self.port == other.port
    }
}

impl RouteShape {
    /// Reads the `spec` and the `status` of a route.
    pub fn of(spec: &Value, status: &Value) -> Self {
        Self {
            parents: list(&spec["parentRefs"]).iter().map(Parent::of).collect(),
            rules: list(&spec["rules"]).iter().map(rule).collect(),
            reports: list(&status["parents"]).iter().map(report).collect(),
        }
    }

    /// The rules that hold both Services of the namespace, each once, with their places.
    pub fn pairs<'r, 'n>(
        &'r self,
        own: &'n str,
        namespace: &'n str,
        services: [&'n str; 2],
    ) -> impl Iterator<Item = (usize, &'r RouteRule)> {
        let has = move |rule: &RouteRule, service: &str| {
            rule.backends.iter().filter(|backend| backend.is(own, namespace, service)).count() == 1
        };
        self.rules
            .iter()
            .enumerate()
            .filter(move |(_, rule)| services.iter().all(|service| has(rule, service)))
    }
}

fn rule(value: &Value) -> RouteRule {
    let backend = |value: &Value| RouteBackend {
        group: text(&value["group"]),
        kind: text(&value["kind"]),
        namespace: text(&value["namespace"]),
        name: text(&value["name"]).unwrap_or_default(),
        port: number(&value["port"]),
        weight: number(&value["weight"]),
    };
    RouteRule {
        name: text(&value["name"]),
        matches: list(&value["matches"]).len(),
        backends: list(&value["backendRefs"]).iter().map(backend).collect(),
    }
}

fn report(value: &Value) -> ParentReport {
    ParentReport { parent: Parent::of(&value["parentRef"]), conditions: Reported::list(&value["conditions"]) }
}
