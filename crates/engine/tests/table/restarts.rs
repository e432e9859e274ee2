//! Restarts: one pod more, one old pod less, and never one too few.

use serde_json::{Value, json};

use crate::world::{START, World, at, hash_of};

/// A restart of pods that are older than second 10, at second 20.
fn asked(world: World) -> World {
    world.spec("restartAt", json!(at(10).to_string())).after(20)
}

/// The revision has one pod more, which is young, and ready for so many seconds.
fn with_surge(world: World, version: &str, pods: i32, ready_for: i64) -> World {
    let mut world = world;
    let stable = world.revisions[0]["metadata"]["annotations"]["serin.dev/stable"].clone();
    world = world.revision(version, 1, pods + 1);
    if version == "v1" {
        world = world.change(version, "/metadata/annotations/serin.dev~1stable", stable);
    }
    let young = world
        .pods
        .iter_mut()
        .rev()
        .find(|pod| pod["metadata"]["labels"]["rollouts-pod-template-hash"] == *hash_of(version));
    let young = young.unwrap();
    young["metadata"]["creationTimestamp"] = json!(at(15).to_string());
    young["status"]["conditions"][0]["lastTransitionTime"] = json!(at(20 - ready_for).to_string());
    world
}

fn pod<'w>(world: &'w mut World, name: &str) -> &'w mut Value {
    world.pods.iter_mut().find(|pod| pod["metadata"]["name"] == *name).unwrap()
}

#[test]
fn one_pod_more_comes_first() {
    asked(World::healthy())
        .does(&["scale ReplicaSet/web-v1 from 5 to 6"])
        .reports("/phase", json!("Progressing"));
}

#[test]
fn then_the_oldest_pod_may_go() {
    with_surge(asked(World::healthy()), "v1", 5, 1).does(&["ask for Eviction/web-v1-0"]);
}

#[test]
fn a_pod_that_was_let_go_is_not_asked_for_again_before_it_can_be_seen_to_end() {
    let mut world = with_surge(asked(World::healthy()), "v1", 5, 1);
    let eviction = world.plan().actions[0].clone();
    world.recall.applied(&eviction, at(19));
    world.does(&[]).wakes_at(Some(24));
    world.clone().after(24).does(&["ask for Eviction/web-v1-0"]);
    // Another process does not know of it, and to ask again does no harm.
    world.recall.evicted = None;
    world.does(&["ask for Eviction/web-v1-0"]);
}

#[test]
fn no_pod_goes_while_another_one_is_on_its_way() {
    let mut ending = with_surge(asked(World::healthy()), "v1", 5, 1);
    pod(&mut ending, "web-v1-0")["metadata"]["deletionTimestamp"] = json!(START);
    ending.does(&[]);
}

#[test]
fn min_ready_seconds_are_waited_for() {
    let young = with_surge(asked(World::healthy().spec("minReadySeconds", json!(8))), "v1", 5, 3);
    young.change("v1", "/spec/minReadySeconds", json!(8)).does(&[]).wakes_at(Some(25));
}

#[test]
fn a_pod_that_is_not_ready_is_replaced_first_and_without_another_one_in_its_place() {
    let mut world = asked(World::healthy());
    pod(&mut world, "web-v1-3")["status"]["conditions"] =
        json!([{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]);
    world.does(&["scale ReplicaSet/web-v1 from 5 to 6", "ask for Eviction/web-v1-3"]);
}

#[test]
fn when_no_pod_is_old_it_is_done_and_the_extra_pod_goes() {
    let mut world = asked(World::healthy());
    for pod in &mut world.pods {
        pod["metadata"]["creationTimestamp"] = json!(at(11).to_string());
    }
    world.does(&[]).reports("/restartedAt", json!(at(10).to_string())).reports("/phase", json!("Healthy"));
    let mut extra = with_surge(world, "v1", 5, 1);
    for pod in &mut extra.pods {
        pod["metadata"]["creationTimestamp"] = json!(at(11).to_string());
    }
    extra.does(&["scale ReplicaSet/web-v1 from 6 to 5"]);
}

#[test]
fn what_is_done_is_not_done_again() {
    asked(World::healthy()).status("restartedAt", json!(at(10).to_string())).does(&[]);
}

#[test]
fn a_time_to_come_is_waited_for() {
    World::healthy().spec("restartAt", json!(at(60).to_string())).after(20).does(&[]).wakes_at(Some(60));
}

#[test]
fn the_canary_comes_after_the_stable_revision() {
    let mut world = asked(World::paused_at_10());
    world.does(&["scale ReplicaSet/web-v1 from 5 to 6"]);
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(12).to_string());
    }
    world.does(&["scale ReplicaSet/web-v2 from 1 to 2"]);
}

