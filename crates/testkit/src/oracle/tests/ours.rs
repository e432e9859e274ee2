//! What is not the operator's stays as it is.

use serde_json::{Value, json};

use super::town::{NOON, Town, replica_set, route};
use serin_world::world::Kind;

#[test]
fn of_a_route_only_two_weights_change() {
    for (pointer, value) in [
        ("/spec/hostnames", json!(["b.example"])),
        ("/metadata/annotations", json!({})),
        ("/metadata/labels", json!({"a": "b"})),
        ("/metadata/finalizers", json!(["x"])),
        ("/spec/rules/0/backendRefs/1/port", json!(81)),
        ("/spec/rules/0/matches", json!([])),
    ] {
        Town::new().written(Kind::HttpRoute, "route", pointer, value).breaks("more than ours was changed");
    }
}

#[test]
fn a_route_that_no_rollout_names_is_never_written() {
    let mut town = Town::new();
    town.after.put(Kind::HttpRoute, route("other", 1, 0));
    town.breaks("HTTPRoute/other: was written, and no Rollout names it");
    let mut town = Town::new();
    town.after.remove(Kind::HttpRoute, "other");
    town.breaks("HTTPRoute/other: was deleted");
}

#[test]
fn a_third_backend_keeps_its_weight() {
    let mut town = Town::new();
    let third = json!({"name": "third", "port": 80, "weight": 5});
    town.both(|world| {
        let mut route = route("route", 60, 40);
        route["spec"]["rules"][0]["backendRefs"].as_array_mut().unwrap().push(third.clone());
        world.put(Kind::HttpRoute, route);
    });
    let at = "/spec/rules/0/backendRefs/2/weight";
    town.written(Kind::HttpRoute, "route", at, json!(6)).breaks("more than ours was changed");
}

#[test]
fn of_a_service_only_our_key_changes_and_of_others_nothing() {
    let mut town = Town::new();
    town.written(Kind::Service, "canary", "/metadata/labels", json!({})).breaks("more than ours was changed");
    let mut town = Town::new();
    town.both(|world| drop(world.put(Kind::Service, json!({"metadata": {"name": "third"}, "spec": {}}))));
    town.written(Kind::Service, "third", "/spec/selector", json!({})).breaks("no Rollout names it");
}

#[test]
fn of_the_rollout_only_requests_and_the_finalizer_go() {
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/spec/replicas", json!(5)).breaks("more than ours was changed");
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/spec/resume", json!({"step": 1}))
        .breaks("more than ours was changed");
    let mut town = Town::new();
    let others = json!({"serin.dev/abort": "current", "tool": "x"});
    town.given(Kind::Rollout, "web", "/spec/resume", json!({"step": 1}));
    town.given(Kind::Rollout, "web", "/metadata/annotations", others);
    town.written(Kind::Rollout, "web", "/metadata/annotations", json!({"tool": "x"}));
    town.written(Kind::Rollout, "web", "/spec/resume", Value::Null).is_fine();
    town.written(Kind::Rollout, "web", "/metadata/annotations", json!({}))
        .breaks("more than ours was changed");
}

#[test]
fn a_rollout_goes_only_when_somebody_has_deleted_it() {
    let mut town = Town::new();
    town.after.remove(Kind::Rollout, "web");
    town.breaks("Rollout/web: was deleted");
    let deleted = "/metadata/deletionTimestamp";
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", deleted, json!(NOON)).after.remove(Kind::Rollout, "web");
    town.is_fine();
}

#[test]
fn of_replica_sets_only_size_record_and_role_change() {
    let mut town = Town::new();
    let image = "/spec/template/spec/containers/0/image";
    town.written(Kind::ReplicaSet, "web-v2", image, json!("v3")).breaks("more than ours was changed");
    let mut town = Town::new();
    town.written(Kind::ReplicaSet, "web-v2", "/metadata/annotations/tool", Value::Null);
    town.breaks("more than ours was changed");
    let mut town = Town::new();
    town.after.put(Kind::ReplicaSet, replica_set("v3", 0, None));
    town.is_fine();
    town.written(Kind::ReplicaSet, "web-v3", "/metadata/ownerReferences", json!([])).breaks("was created");
    let mut town = Town::new();
    town.after.remove(Kind::ReplicaSet, "web-v2");
    town.breaks("was deleted with pods");
}

#[test]
fn of_pods_only_the_keys_of_roles_change() {
    let mut town = Town::new();
    town.given(
        Kind::Rollout,
        "web",
        "/spec/strategy/canary/previewMetadata",
        json!({"labels": {"role": "preview"}}),
    );
    town.written(Kind::Pod, "web-v2-0", "/metadata/labels/role", json!("preview")).is_fine();
    town.written(Kind::Pod, "web-v2-0", "/metadata/labels/app", json!("other"))
        .breaks("more than ours was changed");
    let mut town = Town::new();
    town.after.remove(Kind::Pod, "web-v2-0");
    town.breaks("web-v2-0 was let go, and no restart asks for that");
}
