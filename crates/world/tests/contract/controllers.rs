use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_testkit::controllers::Startup;
use serin_testkit::{Controllers, Kind, World};

use crate::{replica_set, world};

fn status(world: &World, name: &str) -> Value {
    world.get(Kind::ReplicaSet, name)["status"].clone()
}

fn pod_names(world: &World) -> Vec<String> {
    let pods = world.all(Kind::Pod);
    pods.iter().map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}

/// The pods behind a Service: name and readiness.
fn endpoints(world: &World, service: &str) -> Vec<(String, bool)> {
    let slices = world.all(Kind::EndpointSlice);
    let mine =
        slices.iter().filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service);
    mine.flat_map(|slice| slice["endpoints"].as_array().cloned().unwrap_or_default())
        .map(|endpoint| {
            let name = endpoint["targetRef"]["name"].as_str().unwrap().to_owned();
            (name, endpoint["conditions"]["ready"] == true)
        })
        .collect()
}

#[test]
fn replica_sets_get_their_pods() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    let created = world.create(replica_set("x", 2, "web:1"));
    controllers.settle(&mut world);
    assert_eq!(pod_names(&world).len(), 2);
    let pod = &world.all(Kind::Pod)[0];
    assert!(pod["metadata"]["name"].as_str().unwrap().starts_with("x-"));
    assert_eq!(pod["metadata"]["labels"], json!({ "app": "web", "set": "x" }));
    assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], created["metadata"]["uid"]);
    assert_eq!(pod["metadata"]["ownerReferences"][0]["controller"], true);
    assert_eq!(pod["spec"]["dnsPolicy"], "ClusterFirst");
    assert_eq!(
        status(&world, "x"),
        json!({
            "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
            "observedGeneration": 1,
        })
    );
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 0 } }));
    assert_eq!(status(&world, "x")["observedGeneration"], 1, "nobody has seen the change yet");
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x"), json!({ "replicas": 0, "observedGeneration": 2 }));
    assert_eq!(pod_names(&world), [""; 0]);
}

#[test]
fn a_settled_cluster_is_at_rest() {
    let mut world = world();
    let mut controllers = Controllers::default();
    world.create(replica_set("x", 2, "web:1"));
    controllers.settle(&mut world);
    let version = world.version();
    assert!(!controllers.step(&mut world));
    assert_eq!(world.version(), version);
}

#[test]
fn readiness_depends_on_the_image() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    controllers.kubelet.set_startup_of("slow", Startup::AfterSteps(3));
    controllers.kubelet.set_startup_of("late", Startup::After(SignedDuration::from_secs(10)));
    for image in ["broken", "slow", "late", "quick"] {
        world.create(replica_set(image, 1, &format!("web:{image}")));
    }
    let ready = |world: &World| {
        ["broken", "slow", "late", "quick"].map(|name| status(world, name)["readyReplicas"] == 1)
    };
    for _ in 0..2 {
        controllers.step(&mut world);
    }
    assert_eq!(ready(&world), [false, false, false, true]);
    controllers.settle(&mut world);
    assert_eq!(ready(&world), [false, true, false, true]);
    world.advance(SignedDuration::from_secs(10));
    controllers.settle(&mut world);
    assert_eq!(ready(&world), [false, true, true, true]);
}

#[test]
fn pods_are_available_after_min_ready_seconds() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    let mut manifest = replica_set("x", 1, "web:1");
    manifest["spec"]["minReadySeconds"] = json!(5);
    world.create(manifest);
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x")["readyReplicas"], 1);
    assert_eq!(status(&world, "x")["availableReplicas"], Value::Null);
    world.advance(SignedDuration::from_secs(5));
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x")["availableReplicas"], 1);
}

#[test]
fn pods_that_are_not_ready_go_first() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    world.create(replica_set("x", 3, "web:1"));
    controllers.settle(&mut world);
    let sick = pod_names(&world)[1].clone();
    controllers.kubelet.set_unready(&sick, true);
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x")["readyReplicas"], 2);
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 2 } }));
    controllers.settle(&mut world);
    assert!(!pod_names(&world).contains(&sick));
    assert_eq!(status(&world, "x")["readyReplicas"], 2);
}

#[test]
fn ending_pods_are_no_longer_counted_but_still_listed() {
    let mut world = world();
    let mut controllers = Controllers::default();
    controllers.kubelet.set_steps_to_end(3);
    world.create(replica_set("x", 1, "web:1"));
    controllers.settle(&mut world);
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 0 } }));
    controllers.step(&mut world);
    controllers.step(&mut world);
    assert_eq!(status(&world, "x")["replicas"], 0);
    assert_eq!(endpoints(&world, "stable"), [(pod_names(&world)[0].clone(), false)]);
    controllers.settle(&mut world);
    assert_eq!(endpoints(&world, "stable"), []);
}

#[test]
fn a_quota_is_told_as_a_failure_of_the_replica_set() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    world.set_pod_quota("default", Some(1));
    world.create(replica_set("x", 2, "web:1"));
    controllers.settle(&mut world);
    let condition = status(&world, "x")["conditions"][0].clone();
    assert_eq!(
        (&condition["type"], &condition["reason"]),
        (&json!("ReplicaFailure"), &json!("FailedCreate"))
    );
    assert!(condition["message"].as_str().unwrap().contains("exceeded quota"), "{condition}");
    assert_eq!(status(&world, "x")["readyReplicas"], 1);
    world.set_pod_quota("default", None);
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x").get("conditions"), None);
    assert_eq!(status(&world, "x")["readyReplicas"], 2);
}

