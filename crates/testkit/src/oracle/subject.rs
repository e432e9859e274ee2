//! Which Rollout is judged, and what it names.

use std::collections::BTreeMap;

use serde_json::Value;
use serin_api::Names;
use serin_api::names::GATEWAY_API_PLUGIN;

use super::Object;
use super::names::{name_of, texts};
use serin_world::world::Kind;

/// How long pods stay where the Rollout does not say.
const DEFAULT_DELAY_SECONDS: i64 = 30;

/// Labels and annotations of one role.
#[derive(Clone, Debug, Default)]
pub struct Role {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// A route that a Rollout names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteName {
    pub kind: Kind,
    pub name: String,
    /// The names of the rules that are meant; every one where there is none.
    pub rules: Vec<String>,
}

/// The Services and the routes that a Rollout names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    pub stable: String,
    pub canary: String,
    pub routes: Vec<RouteName>,
}

/// A Rollout as far as it says by itself what is its own.
#[derive(Clone, Debug)]
pub struct Subject {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// Of annotations and the finalizer, by the API group.
    pub names: Names,
    /// What the spec names.
    pub wanted: References,
    /// What is managed: as recorded, else what the spec names.
    pub in_force: References,
    pub replicas: i64,
    pub active: Role,
    pub preview: Role,
    pub drain_seconds: i64,
    /// 0 keeps the pods.
    pub abort_drain_seconds: i64,
    pub steps: Vec<Value>,
}

impl Subject {
    pub fn of(rollout: &Object) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let group = rollout["apiVersion"].as_str().and_then(|version| version.split('/').next());
        let canary = &rollout["spec"]["strategy"]["canary"];
        let routing = &canary["trafficRouting"];
        let route = match &routing["gatewayAPI"] {
            Value::Null => &routing["plugins"][GATEWAY_API_PLUGIN],
            native => native,
        };
        let wanted = References {
            stable: text(&canary["stableService"]),
            canary: text(&canary["canaryService"]),
            routes: named_routes(route),
        };
        let managed = &rollout["status"]["canary"]["managed"];
        let in_force = if managed.is_object() {
            References {
                stable: text(&managed["stableService"]["name"]),
                canary: text(&managed["canaryService"]["name"]),
                routes: recorded_routes(&managed["routes"]),
            }
        } else {
            wanted.clone()
        };
        let role = |ours: &str, theirs: &str| {
            let role = if canary[ours].is_null() { &canary[theirs] } else { &canary[ours] };
            Role { labels: texts(&role["labels"]), annotations: texts(&role["annotations"]) }
        };
        let seconds = |field: &str| canary[field].as_i64().unwrap_or(DEFAULT_DELAY_SECONDS);
        Self {
            namespace: text(&rollout["metadata"]["namespace"]),
            name: name_of(rollout).to_owned(),
            uid: text(&rollout["metadata"]["uid"]),
            names: Names::for_group(group.unwrap_or_default()),
            wanted,
            in_force,
            replicas: rollout["spec"]["replicas"].as_i64().unwrap_or(1),
            active: role("activeMetadata", "stableMetadata"),
            preview: role("previewMetadata", "canaryMetadata"),
            drain_seconds: seconds("scaleDownDelaySeconds"),
            abort_drain_seconds: seconds("abortScaleDownDelaySeconds"),
            steps: canary["steps"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// Whether a route is the Rollout's to write.
    pub fn names_route(&self, kind: Kind, name: &str) -> bool {
        let mut routes = self.in_force.routes.iter().chain(&self.wanted.routes);
        routes.any(|route| route.kind == kind && route.name == name)
    }

    /// Both Services, each with the other one.
    pub fn services(&self) -> [(&str, &str); 2] {
        let References { stable, canary, .. } = &self.in_force;
        [(stable, canary), (canary, stable)]
    }

    /// Whether a Service or route with this name is the Rollout's to write.
    pub fn names_service(&self, name: &str) -> bool {
        [&self.in_force, &self.wanted].into_iter().any(|of| of.stable == name || of.canary == name)
    }
}

/// The routes that a spec names, in its own words.
fn named_routes(routing: &Value) -> Vec<RouteName> {
    let mut routes: Vec<RouteName> = Vec::new();
    for (field, kind) in [
        ("httpRoute", Kind::HttpRoute),
        ("grpcRoute", Kind::GrpcRoute),
        ("tlsRoute", Kind::TlsRoute),
        ("tcpRoute", Kind::TcpRoute),
        ("udpRoute", Kind::UdpRoute),
    ] {
        let one = routing[field].as_str().into_iter().map(|name| (name, None));
        let several = routing[format!("{field}s")].as_array().into_iter().flatten();
        let several =
            several.map(|entry| (entry["name"].as_str().unwrap_or_default(), entry["rule"].as_str()));
        for (name, rule) in one.chain(several) {
            let rule = rule.map(str::to_owned);
            match routes.iter_mut().find(|known| known.kind == kind && known.name == name) {
                Some(known) => known.rules.extend(rule),
                None => {
                    routes.push(RouteName { kind, name: name.to_owned(), rules: rule.into_iter().collect() })
                }
            }
        }
    }
    routes
}

/// The routes that status records.
fn recorded_routes(managed: &Value) -> Vec<RouteName> {
    let route = |entry: &Value| {
        let kind = Kind::ROUTES.into_iter().find(|kind| entry["kind"] == kind.name())?;
        let rules = entry["rules"].as_array().into_iter().flatten();
        Some(RouteName {
            kind,
            name: entry["name"].as_str()?.to_owned(),
            rules: rules.filter_map(|rule| Some(rule.as_str()?.to_owned())).collect(),
        })
    };
    managed.as_array().into_iter().flatten().filter_map(route).collect()
}
