//! What is sent to the API server for an action: exactly this, and only if what was decided on still holds.

use serde_json::{Value, json};
use serin_engine::api_call::api_call;
use serin_engine::{ApiCall, plan};

use crate::world::{World, hash_of};

/// The calls for the actions of a world's plan.
fn calls(world: &World) -> Vec<ApiCall> {
    let snapshot = world.snapshot();
    plan(&snapshot, world.now).actions.iter().map(|action| api_call(&snapshot, action)).collect()
}

fn body(world: &World, action: usize) -> Value {
    calls(world)[action].body.json()
}

/// One stable pod, whose role is in its annotations.
fn one_pod_with_a_role() -> World {
    World::healthy()
        .spec("replicas", json!(1))
        .revision("v1", 1, 1)
        .stable("v1", 1)
        .selects("stable", "v1", 1)
        .selects("canary", "v1", 1)
        .canary("activeMetadata", json!({"annotations": {"example.com/role": "active"}}))
}

#[test]
fn a_pod_without_annotations_gets_them_if_it_is_still_the_same_pod_and_still_has_none() {
    let world = one_pod_with_a_role();
    world.does(&["set role of ReplicaSet/web-v1", "relabel Pod/web-v1-0"]);
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "pod-v1-0"},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/example.com~1role", "value": "active"},
    ]);
    assert_eq!(body(&world, 1), expected);
}

#[test]
fn a_pod_with_annotations_keeps_them_and_each_change_is_tested() {
    let mut world = one_pod_with_a_role();
    world.pods[0]["metadata"]["annotations"] = json!({"example.com/role": "preview", "mine": "stays"});
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "pod-v1-0"},
        {"op": "test", "path": "/metadata/annotations/example.com~1role", "value": "preview"},
        {"op": "add", "path": "/metadata/annotations/example.com~1role", "value": "active"},
    ]);
    assert_eq!(body(&world, 1), expected);
}

#[test]
fn a_replica_set_without_annotations_gets_its_record_if_it_is_still_the_same_one() {
    let world = World::healthy().change("v1", "/metadata/annotations", Value::Null);
    let actions = world.actions();
    let recorded = actions.iter().position(|action| action == "record ReplicaSet/web-v1 as stable");
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v1"},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/serin.dev~1stable", "value": "1"},
    ]);
    assert_eq!(body(&world, recorded.unwrap()), expected);
}

#[test]
fn pods_are_scaled_from_the_number_that_was_seen() {
    let world = World::healthy().spec("replicas", json!(7));
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v1"},
        {"op": "test", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/spec/replicas", "value": 7},
    ]);
    assert_eq!(body(&world, 0), expected);
}

#[test]
fn a_selector_is_changed_only_if_all_of_it_is_as_it_was_seen() {
    let world = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    let path = "/spec/selector/rollouts-pod-template-hash";
    let expected = json!([
        {"op": "test", "path": "/spec/selector",
            "value": {"app": "web", "rollouts-pod-template-hash": hash_of("v1")}},
        {"op": "add", "path": path, "value": hash_of("v2")},
    ]);
    assert_eq!(body(&world, 0), expected);
}

#[test]
fn weights_are_changed_only_on_the_backends_that_were_seen() {
    let tests = |index: usize, name: &str, weight: i32| {
        let at = format!("/spec/rules/0/backendRefs/{index}");
        ["group", "kind", "namespace"]
            .map(|field| json!({"op": "test", "path": format!("{at}/{field}"), "value": null}))
            .into_iter()
            .chain([
                json!({"op": "test", "path": format!("{at}/name"), "value": name}),
                json!({"op": "test", "path": format!("{at}/weight"), "value": weight}),
            ])
            .collect::<Vec<_>>()
    };
    let mut expected = [tests(0, "stable", 100), tests(1, "canary", 0)].concat();
    expected.push(json!({"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 90}));
    expected.push(json!({"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 10}));
    assert_eq!(body(&World::canary_selected(), 0), Value::Array(expected));
}

#[test]
fn each_call_says_what_it_is_about_and_in_which_form() {
    let told = |call: &ApiCall| (call.target.resource(), call.body.content_type(), call.path.clone());
    let first = |world: World| told(&calls(&world)[0]);
    let patch = "application/json-patch+json";
    let namespaced = |api: &str, name: &str| format!("/{api}/namespaces/ns/{name}");
    assert_eq!(
        first(World::canary_selected()),
        ("httproutes", patch, namespaced("apis/gateway.networking.k8s.io/v1", "httproutes/route"))
    );
    let selects = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    assert_eq!(first(selects), ("services", patch, namespaced("api/v1", "services/canary")));
    let (resource, form, path) = first(World::updated());
    assert_eq!((resource, form), ("replicasets", "application/json"));
    assert_eq!(path, namespaced("apis/apps/v1", "replicasets"));
    let refused = World::healthy().spec("resume", json!({"step": 1}));
    let rollout = namespaced("apis/serin.dev/v1alpha1", "rollouts/web");
    assert_eq!(first(refused), ("rollouts", patch, rollout.clone()));
    assert_eq!(
        told(&calls(&one_pod_with_a_role())[1]),
        ("pods", patch, namespaced("api/v1", "pods/web-v1-0"))
    );
    let status = ApiCall::patch_status(&World::healthy().snapshot(), json!({}));
    assert_eq!(
        told(&status),
        ("rollouts/status", "application/merge-patch+json", format!("{rollout}/status"))
    );
}