#[test]
fn pods_follow_their_labels() {
    let mut world = World::new();
    let mut controllers = Controllers::default();
    world.create(replica_set("x", 1, "web:1"));
    controllers.settle(&mut world);
    let released = pod_names(&world)[0].clone();
    world.patch(Kind::Pod, &released, json!({ "metadata": { "labels": { "set": "other" } } }));
    controllers.settle(&mut world);
    assert_eq!(pod_names(&world).len(), 2, "the lost pod is replaced");
    assert_eq!(world.get(Kind::Pod, &released)["metadata"].get("ownerReferences"), None);
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 2 } }));
    world.patch(Kind::Pod, &released, json!({ "metadata": { "labels": { "set": "x" } } }));
    controllers.settle(&mut world);
    assert_eq!(pod_names(&world).len(), 2, "it is taken over again");
    assert!(world.get(Kind::Pod, &released)["metadata"]["ownerReferences"].is_array());
}

#[test]
fn slices_list_the_pods_behind_a_service() {
    let mut world = world();
    let mut controllers = Controllers::default();
    controllers.settle(&mut world);
    let slices = world.all(Kind::EndpointSlice);
    assert_eq!(slices.len(), 2);
    assert!(slices.iter().all(|slice| slice["endpoints"].is_null()), "an empty list is written as null");
    world.create(replica_set("x", 1, "web:1"));
    world.create(replica_set("y", 1, "web:broken"));
    controllers.settle(&mut world);
    let listed = endpoints(&world, "stable");
    assert_eq!(listed.iter().filter(|(_, ready)| *ready).count(), 1);
    assert_eq!(listed.len(), 2);
    world.patch(Kind::Service, "stable", json!({ "spec": { "selector": { "set": "x" } } }));
    assert_eq!(endpoints(&world, "stable").len(), 2, "slices follow later");
    controllers.settle(&mut world);
    assert_eq!(endpoints(&world, "stable").len(), 1);
    assert_eq!(endpoints(&world, "canary").len(), 2);
    let pod = &world.all(Kind::Pod)[0];
    let slice = world
        .all(Kind::EndpointSlice)
        .into_iter()
        .find(|slice| slice["endpoints"][0]["targetRef"]["uid"] == pod["metadata"]["uid"]);
    assert!(slice.is_some());
}

#[test]
fn slices_can_lag() {
    let mut world = world();
    let mut controllers = Controllers::default();
    controllers.settle(&mut world);
    controllers.endpoint_slices.set_lag(3);
    world.create(replica_set("x", 1, "web:1"));
    for _ in 0..3 {
        controllers.step(&mut world);
        assert_eq!(endpoints(&world, "stable"), []);
    }
    controllers.settle(&mut world);
    assert_eq!(endpoints(&world, "stable").len(), 1);
}

#[test]
fn many_endpoints_take_several_slices() {
    let mut world = world();
    let mut controllers = Controllers::default();
    controllers.endpoint_slices.set_slice_size(2);
    world.create(replica_set("x", 5, "web:1"));
    controllers.settle(&mut world);
    assert_eq!(endpoints(&world, "stable").len(), 5);
    assert_eq!(world.all(Kind::EndpointSlice).len(), 6);
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 1 } }));
    controllers.settle(&mut world);
    assert_eq!(endpoints(&world, "stable").len(), 1);
    assert_eq!(world.all(Kind::EndpointSlice).len(), 2);
}

#[test]
fn controllers_survive_failures() {
    let mut world = world();
    let mut controllers = Controllers::default();
    world.create(replica_set("x", 2, "web:1"));
    for skip in 0..8 {
        let fault =
            if skip % 2 == 0 { serin_testkit::Fault::Status(500) } else { serin_testkit::Fault::LoseAnswer };
        world.fail_next(serin_testkit::Matcher::writes().skip(skip), fault);
    }
    controllers.settle(&mut world);
    controllers.settle(&mut world);
    assert_eq!(status(&world, "x")["availableReplicas"], 2);
    assert_eq!(endpoints(&world, "stable").len(), 2);
}

#[test]
fn what_only_time_brings_is_told_in_advance() {
    let mut world = world();
    let mut controllers = Controllers::default();
    controllers.kubelet.set_startup(Startup::After(SignedDuration::from_secs(5)));
    let mut wanted = replica_set("x", 1, "web:1");
    wanted["spec"]["minReadySeconds"] = json!(10);
    world.create(wanted);
    let began = world.now();
    let mut told = Vec::new();
    controllers.settle(&mut world);
    while let Some(due) = controllers.due(&world) {
        told.push(due.duration_since(began).as_secs());
        world.set_now(due);
        controllers.settle(&mut world);
    }
    assert_eq!(told, [5, 15], "ready, and then available");
    assert_eq!(status(&world, "x")["availableReplicas"], 1);
}

#[test]
fn objects_of_another_server_are_taken_over_as_they_are() {
    let (mut there, mut here) = (world(), World::new());
    let mut controllers = Controllers::default();
    there.create(replica_set("x", 2, "web:1"));
    controllers.settle(&mut there);
    for kind in [Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::EndpointSlice] {
        for object in there.all(kind) {
            here.restore(Value::clone(&object)).unwrap();
        }
    }
    let uids = |world: &World| -> Vec<Value> {
        world.all(Kind::Pod).iter().map(|pod| pod["metadata"]["uid"].clone()).collect()
    };
    Controllers::default().settle(&mut here);
    assert_eq!(uids(&here), uids(&there), "nothing is missing, so nothing is made");
    assert_eq!(status(&here, "x"), status(&there, "x"));
}
