//! The contract of the real API server and its controllers, as far as the world follows it.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod controllers;
mod creating;
mod defaults;
mod deleting;
mod faults;
mod gateways;
mod reading;
mod updating;
mod watching;

use serde_json::{Value, json};
use serin_testkit::world::{Answer, Request};
use serin_testkit::{Kind, World, http_route, rollout, service};

/// The path of an object in the namespace `default`.
fn path(world: &World, kind: Kind, name: &str) -> String {
    format!("{}/{name}", world.collection_path(kind, "default"))
}

fn merge(world: &mut World, kind: Kind, name: &str, patch: Value) -> Answer {
    let path = path(world, kind, name);
    world.request(Request::merge_patch(path, patch))
}

fn json_patch(world: &mut World, kind: Kind, name: &str, patch: Value) -> Answer {
    let path = path(world, kind, name);
    world.request(Request::json_patch(path, patch))
}

fn code(answer: Answer) -> u16 {
    answer.map_or_else(|failure| failure.code(), |_| 200)
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

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
