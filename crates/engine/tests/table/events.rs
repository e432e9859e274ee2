//! What people are told, and how often.

use serde_json::json;

use crate::world::{World, hash_of};

#[test]
fn an_adoption_and_a_promotion_are_told_with_what_they_are_about() {
    let orphaned = World::healthy().change("v1", "/metadata/ownerReferences", json!([]));
    orphaned.tells(&["FoundNewReplicaSet"]);
    let note = World::at_100().plan().events.remove(0).note;
    assert_eq!(note, format!("Rollout completed update to revision 2 ({})", hash_of("v2")));
}

#[test]
fn an_abort_is_told_once_and_its_end_is_not() {
    let asked = World::paused_at_10()
        .status("abort", json!(true))
        .selects("canary", "v1", 5)
        .managed(Some("v1"), Some("v1"))
        .weights(100, 0);
    let count = |world: &World| {
        world.does(&[]).writes_status(true);
        world.plan().events.iter().filter(|event| event.reason == "RolloutAborted").count()
    };
    assert_eq!(count(&asked), 1);
    let told = asked.status("abortedPodHash", json!(hash_of("v2")));
    assert_eq!(count(&told), 0);
    let over = World::healthy().status("abortedPodHash", json!(hash_of("v2"))).status("abort", json!(true));
    assert_eq!(count(&over), 0);
}

#[test]
fn a_spec_that_cannot_be_used_is_told_once_for_each_reason() {
    let mut world = World::healthy().without_service("canary");
    world.does(&[]).tells(&["InvalidSpec"]);
    world.rollout["status"] = serde_json::to_value(world.plan().report).unwrap();
    world.clone().status("readyReplicas", json!(4)).writes_status(true).tells(&[]);
    let other = world.spec("strategy", json!({"canary": {"steps": "nonsense"}}));
    other.tells(&["InvalidSpec"]);
}

#[test]
fn health_is_told_only_where_it_comes_back() {
    World::healthy().status("phase", json!("Degraded")).tells(&["RolloutHealthy"]);
    World::healthy().status("phase", json!("Progressing")).tells(&[]);
    let mut degraded = World::healthy().without_service("canary");
    degraded.rollout["status"] = serde_json::to_value(degraded.plan().report).unwrap();
    degraded.status("readyReplicas", json!(4)).writes_status(true).tells(&[]);
}

#[test]
fn a_template_that_the_server_refuses_is_told_once_for_each_refusal() {
    let mut world = World::updated();
    let create = world.plan().actions[0].clone();
    world.recall.refused(&create, "no such class".into(), crate::world::at(10));
    world.does(&[]).tells(&["ReplicaSetCreateError"]);
    world.rollout["status"] = serde_json::to_value(world.plan().report).unwrap();
    world.clone().status("readyReplicas", json!(4)).writes_status(true).tells(&[]);
    world.recall.refused(&create, "exceeded quota".into(), crate::world::at(10));
    world.tells(&["ReplicaSetCreateError"]);
}

#[test]
fn a_pause_is_told_with_what_lets_it_go_on_whatever_else_is_waited_for() {
    let pausing = World::canary_selected().lists("stable", &[]).weights(0, 100);
    pausing.does(&[]).tells(&["RolloutPaused"]).waits_for(&["Resume", "StableEndpoints"]);
    let plan = pausing.plan();
    let command = plan.report.waiting_for[0].unblock.clone().unwrap();
    let note = &plan.events[0].note;
    assert!(note.ends_with(&format!("; to go on: {command}")), "{note}");
}
