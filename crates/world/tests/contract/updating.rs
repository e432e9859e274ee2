use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_testkit::world::{Failure, Request};
use serin_testkit::{Kind, World, rollout};

use crate::{code, json_patch, merge, path, replica_set, version, world};

fn generation(world: &World, kind: Kind, name: &str) -> i64 {
    world.get(kind, name)["metadata"]["generation"].as_i64().unwrap()
}

#[test]
fn the_generation_counts_changes_of_the_spec_only() {
    let mut world = world();
    world.create(replica_set("x", 1, "web:1"));
    for (kind, name) in [(Kind::Rollout, "a"), (Kind::ReplicaSet, "x")] {
        world.patch(
            kind,
            name,
            json!({ "metadata": { "labels": { "a": "b" }, "annotations": { "a": "b" } } }),
        );
        world.patch_status(kind, name, json!({ "replicas": 5 }));
        assert_eq!(generation(&world, kind, name), 1);
        world.patch(kind, name, json!({ "spec": { "replicas": 3 } }));
        assert_eq!(generation(&world, kind, name), 2);
        world.patch(kind, name, json!({ "spec": { "replicas": 3 } }));
        assert_eq!(generation(&world, kind, name), 2);
    }
}

#[test]
fn a_patch_that_changes_nothing_changes_no_version() {
    let mut world = world();
    world.patch(Kind::Rollout, "a", json!({ "spec": { "paused": true } }));
    let before = world.get(Kind::Rollout, "a").clone();
    world.advance(SignedDuration::from_secs(5));
    assert_eq!(
        merge(&mut world, Kind::Rollout, "a", json!({ "spec": { "paused": true } })).as_ref(),
        Ok(&before)
    );
    let patch = json!([{ "op": "add", "path": "/spec/paused", "value": true }]);
    assert_eq!(json_patch(&mut world, Kind::Rollout, "a", patch).as_ref(), Ok(&before));
    assert_eq!(code(merge(&mut world, Kind::Rollout, "a", json!({ "status": { "phase": "Healthy" } }))), 200);
    assert_eq!(world.get(Kind::Rollout, "a"), &before);
    assert_eq!(world.version(), version(&before));
}

#[test]
fn a_merge_patch_merges_maps_replaces_lists_and_removes_nulls() {
    let mut world = world();
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "annotations": { "a": "1", "b": "2" } } }));
    world.patch(Kind::Rollout, "a", json!({ "metadata": { "annotations": { "a": null, "c": "3" } } }));
    assert_eq!(world.get(Kind::Rollout, "a")["metadata"]["annotations"], json!({ "b": "2", "c": "3" }));
    let steps = json!([{ "setWeight": 5 }]);
    world.patch(Kind::Rollout, "a", json!({ "spec": { "strategy": { "canary": { "steps": steps } } } }));
    assert_eq!(world.get(Kind::Rollout, "a")["spec"]["strategy"]["canary"]["steps"], steps);
}

#[test]
fn the_last_entry_of_a_map_takes_the_map_with_it() {
    let mut world = world();
    world.patch(
        Kind::Rollout,
        "a",
        json!({ "metadata": { "annotations": { "a": "1" }, "finalizers": ["x/y"] } }),
    );
    let patch = json!([
        { "op": "remove", "path": "/metadata/annotations/a" },
        { "op": "remove", "path": "/metadata/finalizers/0" },
    ]);
    let patched = json_patch(&mut world, Kind::Rollout, "a", patch).unwrap();
    assert_eq!(patched["metadata"].get("annotations"), None);
    assert_eq!(patched["metadata"].get("finalizers"), None);
}

#[test]
fn a_stale_version_in_a_patch_is_a_conflict() {
    let mut world = world();
    let old = world.get(Kind::Rollout, "a")["metadata"]["resourceVersion"].clone();
    let patch = json!({ "metadata": { "resourceVersion": old }, "spec": { "replicas": 2 } });
    assert_eq!(code(merge(&mut world, Kind::Rollout, "a", patch.clone())), 200);
    let failure = merge(&mut world, Kind::Rollout, "a", patch.clone()).unwrap_err();
    let Failure::Refused(refusal) = failure else { unreachable!("{failure:?}") };
    assert_eq!((refusal.code, refusal.reason.as_str()), (409, "Conflict"));
    let status = format!("{}/status", path(&world, Kind::Rollout, "a"));
    let patch = json!({ "metadata": { "resourceVersion": old }, "status": { "phase": "Healthy" } });
    assert_eq!(code(world.request(Request::merge_patch(status, patch))), 409);
    let patch = json!([{ "op": "replace", "path": "/metadata/resourceVersion", "value": old }]);
    assert_eq!(code(json_patch(&mut world, Kind::Rollout, "a", patch)), 409);
}

