use serde_json::{Value, json};
use serin_testkit::controllers::{GarbageCollector, Kubelet, NamespaceController, ReplicaSetController};
use serin_testkit::world::Request;
use serin_testkit::{Kind, World};

use crate::{code, json_patch, merge, path, replica_set, version, world};

#[test]
fn an_object_that_nothing_holds_goes_at_once() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    let answer = world.request(Request::delete(&path, Value::Null)).unwrap();
    assert_eq!((&answer["kind"], &answer["status"]), (&json!("Status"), &json!("Success")));
    assert_eq!(world.find(Kind::Rollout, "a"), None);
    assert_eq!(code(world.request(Request::delete(&path, Value::Null))), 404);
}

#[test]
fn preconditions_are_kept() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    for preconditions in [json!({ "uid": "another" }), json!({ "resourceVersion": "1" })] {
        let options = json!({ "preconditions": preconditions });
        assert_eq!(code(world.request(Request::delete(&path, options))), 409);
    }
    let metadata = &world.get(Kind::Rollout, "a")["metadata"];
    let fitting = json!({ "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"] });
    assert_eq!(code(world.request(Request::delete(&path, json!({ "preconditions": fitting })))), 200);
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_removed() {
    let mut world = world();
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": ["x/one", "x/two"] } }));
    world.delete(Kind::Rollout, "a");
    let deleting = world.get(Kind::Rollout, "a").clone();
    assert_eq!(deleting["metadata"]["deletionTimestamp"], "2030-01-01T00:00:00Z");
    assert_eq!(deleting["metadata"]["generation"], 2, "a deletion counts as a change of what is wanted");
    world.delete(Kind::Rollout, "a");
    assert_eq!(world.get(Kind::Rollout, "a"), &deleting, "a second deletion changes nothing");
    let new = json!({ "metadata": { "finalizers": ["x/one", "x/two", "x/three"] } });
    assert_eq!(code(merge(&mut world, Kind::Rollout, "a", new)), 422);
    let first = json!([
        { "op": "test", "path": "/metadata/finalizers/0", "value": "x/one" },
        { "op": "remove", "path": "/metadata/finalizers/0" },
    ]);
    json_patch(&mut world, Kind::Rollout, "a", first).unwrap();
    let last = json!([{ "op": "remove", "path": "/metadata/finalizers/0" }]);
    let answer = json_patch(&mut world, Kind::Rollout, "a", last).unwrap();
    assert_eq!(answer["metadata"].get("finalizers"), None);
    assert_eq!(version(&answer), world.version() - 1, "the answer is older than the deletion");
    assert_eq!(world.find(Kind::Rollout, "a"), None);
}

#[test]
fn people_can_remove_finalizers() {
    let mut world = world();
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": ["x/one"] } }));
    world.delete_by_force(Kind::Rollout, "a");
    assert_eq!(world.find(Kind::Rollout, "a"), None);
}

/// A ReplicaSet `x` with two running pods.
fn with_pods() -> World {
    let mut world = World::new();
    world.create(replica_set("x", 2, "web:1"));
    ReplicaSetController::default().step(&mut world);
    Kubelet::default().step(&mut world);
    assert_eq!(world.all(Kind::Pod).len(), 2);
    world
}

fn delete_with(world: &mut World, policy: &str) {
    let path = path(world, Kind::ReplicaSet, "x");
    world.request(Request::delete(path, json!({ "propagationPolicy": policy }))).unwrap();
}

#[test]
fn a_running_pod_has_time_to_end() {
    let mut world = with_pods();
    let name = world.all(Kind::Pod)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    world.delete(Kind::Pod, &name);
    let ending = world.get(Kind::Pod, &name);
    assert_eq!(ending["metadata"]["deletionTimestamp"], "2030-01-01T00:00:30Z");
    assert_eq!(ending["metadata"]["deletionGracePeriodSeconds"], 30);
    world.patch(Kind::Pod, &name, json!({ "metadata": { "labels": { "a": "b" } } }));
    let path = path(&world, Kind::Pod, &name);
    world.request(Request::delete(path, json!({ "gracePeriodSeconds": 0 }))).unwrap();
    assert_eq!(world.find(Kind::Pod, &name), None);
}

#[test]
fn garbage_is_collected_when_the_test_says_so() {
    let mut world = with_pods();
    delete_with(&mut world, "Background");
    assert_eq!(world.find(Kind::ReplicaSet, "x"), None);
    assert_eq!(world.all(Kind::Pod).len(), 2);
    GarbageCollector::default().step(&mut world);
    Kubelet::default().step(&mut world);
    assert_eq!(world.all(Kind::Pod).len(), 0);
}

#[test]
fn a_foreground_deletion_waits_for_its_dependents() {
    let mut world = with_pods();
    delete_with(&mut world, "Foreground");
    assert_eq!(world.get(Kind::ReplicaSet, "x")["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    GarbageCollector::default().step(&mut world);
    assert!(world.find(Kind::ReplicaSet, "x").is_some());
    Kubelet::default().step(&mut world);
    assert_eq!(world.all(Kind::Pod).len(), 0);
    GarbageCollector::default().step(&mut world);
    assert_eq!(world.find(Kind::ReplicaSet, "x"), None);
}

#[test]
fn an_orphaning_deletion_releases_its_dependents() {
    let mut world = with_pods();
    delete_with(&mut world, "Orphan");
    GarbageCollector::default().step(&mut world);
    GarbageCollector::default().step(&mut world);
    assert_eq!(world.find(Kind::ReplicaSet, "x"), None);
    let pods = world.all(Kind::Pod);
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().all(|pod| pod["metadata"].get("ownerReferences").is_none()));
}

#[test]
fn a_namespace_goes_when_it_is_empty() {
    let mut world = world();
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": ["x/one"] } }));
    world.delete(Kind::Namespace, "default");
    let mut controller = NamespaceController::default();
    controller.step(&mut world);
    controller.step(&mut world);
    assert_eq!(world.get(Kind::Namespace, "default")["status"]["phase"], "Terminating");
    assert!(world.find(Kind::Service, "stable").is_none());
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "finalizers": null } }));
    controller.step(&mut world);
    assert_eq!(world.find(Kind::Namespace, "default"), None);
}
