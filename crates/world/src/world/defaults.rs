//! What the server fills in where a manifest says nothing.
//!
//! Only the defaults that an operator trips over: the ones in pod templates, because templates are compared, and the
//! ones in routes, because backends are.

mod pods;
mod routes;
mod services;

use serde_json::{Map, Value, json};

use super::kinds::Kind;

/// Fills in the defaults of a kind.
pub(crate) fn fill(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Rollout => set(&mut object["spec"], "replicas", json!(1)),
        Kind::ReplicaSet => {
            let spec = &mut object["spec"];
            set(spec, "replicas", json!(1));
            pods::fill(&mut spec["template"]["spec"]);
        }
        Kind::Pod => pods::fill(&mut object["spec"]),
        Kind::Service => services::fill(&mut object["spec"]),
        Kind::HttpRoute => {
            routes::fill(&mut object["spec"]);
            routes::fill_http_matches(&mut object["spec"]);
        }
        Kind::GrpcRoute | Kind::TlsRoute | Kind::TcpRoute | Kind::UdpRoute => {
            routes::fill(&mut object["spec"]);
        }
        Kind::EndpointSlice => {
            // The list of endpoints is required in the server's type, so an empty one is written as null.
            let is_empty = object["endpoints"].as_array().is_none_or(Vec::is_empty);
            if is_empty {
                object["endpoints"] = Value::Null;
            }
        }
        Kind::Namespace | Kind::Lease | Kind::Event => {}
    }
}

/// Servers of some versions write the creation time of a ReplicaSet's template, which is never set, as null. `before` is
/// what the object replaces: whoever left it out there leaves it out.
pub(crate) fn fill_template_time(kind: Kind, before: Option<&Value>, object: &mut Value) {
    let was_written = |before: &Value| before.pointer("/spec/template/metadata/creationTimestamp").is_some();
    if kind == Kind::ReplicaSet && before.is_none_or(was_written) {
        set(&mut object["spec"]["template"]["metadata"], "creationTimestamp", Value::Null);
    }
}

/// The status and lifecycle fields that a new object begins with.
pub(crate) fn begin(kind: Kind, object: &mut Value) {
    if kind.facts().has_status
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("status");
    }
    match kind {
        Kind::ReplicaSet => object["status"] = json!({ "replicas": 0 }),
        Kind::Pod => object["status"] = json!({ "phase": "Pending", "qosClass": "BestEffort" }),
        Kind::Service => object["status"] = json!({ "loadBalancer": {} }),
        Kind::Namespace => {
            object["spec"] = json!({ "finalizers": ["kubernetes"] });
            object["status"] = json!({ "phase": "Active" });
        }
        _ => {}
    }
    if kind.facts().has_generation {
        object["metadata"]["generation"] = json!(1);
    }
}

/// Sets a field that is absent.
fn set(parent: &mut Value, name: &str, value: Value) {
    if parent.is_null() {
        *parent = Value::Object(Map::new());
    }
    if let Some(fields) = parent.as_object_mut() {
        fields.entry(name).or_insert(value);
    }
}

/// The items of a list that may be absent.
fn each<'a>(parent: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    parent.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}
