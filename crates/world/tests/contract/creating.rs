use serde_json::{Value, json};
use serin_testkit::world::{Failure, Request};
use serin_testkit::{Kind, World, rollout, service};

use crate::{replica_set, version, world};

#[test]
fn a_new_object_gets_identity_version_generation_and_time() {
    let mut world = World::new();
    let created = world.create(rollout("a").status(json!({ "phase": "Healthy" })).manifest());
    let metadata = &created["metadata"];
    assert_eq!(metadata["generation"], 1);
    assert_eq!(metadata["creationTimestamp"], "2030-01-01T00:00:00Z");
    assert!(metadata["uid"].is_string());
    assert_eq!(version(&created), world.version());
    assert_eq!(created["status"], Value::Null, "status is written through its own path");
    assert_eq!(metadata["managedFields"][0]["manager"], "person");
    assert_eq!(world.get(Kind::Rollout, "a"), &created);
    let other = world.create(service("stable").manifest());
    assert_eq!(version(&other), version(&created) + 1);
    assert_eq!(other["metadata"]["generation"], Value::Null, "Services do not count their changes");
}

#[test]
fn what_the_server_owns_cannot_be_sent() {
    let mut world = World::new();
    let sent = rollout("a")
        .uid("mine")
        .generation(7)
        .set("/metadata/creationTimestamp", json!("2000-01-01T00:00:00Z"));
    let created = world.create(sent.manifest());
    assert_ne!(created["metadata"]["uid"], "mine");
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["metadata"]["creationTimestamp"], "2030-01-01T00:00:00Z");
}

#[test]
fn a_new_object_has_no_version() {
    let mut world = World::new();
    let with_version = rollout("a").set("/metadata/resourceVersion", json!("1")).manifest();
    assert_eq!(world.try_create(with_version).unwrap_err().code(), 500);
}

#[test]
fn the_path_tells_the_kind_of_built_in_objects_only() {
    let mut world = World::new();
    let services = world.collection_path(Kind::Service, "default");
    let created =
        world.request(Request::post(services, json!({ "metadata": { "name": "s" }, "spec": {} }))).unwrap();
    assert_eq!((&created["apiVersion"], &created["kind"]), (&json!("v1"), &json!("Service")));
    let rollouts = world.collection_path(Kind::Rollout, "default");
    let mut manifest = rollout("a").manifest();
    manifest["kind"] = Value::Null;
    assert_eq!(world.request(Request::post(rollouts, manifest)).unwrap_err().code(), 400);
}

#[test]
fn a_name_is_given_once() {
    let mut world = world();
    let before = world.version();
    let failure = world.try_create(rollout("a").manifest()).unwrap_err();
    let Failure::Refused(refusal) = failure else { unreachable!("{failure:?}") };
    assert_eq!((refusal.code, refusal.reason.as_str()), (409, "AlreadyExists"));
    assert_eq!(refusal.message, "rollouts.serin.dev \"a\" already exists");
    assert_eq!(refusal.status()["details"], json!({ "name": "a", "kind": "rollouts", "group": "serin.dev" }));
    assert_eq!(world.version(), before);
}

#[test]
fn generated_names_are_the_same_in_every_run() {
    let names = || {
        let mut world = World::new();
        let mut create = || {
            let manifest =
                json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "generateName": "a-" } });
            world.create(manifest)["metadata"]["name"].as_str().unwrap().to_owned()
        };
        [create(), create()]
    };
    let [first, second] = names();
    assert!(first.starts_with("a-") && first.len() == 7 && first != second, "{first} {second}");
    assert_eq!(names(), [first, second]);
}

#[test]
fn a_dry_run_answers_with_the_defaulted_object_and_stores_nothing() {
    let mut world = world();
    let before = world.version();
    let path = format!("{}?dryRun=All", world.collection_path(Kind::ReplicaSet, "default"));
    let answer = world.request(Request::post(&path, replica_set("x", 1, "web:1"))).unwrap();
    assert_eq!(answer["spec"]["template"]["spec"]["dnsPolicy"], "ClusterFirst");
    assert_eq!(answer["metadata"]["resourceVersion"], Value::Null);
    assert_eq!(world.find(Kind::ReplicaSet, "x"), None);
    assert_eq!(world.version(), before);
    world.create(replica_set("x", 1, "web:1"));
    let code = world.request(Request::post(&path, replica_set("x", 1, "web:1"))).unwrap_err().code();
    assert_eq!(code, 409, "a dry run is judged like any other request");
}

#[test]
fn namespaces_must_exist_and_stay() {
    let mut world = World::new();
    let elsewhere = || rollout("a").namespace("shop").manifest();
    assert_eq!(world.try_create(elsewhere()).unwrap_err().code(), 404);
    world.create(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } }));
    world.create(elsewhere());
    world.delete(Kind::Namespace, "shop");
    let failure = world.try_create(rollout("b").namespace("shop").manifest()).unwrap_err();
    let Failure::Refused(refusal) = &failure else { unreachable!("{failure:?}") };
    assert_eq!((refusal.code, refusal.reason.as_str()), (403, "Forbidden"));
    assert_eq!(refusal.status()["details"]["causes"][0]["reason"], "NamespaceTerminating");
    world.patch(Kind::Rollout, "shop/a", json!({ "spec": { "replicas": 2 } }));
}

#[test]
fn replica_sets_are_validated() {
    let mut world = World::new();
    let mut unmatched = replica_set("x", 1, "web:1");
    unmatched["spec"]["template"]["metadata"]["labels"]["set"] = json!("y");
    let mut without_containers = replica_set("x", 1, "web:1");
    without_containers["spec"]["template"]["spec"]["containers"] = json!([]);
    let mut two_controllers = replica_set("x", 1, "web:1");
    let owner = json!({ "apiVersion": "v1", "kind": "A", "name": "a", "uid": "1", "controller": true });
    two_controllers["metadata"]["ownerReferences"] = json!([owner, owner]);
    for manifest in [unmatched, without_containers, two_controllers] {
        assert_eq!(world.try_create(manifest.clone()).unwrap_err().code(), 422, "{manifest}");
    }
}

#[test]
fn the_group_of_rollouts_is_chosen() {
    let mut world = World::for_group("rollouts.example");
    assert_eq!(world.try_create(rollout("a").manifest()).unwrap_err().code(), 400);
    world.create(rollout("a").group("rollouts.example").manifest());
    let get = |path: &str| Request::get(format!("{path}/namespaces/default/rollouts/a"));
    assert!(world.request(get("/apis/rollouts.example/v1alpha1")).is_ok());
    assert_eq!(world.request(get("/apis/serin.dev/v1alpha1")).unwrap_err().code(), 404);
}