#[test]
fn the_pods_of_a_canary_that_only_its_restart_needed_go_before_it_is_done() {
    let with_young_pods = |pods| {
        let mut world = asked(World::paused_at_10()).revision("v2", 2, pods);
        for pod in &mut world.pods {
            pod["metadata"]["creationTimestamp"] = json!(at(11).to_string());
        }
        world
    };
    with_young_pods(2).does(&["scale ReplicaSet/web-v2 from 2 to 1"]).reports("/restartedAt", Value::Null);
    with_young_pods(1).does(&[]).reports("/restartedAt", json!(at(10).to_string()));
}

#[test]
fn a_canary_with_more_pods_than_it_needs_is_restarted_without_one_more() {
    let mut world = asked(World::paused_at_10()).revision("v2", 2, 3);
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(12).to_string());
    }
    world.does(&["ask for Eviction/web-v2-0"]);
}

#[test]
fn a_budget_that_forbids_it_is_told() {
    let mut world = with_surge(asked(World::healthy()), "v1", 5, 1);
    let message = "Cannot evict pod as it would violate the pod's disruption budget.".to_owned();
    let refusal = serin_engine::recall::Refusal { message, retry_at: at(30) };
    world.recall.refused.insert("Eviction/web-v1-0".into(), refusal);
    world.does(&[]).waits_for(&["RefusedWrite"]).wakes_at(Some(30));
}

#[test]
fn a_deletion_ends_it() {
    let deleting = asked(World::healthy()).metadata("deletionTimestamp", json!(at(15).to_string()));
    assert!(!deleting.actions().iter().any(|action| action.starts_with("scale")));
}

#[test]
fn a_canary_that_serves_nobody_needs_no_pod_in_place_of_the_old_one() {
    let mut world = asked(World::updated().revision("v2", 2, 1).recorded_current("v2", 0));
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(12).to_string());
    }
    world.does(&["let Service/canary select v2", "ask for Eviction/web-v2-0"]);
}

#[test]
fn steps_that_cannot_be_read_hold_up_the_canary_only() {
    let mut world = asked(World::paused_at_10().canary("steps", json!("nonsense")));
    world.does(&["scale ReplicaSet/web-v1 from 5 to 6"]);
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(12).to_string());
    }
    world.does(&[]);
}

#[test]
fn a_canary_that_is_held_before_its_first_weight_gets_no_pod_more() {
    let held = World::canary_selected().canary("steps", json!([])).recorded_current("v2", 0);
    let mut world = asked(held.spec("paused", json!(true)));
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(12).to_string());
    }
    world.does(&[]);
    world.spec("paused", json!(false)).does(&["scale ReplicaSet/web-v2 from 1 to 6"]);
}

#[test]
fn nothing_of_a_restart_is_done_with_a_commit() {
    asked(World::at_100()).does(&["record ReplicaSet/web-v2 as stable"]);
}

#[test]
fn a_first_deploy_restarts_too() {
    let world = World::new().revision("v1", 1, 5).available("v1", 4).managed(None, None).weights(100, 0);
    asked(world).does(&["scale ReplicaSet/web-v1 from 5 to 6"]);
}

#[test]
fn a_time_that_has_just_come_is_not_waited_for() {
    World::healthy()
        .spec("restartAt", json!(at(20).to_string()))
        .after(20)
        .does(&["scale ReplicaSet/web-v1 from 5 to 6"])
        .wakes_at(None);
}

#[test]
fn a_pod_as_old_as_the_restart_is_not_old() {
    let mut world = with_surge(asked(World::healthy()), "v1", 5, 1);
    let unready = pod(&mut world, "web-v1-3");
    unready["status"] = json!({});
    unready["metadata"]["creationTimestamp"] = json!(at(10).to_string());
    world.does(&[]);
    for number in 0..5 {
        pod(&mut world, &format!("web-v1-{number}"))["metadata"]["creationTimestamp"] =
            json!(at(10).to_string());
    }
    world.does(&["scale ReplicaSet/web-v1 from 6 to 5"]).reports("/restartedAt", json!(at(10).to_string()));
}

#[test]
fn a_pod_that_has_just_become_available_is_not_waited_for() {
    let world = asked(World::healthy().spec("minReadySeconds", json!(8)));
    let mut world = world.change("v1", "/spec/minReadySeconds", json!(8));
    pod(&mut world, "web-v1-3")["status"]["conditions"][0]["lastTransitionTime"] = json!(at(12).to_string());
    world.does(&["scale ReplicaSet/web-v1 from 5 to 6"]).wakes_at(None);
}

#[test]
fn a_pod_is_let_go_only_as_it_was_seen() {
    let mut world = with_surge(asked(World::healthy()), "v1", 5, 1);
    pod(&mut world, "web-v1-0")["metadata"]["resourceVersion"] = json!("7");
    let call = serin_engine::api_call::api_call(&world.snapshot(), &world.plan().actions[0]);
    let preconditions = call.body.json()["deleteOptions"]["preconditions"].clone();
    assert_eq!(preconditions, json!({"uid": "pod-v1-0", "resourceVersion": "7"}));
}
