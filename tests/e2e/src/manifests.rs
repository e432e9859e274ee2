//! The smallest objects that make a canary: a Rollout `web`, Services `stable` and `canary`, a route `route`.

use serde_json::{Value, json};

/// The Rollout's name.
pub const NAME: &str = "web";

/// A Service of the Rollout's pods.
pub fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": NAME}, "ports": [{"port": 80}]},
    })
}

/// The route, with one rule of the two Services and no weights.
pub fn route() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "route"},
        "spec": {"parentRefs": [{"name": "eg"}], "rules": [
            {"backendRefs": [{"name": "stable", "port": 80}, {"name": "canary", "port": 80}]},
        ]},
    })
}

/// A Rollout of two replicas of `web:1`: steps 10, pause, 50, pause; drains of one second.
pub fn rollout() -> Value {
    json!({
        "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout", "metadata": {"name": NAME},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": NAME}},
            "template": {
                "metadata": {"labels": {"app": NAME}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": {
                "stableService": "stable", "canaryService": "canary",
                "scaleDownDelaySeconds": 1, "abortScaleDownDelaySeconds": 1,
                "trafficRouting": {"gatewayAPI": {"httpRoute": "route"}},
                "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}],
            }},
        },
    })
}

/// All of them.
pub fn all() -> Vec<Value> {
    with(rollout())
}

/// All of them, with another Rollout.
pub fn with(rollout: Value) -> Vec<Value> {
    vec![service("stable"), service("canary"), route(), rollout]
}