#[test]
fn a_failing_test_is_invalid_and_nothing_of_the_patch_applies() {
    let mut world = world();
    let before = world.get(Kind::Rollout, "a").clone();
    let patch = json!([
        { "op": "add", "path": "/spec/replicas", "value": 9 },
        { "op": "test", "path": "/metadata/uid", "value": "another" },
    ]);
    let failure = json_patch(&mut world, Kind::Rollout, "a", patch).unwrap_err();
    let Failure::Refused(refusal) = failure else { unreachable!("{failure:?}") };
    assert_eq!((refusal.code, refusal.reason.as_str()), (422, "Invalid"));
    assert_eq!(world.get(Kind::Rollout, "a"), &before);
}

#[test]
fn a_service_without_selector_has_none_to_test() {
    let mut world = world();
    world.patch(Kind::Service, "stable", json!({ "spec": { "selector": { "app": null } } }));
    let patch = |value: Value| json!([{ "op": "test", "path": "/spec/selector", "value": value }]);
    assert_eq!(code(json_patch(&mut world, Kind::Service, "stable", patch(json!({})))), 422);
    assert_eq!(code(json_patch(&mut world, Kind::Service, "stable", patch(Value::Null))), 200);
}

#[test]
fn objects_and_their_status_are_written_apart() {
    let mut world = world();
    let status = format!("{}/status", path(&world, Kind::Rollout, "a"));
    let patch = json!({
        "metadata": { "labels": { "a": "b" } }, "spec": { "replicas": 7 }, "status": { "phase": "Paused", "replicas": 7 },
    });
    world.request(Request::merge_patch(&status, patch.clone())).unwrap();
    let stored = world.get(Kind::Rollout, "a");
    assert_eq!(stored["status"], patch["status"]);
    assert_eq!(stored["spec"]["replicas"], 1);
    assert_eq!(stored["metadata"]["labels"], Value::Null);
    world.patch(Kind::Rollout, "a", json!({ "status": { "phase": "Healthy" }, "spec": { "replicas": 7 } }));
    let stored = world.get(Kind::Rollout, "a");
    assert_eq!(stored["status"]["phase"], "Paused");
    assert_eq!(stored["spec"]["replicas"], 7);
    world.patch_status(Kind::Rollout, "a", json!({ "replicas": null }));
    assert_eq!(world.get(Kind::Rollout, "a")["status"], json!({ "phase": "Paused" }));
    let patch = json!([{ "op": "test", "path": "/spec/replicas", "value": 7 }, { "op": "remove", "path": "/status" }]);
    world.request(Request::json_patch(&status, patch)).unwrap();
    assert_eq!(world.get(Kind::Rollout, "a").get("status"), None);
    let lease = json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l" }, "spec": {} });
    world.create(lease);
    let status = format!("{}/status", path(&world, Kind::Lease, "l"));
    assert_eq!(code(world.request(Request::merge_patch(status, json!({})))), 404, "a Lease has no status");
}

#[test]
fn the_status_path_of_a_built_in_kind_takes_labels_too() {
    let mut world = world();
    let status = format!("{}/status", path(&world, Kind::Service, "stable"));
    let patch = json!({ "metadata": { "labels": { "a": "b" } }, "spec": { "type": "NodePort" } });
    let patched = world.request(Request::merge_patch(status, patch)).unwrap();
    assert_eq!(patched["metadata"]["labels"], json!({ "a": "b" }));
    assert_eq!(patched["spec"]["type"], "ClusterIP");
}

#[test]
fn finalizers_are_qualified_names() {
    let mut world = world();
    let patch = |finalizer: &str| json!({ "metadata": { "finalizers": [finalizer] } });
    assert_eq!(code(merge(&mut world, Kind::Rollout, "a", patch("traffic"))), 422);
    assert_eq!(code(merge(&mut world, Kind::Rollout, "a", patch("serin.dev/traffic"))), 200);
}

#[test]
fn replacing_a_lease_that_is_gone_creates_it() {
    let mut world = world();
    let lease = json!({ "metadata": { "name": "l" }, "spec": { "holderIdentity": "a" } });
    let path = path(&world, Kind::Lease, "l");
    let collection = world.collection_path(Kind::Lease, "default");
    let read = world.request(Request::post(collection, lease)).unwrap();
    world.delete(Kind::Lease, "l");
    let created = world.request(Request::put(path, read.clone())).unwrap();
    assert_ne!(created["metadata"]["uid"], read["metadata"]["uid"]);
}

#[test]
fn what_the_server_owns_cannot_be_changed() {
    let mut world = world();
    let before = world.get(Kind::Rollout, "a").clone();
    let patch = json!({ "metadata": {
        "creationTimestamp": null, "generation": 9, "deletionTimestamp": "2030-01-01T00:00:00Z", "managedFields": null,
    } });
    assert_eq!(merge(&mut world, Kind::Rollout, "a", patch), Ok(before));
    for (field, expected) in [("uid", 422), ("name", 400), ("namespace", 400)] {
        let patch = json!({ "metadata": { field: "another" } });
        assert_eq!(code(merge(&mut world, Kind::Rollout, "a", patch)), expected, "{field}");
    }
    world.create(replica_set("x", 1, "web:1"));
    let patch = json!({ "spec": { "selector": { "matchLabels": { "set": null } } } });
    assert_eq!(code(merge(&mut world, Kind::ReplicaSet, "x", patch)), 422);
}

