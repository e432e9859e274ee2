//! The defaults of routes, as their CustomResourceDefinitions have them.

use serde_json::{Value, json};

use super::{each, set};

pub(super) fn fill_http_matches(spec: &mut Value) {
    set(spec, "rules", json!([{}]));
    for rule in each(spec, "rules") {
        set(rule, "matches", json!([{}]));
        for condition in each(rule, "matches") {
            set(condition, "path", json!({}));
            set(&mut condition["path"], "type", json!("PathPrefix"));
            set(&mut condition["path"], "value", json!("/"));
        }
    }
}

pub(super) fn fill(spec: &mut Value) {
    for parent in each(spec, "parentRefs") {
        set(parent, "group", json!("gateway.networking.k8s.io"));
        set(parent, "kind", json!("Gateway"));
    }
    for rule in each(spec, "rules") {
        for backend in each(rule, "backendRefs") {
            set(backend, "group", json!(""));
            set(backend, "kind", json!("Service"));
            set(backend, "weight", json!(1));
        }
    }
}
