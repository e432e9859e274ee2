//! The builders, and the world behind a real kube client.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod builders;
mod fake_api;

use serde_json::{Value, json};
use serin_testkit::{World, http_route, rollout, service};

/// A world with the Rollout `a`, its Services and its route.
fn world() -> World {
    let mut world = World::new();
    world.create(rollout("a").set_weight(10).pause().manifest());
    world.create(service("stable").manifest());
    world.create(service("canary").manifest());
    world.create(http_route("route").rule(&[("stable", None), ("canary", Some(0))]).manifest());
    world
}

/// A ReplicaSet of nobody's.
fn replica_set(name: &str, replicas: i64, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "name": name, "labels": { "app": "web" } },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "web", "set": name } },
            "template": {
                "metadata": { "labels": { "app": "web", "set": name } },
                "spec": { "containers": [{ "name": "web", "image": image }] },
            },
        },
    })
}