#[test]
fn a_replacement_names_the_version_that_it_was_made_from() {
    let mut world = world();
    let rollout_path = path(&world, Kind::Rollout, "a");
    let read = world.get(Kind::Rollout, "a").clone();
    let mut changed = read.clone();
    changed["spec"]["replicas"] = json!(4);
    changed["status"] = json!({ "phase": "Healthy" });
    let stored = world.request(Request::put(&rollout_path, changed.clone())).unwrap();
    assert_eq!(stored["metadata"]["generation"], 2);
    assert_eq!(stored.get("status"), None);
    assert_eq!(code(world.request(Request::put(&rollout_path, changed.clone()))), 409);
    changed["metadata"]["resourceVersion"] = Value::Null;
    assert_eq!(code(world.request(Request::put(&rollout_path, changed.clone()))), 422);
    changed["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
    changed["metadata"]["uid"] = json!("another");
    assert_eq!(code(world.request(Request::put(&rollout_path, changed))), 409);
    assert_eq!(code(world.request(Request::put(format!("{rollout_path}x"), read))), 404);
}

#[test]
fn patches_that_the_world_does_not_speak_are_refused() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    let apply = Request::merge_patch(path, json!({})).with_content_type("application/apply-patch+yaml");
    assert_eq!(code(world.request(apply)), 415);
    assert_eq!(code(merge(&mut world, Kind::Rollout, "absent", json!({}))), 404);
}

#[test]
fn the_last_writer_is_noted() {
    let mut world = world();
    world.advance(SignedDuration::from_secs(60));
    let path = format!("{}?fieldManager=helm", path(&world, Kind::HttpRoute, "route"));
    let patch = json!([{ "op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 7 }]);
    let patched = world.request(Request::json_patch(path, patch)).unwrap();
    let entries = patched["metadata"]["managedFields"].as_array().unwrap();
    let writers: Vec<_> = entries.iter().map(|entry| (&entry["manager"], &entry["time"])).collect();
    assert_eq!(
        writers,
        [
            (&json!("person"), &json!("2030-01-01T00:00:00Z")),
            (&json!("helm"), &json!("2030-01-01T00:01:00Z")),
        ]
    );
}

#[test]
fn a_dry_run_of_a_patch_changes_nothing() {
    let mut world = world();
    let before = world.get(Kind::Rollout, "a").clone();
    let path = format!("{}?dryRun=All", path(&world, Kind::Rollout, "a"));
    let answer = world.request(Request::merge_patch(path, json!({ "spec": { "replicas": 2 } }))).unwrap();
    assert_eq!(answer["spec"]["replicas"], 2);
    assert_eq!(world.get(Kind::Rollout, "a"), &before);
}

#[test]
fn a_rollout_keeps_its_template_as_it_was_written() {
    let mut world = World::new();
    let template = json!({
        "metadata": { "labels": { "app": "web" }, "annotations": {} },
        "spec": { "containers": [{ "name": "web", "image": "web", "env": null }], "future": { "field": [] } },
    });
    let created = world.create(rollout("b").template(template.clone()).manifest());
    assert_eq!(created["spec"]["template"], template);
}

#[test]
fn the_time_of_a_template_that_a_server_never_wrote_is_no_change_of_the_spec() {
    let mut world = World::new();
    let mut set = world.create(replica_set("x", 1, "web:1"));
    let metadata = set["spec"]["template"]["metadata"].as_object_mut().unwrap();
    metadata.remove("creationTimestamp");
    world.mirror(std::sync::Arc::new(set.clone())).unwrap();
    let patched = world.patch(Kind::ReplicaSet, "x", json!({ "metadata": { "annotations": { "a": "b" } } }));
    assert_eq!(patched["spec"], set["spec"]);
    assert_eq!(generation(&world, Kind::ReplicaSet, "x"), 1);
}

#[test]
fn a_mirrored_object_keeps_its_version_and_later_writes_get_higher_ones() {
    let mut world = World::new();
    let mut set = world.create(replica_set("x", 1, "web:1"));
    set["metadata"]["resourceVersion"] = json!("700");
    world.mirror(std::sync::Arc::new(set)).unwrap();
    assert_eq!(version(world.get(Kind::ReplicaSet, "x")), 700);
    let patched = world.patch(Kind::ReplicaSet, "x", json!({ "metadata": { "labels": { "a": "b" } } }));
    assert!(version(&patched) > 700);
}
