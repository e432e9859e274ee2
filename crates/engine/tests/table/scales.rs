//! Scaling, which works in every state.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn pods_that_are_to_take_over_all_traffic_in_this_very_plan_stay() {
    World::paused_at_10()
        .revision("v2", 2, 5)
        .selects("canary", "v2", 5)
        .lists("stable", &[])
        .does(&["change weight of HTTPRoute/route from 10 to 100"]);
}

#[test]
fn the_revision_that_a_commit_replaces_gets_no_pods_back_that_would_only_drain() {
    let world = World::at_100();
    let committed = world.actions();
    assert!(committed.contains(&"record ReplicaSet/web-v2 as stable".to_owned()), "{committed:?}");
    world.revision("v1", 1, 3).stable("v1", 1).does(&["record ReplicaSet/web-v2 as stable"]);
}

#[test]
fn stable_and_canary_follow_replicas_while_stepping() {
    World::paused_at_10()
        .spec("replicas", json!(20))
        .does(&["scale ReplicaSet/web-v1 from 5 to 20", "scale ReplicaSet/web-v2 from 1 to 2"]);
    World::healthy().spec("replicas", json!(2)).does(&["scale ReplicaSet/web-v1 from 5 to 2"]);
}

#[test]
fn paused_aborted_and_invalid_rollouts_still_scale() {
    let stable = "scale ReplicaSet/web-v1 from 5 to 7";
    let paused = World::paused_at_10().spec("replicas", json!(7)).spec("paused", json!(true));
    assert!(paused.actions().contains(&stable.to_owned()));
    let invalid =
        World::paused_at_10().spec("replicas", json!(7)).spec("strategy", json!({"canary": {"steps": 5}}));
    assert!(invalid.actions().contains(&stable.to_owned()));
    let aborted = World::paused_at_10().spec("replicas", json!(7)).status("abort", json!(true));
    assert!(aborted.actions().contains(&stable.to_owned()));
}

#[test]
fn an_aborted_canary_does_not_come_back_with_a_scale_up() {
    let aborted = World::paused_at_10()
        .status("abort", json!(true))
        .status("abortedPodHash", json!(crate::world::hash_of("v2")))
        .selects("canary", "v1", 5)
        .weights(100, 0)
        .revision("v2", 2, 0)
        .spec("replicas", json!(50));
    aborted.does(&["scale ReplicaSet/web-v1 from 5 to 50"]);
}

#[test]
fn at_zero_replicas_a_new_template_becomes_stable_without_steps() {
    let world = World::updated().at_zero_replicas();
    world.does(&["let Service/canary select v2", "record ReplicaSet/web-v2 as stable"]);
    let committed = world.stable("v2", 2);
    committed.does(&["let Service/canary select v2"]);
    let committed = committed.selects("canary", "v2", 0);
    committed.does(&["change weight of HTTPRoute/route from 0 to 100"]);
    let committed = committed.weights(0, 100);
    committed.does(&["let Service/stable select v2"]);
    let committed = committed.selects("stable", "v2", 0).managed(Some("v2"), Some("v2"));
    committed.does(&["change weight of HTTPRoute/route from 100 to 0"]);
    let committed = committed.weights(100, 0);
    committed.selects("stable", "v2", 0).reports("/phase", json!("Healthy"));
}

#[test]
fn at_zero_replicas_a_canary_that_may_not_go_on_is_not_selected() {
    let held = World::updated().at_zero_replicas().spec("paused", json!(true));
    held.does(&[]).reports("/phase", json!("Paused"));
}

#[test]
fn at_zero_replicas_a_first_pause_does_not_begin() {
    let world =
        World::updated().canary("steps", json!([{"pause": {}}, {"setWeight": 50}])).at_zero_replicas();
    world.does(&["let Service/canary select v2", "record ReplicaSet/web-v2 as stable"]);
    world.reports("/pauseConditions", Value::Null);
}

#[test]
fn a_scaled_replica_set_is_put_back() {
    World::healthy().revision("v1", 1, 3).stable("v1", 1).does(&["scale ReplicaSet/web-v1 from 3 to 5"]);
}

#[test]
fn a_canary_that_its_service_selects_keeps_the_pods_that_an_earlier_life_left() {
    let again = World::paused_at_10().revision("v2", 2, 5);
    again.does(&[]);
    // Steps that have been edited are no reason either.
    again
        .canary("steps", json!([{"setWeight": 5}, {"pause": {}}]))
        .does(&["change weight of HTTPRoute/route from 10 to 5"]);
}

#[test]
fn a_canary_is_scaled_down_with_its_rollout_and_before_the_stable_revision() {
    let world = World::paused_at_10().revision("v2", 2, 4).spec("replicas", json!(3));
    world.does(&["scale ReplicaSet/web-v2 from 4 to 1"]);
    world.revision("v2", 2, 1).does(&["scale ReplicaSet/web-v1 from 5 to 3"]);
}

#[test]
fn of_a_rollout_that_is_scaled_up_the_canary_loses_nothing() {
    let world = World::paused_at_10().revision("v2", 2, 4).spec("replicas", json!(8));
    world.does(&["scale ReplicaSet/web-v1 from 5 to 8"]);
}

#[test]
fn min_ready_seconds_follows_the_spec() {
    World::healthy()
        .spec("minReadySeconds", json!(5))
        .does(&["set minReadySeconds of ReplicaSet/web-v1 to 5"]);
}

#[test]
fn scaling_to_zero_opens_no_gate() {
    let paused = World::paused_at_10().spec("replicas", json!(0));
    paused.does(&["scale ReplicaSet/web-v1 from 5 to 0", "scale ReplicaSet/web-v2 from 1 to 0"]);
    let at_rest = World::paused_at_10().at_zero_replicas();
    at_rest.does(&[]).reports("/currentStepIndex", json!(1)).reports("/phase", json!("Paused"));
}

#[test]
fn scaled_to_zero_a_canary_that_had_begun_in_any_way_keeps_its_step() {
    let with_steps = |steps| World::canary_selected().canary("steps", steps).recorded_current("v2", 0);
    let traffic = with_steps(json!([{"setWeight": 20}])).route_weights(90, 10);
    let step = with_steps(json!([{"setWeight": 0}, {"setWeight": 20}])).recorded_current("v2", 1);
    let pause = with_steps(json!([{"pause": {}}]))
        .status("pauseConditions", json!([{"reason": "CanaryPauseStep", "startTime": crate::world::START}]));
    for world in [traffic, step, pause] {
        world.at_zero_replicas().does(&[]);
    }
}

#[test]
fn while_spec_is_paused_a_canary_that_has_not_begun_gets_no_pods() {
    World::updated().spec("paused", json!(true)).does(&["create ReplicaSet/web-v2 with 0 pods"]);
}

#[test]
fn a_canary_that_was_not_tested_yet_becomes_stable_without_steps_once_no_pods_are_wanted() {
    World::canary_selected().at_zero_replicas().does(&["record ReplicaSet/web-v2 as stable"]);
}
