//! Objects for tests. Each builder begins with the smallest object that is valid and fits the others: Rollouts, Services
//! and routes of the defaults belong together.

mod http_route;
mod replica_set;
mod rollout;
mod service;

use serde_json::{Value, json};

pub use self::http_route::{HttpRouteBuilder, http_route};
pub use self::replica_set::{ReplicaSetBuilder, replica_set};
pub use self::rollout::{RolloutBuilder, rollout};
pub use self::service::{ServiceBuilder, service};

/// The value of the label `app` that Rollouts and Services select by, unless told otherwise.
pub const APP: &str = "web";
/// The Service of the stable revision, unless told otherwise.
pub const STABLE: &str = "stable";
/// The Service of the canary, unless told otherwise.
pub const CANARY: &str = "canary";
/// The HTTPRoute, unless told otherwise.
pub const ROUTE: &str = "route";
/// The namespace, unless told otherwise.
pub const NAMESPACE: &str = "default";

/// A pod template with one container, as a user would write it.
pub fn pod_template(app: &str, image: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "containers": [{ "name": "web", "image": image }] },
    })
}

/// Fills in what the server would have added to a manifest by now.
fn stored(mut manifest: Value) -> Value {
    let name = manifest["metadata"]["name"].clone();
    let metadata = &mut manifest["metadata"];
    for (field, value) in [
        ("uid", json!(format!("uid-of-{}", name.as_str().unwrap_or_default()))),
        ("resourceVersion", json!("1")),
        ("generation", json!(1)),
        ("creationTimestamp", json!("2030-01-01T00:00:00Z")),
    ] {
        if metadata[field].is_null() {
            metadata[field] = value;
        }
    }
    manifest
}
