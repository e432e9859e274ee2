//! The walk of a canary through its steps.

use serde_json::json;

use crate::world::World;

#[test]
fn a_new_template_gets_the_pods_of_the_first_step() {
    World::updated().does(&["create ReplicaSet/web-v2 with 1 pods"]).tells(&["NewReplicaSetCreated"]);
    World::updated()
        .canary("steps", json!([{"setWeight": 50}]))
        .does(&["create ReplicaSet/web-v2 with 3 pods"]);
    World::updated().canary("steps", json!([{"pause": {}}])).does(&["create ReplicaSet/web-v2 with 1 pods"]);
    World::updated().canary("steps", json!([])).does(&["create ReplicaSet/web-v2 with 5 pods"]);
}

#[test]
fn the_canary_service_moves_when_the_pods_are_available_and_its_share_is_0() {
    let world = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    world.clone().available("v2", 0).does(&[]).waits_for(&["AvailablePods"]);
    world.does(&["let Service/canary select v2"]).tells(&["SwitchService"]);
    // Under a share it is not moved: the share goes first.
    world.weights(90, 10).does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn a_weight_is_raised_only_when_the_endpoints_are_the_canarys_and_enough() {
    let world = World::canary_selected();
    world.does(&["change weight of HTTPRoute/route from 0 to 10"]).tells(&["TrafficWeightUpdated"]);
    world.clone().lists("canary", &[]).does(&[]).waits_for(&["Endpoints"]);
    world.clone().lists("canary", &[("v2", 1), ("v1", 1)]).does(&[]).waits_for(&["Endpoints"]);
    let half = World::canary_selected().recorded_current("v2", 2).weights(90, 10).revision("v2", 2, 3);
    half.clone().lists("canary", &[("v2", 2)]).does(&[]).waits_for(&["Endpoints"]);
    half.lists("canary", &[("v2", 3)]).does(&["change weight of HTTPRoute/route from 10 to 50"]);
}

#[test]
fn a_written_weight_completes_the_step_and_begins_the_pause_in_one_status() {
    World::canary_selected()
        .weights(90, 10)
        .does(&[])
        .writes_status(true)
        .reports("/currentStepIndex", json!(1))
        .reports("/pauseConditions/0/reason", json!("CanaryPauseStep"))
        .reports("/phase", json!("Paused"))
        .reports("/message", json!("CanaryPauseStep"))
        .waits_for(&["Resume"])
        .tells(&["RolloutPaused"])
        .wakes_at(None);
}

#[test]
fn a_pause_for_a_time_ends_by_itself_and_not_before() {
    let paused = |second| {
        World::canary_selected()
            .revision("v2", 2, 3)
            .selects("canary", "v2", 3)
            .weights(50, 50)
            .managed(Some("v1"), Some("v2"))
            .recorded_current("v2", 3)
            .status(
                "pauseConditions",
                json!([{"reason": "CanaryPauseStep", "startTime": crate::world::START}]),
            )
            .status("controllerPause", json!(true))
            .after(second)
    };
    paused(9).does(&[]).waits_for(&["PauseDuration"]).wakes_at(Some(10));
    paused(9).reports("/waitingFor/0/message", json!("step 3 pauses until 2026-01-01T00:00:10Z"));
    paused(10).does(&["scale ReplicaSet/web-v2 from 3 to 5"]).reports("/currentStepIndex", json!(4));
}

#[test]
fn before_weight_100_the_canary_has_all_its_pods() {
    let world = World::canary_selected()
        .canary("steps", json!([{"setWeight": 100}, {"pause": {}}]))
        .recorded_current("v2", 0);
    world.does(&["scale ReplicaSet/web-v2 from 1 to 5"]).waits_for(&["Endpoints"]);
    let world = world.revision("v2", 2, 5).selects("canary", "v2", 5);
    world.does(&["change weight of HTTPRoute/route from 0 to 100"]);
}

#[test]
fn lowering_a_weight_writes_it_at_once_and_keeps_the_pods() {
    let world = World::canary_selected()
        .canary("steps", json!([{"setWeight": 50}, {"setWeight": 10}, {"pause": {}}]))
        .revision("v2", 2, 3)
        .selects("canary", "v2", 3)
        .weights(50, 50)
        .recorded_current("v2", 1);
    world.does(&["change weight of HTTPRoute/route from 50 to 10"]);
    world.weights(90, 10).does(&[]).reports("/currentStepIndex", json!(2));
}

#[test]
fn a_canary_that_loses_its_endpoints_loses_its_share_even_while_paused() {
    let paused = World::paused_at_10();
    paused.does(&[]);
    let lost = paused.lists("canary", &[]);
    lost.does(&["change weight of HTTPRoute/route from 10 to 0"]).reports("/currentStepIndex", json!(1));
    let back = lost.weights(100, 0).lists("canary", &[("v2", 1)]);
    back.does(&["change weight of HTTPRoute/route from 0 to 10"]).reports("/currentStepIndex", json!(1));
}

#[test]
fn a_stable_service_that_loses_its_endpoints_leaves_the_traffic_to_the_canary() {
    World::paused_at_10().lists("stable", &[]).does(&["change weight of HTTPRoute/route from 10 to 100"]);
    World::paused_at_10().lists("stable", &[]).lists("canary", &[]).does(&[]);
}

#[test]
fn a_completed_weight_is_recorded_before_the_next_one_replaces_it() {
    World::canary_selected()
        .canary("steps", json!([{"setWeight": 10}, {"setWeight": 20}]))
        .recorded_current("v2", 0)
        .weights(90, 10)
        .does(&[])
        .writes_status(true)
        .reports("/currentStepIndex", json!(1));
}

#[test]
fn a_fix_for_a_broken_stable_revision_can_be_promoted() {
    let refuge = World::canary_selected().lists("stable", &[]).weights(0, 100);
    refuge.does(&[]).reports("/currentStepIndex", json!(1)).reports("/phase", json!("Paused"));
}

#[test]
fn an_edit_of_the_steps_starts_them_over() {
    World::paused_at_10()
        .canary("steps", json!([{"setWeight": 20}, {"pause": {}}]))
        .does(&["change weight of HTTPRoute/route from 10 to 20"])
        .reports("/currentStepIndex", json!(0));
}

#[test]
fn spec_paused_holds_steps_but_not_the_reaction_to_lost_pods() {
    let held = World::canary_selected().spec("paused", json!(true));
    held.does(&[]).reports("/phase", json!("Paused")).reports("/message", json!("manually paused"));
    let at_ten = World::paused_at_10().spec("paused", json!(true));
    at_ten.does(&[]);
    at_ten.clone().lists("canary", &[]).does(&["change weight of HTTPRoute/route from 10 to 0"]);
    at_ten.route_weights(50, 50).does(&["change weight of HTTPRoute/route from 50 to 10"]);
    // Nor is a weight taken back that was written a moment ago, or only recorded.
    let written = World::canary_selected().spec("paused", json!(true));
    written.clone().route_weights(90, 10).does(&[]);
    written.weights(90, 10).route_weights(50, 50).does(&["change weight of HTTPRoute/route from 50 to 10"]);
    World::at_100().spec("paused", json!(true)).does(&[]);
}

#[test]
fn a_newer_template_takes_the_traffic_from_the_older_canary_first() {
    let world = World::paused_at_10().wants("v3");
    // Not before the server has taken the newer one.
    world.does(&["create ReplicaSet/web-v3 with 1 pods"]);
    let created = world.revision("v3", 3, 1).available("v3", 0);
    created.does(&["change weight of HTTPRoute/route from 10 to 0"]);
    let waiting = created.weights(100, 0).recorded_current("v3", 0);
    // The older canary keeps its pods for those who are pinned to the canary Service.
    waiting.does(&[]).waits_for(&["AvailablePods"]);
    let ready = waiting.revision("v3", 3, 1);
    ready.does(&["let Service/canary select v3"]);
    let moved = ready.selects("canary", "v3", 1);
    moved.does(&["change weight of HTTPRoute/route from 0 to 10"]).wakes_at(Some(30));
    let drained = moved.weights(90, 10).status("canary", json!({
        "managed": moved_managed(), "weights": {"canary": {"weight": 10}, "stable": {"weight": 90}, "desired": 10},
        "drains": [{"podTemplateHash": crate::world::hash_of("v2"), "since": crate::world::START}],
    }));
    drained.after(30).does(&["scale ReplicaSet/web-v2 from 1 to 0"]);
}

fn moved_managed() -> serde_json::Value {
    World::healthy().managed(Some("v1"), Some("v3")).rollout["status"]["canary"]["managed"].clone()
}

#[test]
fn a_revision_out_of_time_gets_a_verdict_with_the_reason_of_its_pods() {
    let progressing = json!([{
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "",
        "lastUpdateTime": crate::world::START, "lastTransitionTime": crate::world::START,
    }]);
    let quota = json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods=0"}]);
    let world = World::updated()
        .revision("v2", 2, 1)
        .available("v2", 0)
        .change("v2", "/status/replicas", json!(0))
        .change("v2", "/status/conditions", quota)
        .recorded_current("v2", 0)
        .status("conditions", progressing)
        .status("updatedReplicas", json!(0))
        .status("readyReplicas", json!(5))
        .status("availableReplicas", json!(5));
    world.clone().after(599).wakes_at(Some(600));
    let late = world.after(600);
    late.reports("/phase", json!("Degraded"));
    let message = late.plan().report.message.unwrap();
    assert!(
        message.starts_with("ProgressDeadlineExceeded: ") && message.contains("exceeded quota"),
        "{message}"
    );
    late.tells(&["ProgressDeadlineExceeded"]);
}

#[test]
fn time_that_a_person_held_the_rollout_does_not_count_against_the_deadline() {
    let progressing = json!([{
        "type": "Progressing", "status": "Unknown", "reason": "RolloutPaused", "message": "",
        "lastUpdateTime": crate::world::START, "lastTransitionTime": crate::world::START,
    }]);
    let world = World::updated()
        .revision("v2", 2, 1)
        .available("v2", 0)
        .recorded_current("v2", 0)
        .status("conditions", progressing)
        .status("phase", json!("Paused"))
        .status("updatedReplicas", json!(1))
        .status("readyReplicas", json!(5))
        .status("availableReplicas", json!(5))
        .after(3600);
    world.reports("/phase", json!("Progressing")).wakes_at(Some(3600 + 600));
}

#[test]
fn a_fix_is_taken_over_even_when_somebody_has_taken_all_weights_away() {
    let world = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    let world = world.lists("stable", &[]).lists("canary", &[("foreign", 1)]);
    world.route_weights(0, 0).does(&["let Service/canary select v2"]);
}

#[test]
fn weights_on_a_service_that_cannot_serve_do_not_block_a_fix() {
    let world = World::updated()
        .revision("v2", 2, 1)
        .recorded_current("v2", 0)
        .lists("stable", &[])
        .lists("canary", &[]);
    world.weights(0, 100).does(&["change weight of HTTPRoute/route from 100 to 0"]);
}

#[test]
fn each_of_two_pauses_for_a_time_takes_its_own_time() {
    let pauses = json!([{"pause": {"duration": 10}}, {"pause": {"duration": 10}}, {"setWeight": 10}]);
    let begun = json!([{"reason": "CanaryPauseStep", "startTime": crate::world::START}]);
    let world = World::canary_selected()
        .canary("steps", pauses)
        .recorded_current("v2", 0)
        .status("pauseConditions", begun)
        .status("controllerPause", json!(true));
    let second = world.clone().after(10);
    second.reports("/currentStepIndex", json!(1)).wakes_at(Some(20));
    // A newer template does not inherit what its predecessor has waited.
    let newer = world.wants("v3").revision("v3", 3, 1).after(9);
    newer.reports("/pauseConditions/0/startTime", json!("2026-01-01T00:00:09Z"));
}

#[test]
fn a_step_is_not_done_because_the_canary_got_more_than_it_asks_for() {
    World::canary_selected()
        .route_weights(0, 100)
        .does(&["change weight of HTTPRoute/route from 100 to 10"])
        .reports("/currentStepIndex", json!(0));
    World::canary_selected()
        .lists("stable", &[])
        .route_weights(50, 50)
        .does(&["change weight of HTTPRoute/route from 50 to 100"])
        .reports("/currentStepIndex", json!(0));
}

#[test]
fn the_canary_service_is_not_moved_under_a_share_that_nobody_can_take_over() {
    let newer = World::paused_at_10().wants("v3").revision("v3", 3, 1).recorded_current("v3", 0);
    let refuge = newer.lists("stable", &[]);
    refuge.does(&["change weight of HTTPRoute/route from 10 to 100"]).waits_for(&["StableEndpoints"]);
    refuge.weights(0, 100).does(&[]).waits_for(&["StableEndpoints"]);
}

#[test]
fn stable_pods_take_back_what_the_ready_ones_can_carry() {
    let refuge = World::paused_at_10().weights(0, 100);
    for (ready, share) in [(1, 80), (4, 20), (5, 10)] {
        let back = format!("change weight of HTTPRoute/route from 100 to {share}");
        refuge.clone().lists("stable", &[("v1", ready)]).does(&[&back]);
    }
    let half = refuge.weights(60, 40).lists("stable", &[("v1", 3)]);
    half.does(&[]).waits_for(&["Resume", "StableEndpoints"]);
    let message = "Service stable lists 3 of the 5 ready pods that weight 90 needs";
    half.reports("/waitingFor/1/message", json!(message));
    // Nothing is taken from pods that carry it already.
    World::paused_at_10().lists("stable", &[("v1", 1)]).does(&[]).waits_for(&["Resume"]);
}

#[test]
fn a_newer_template_waits_until_the_stable_pods_can_carry_all() {
    let half =
        World::paused_at_10().wants("v3").revision("v3", 3, 1).recorded_current("v3", 0).weights(50, 50);
    half.clone().lists("stable", &[("v1", 4)]).does(&["change weight of HTTPRoute/route from 50 to 20"]);
    let waiting = half.weights(80, 20).lists("stable", &[("v1", 4)]);
    waiting.does(&[]).waits_for(&["StableEndpoints"]);
    waiting.lists("stable", &[("v1", 5)]).does(&["change weight of HTTPRoute/route from 20 to 0"]);
}

#[test]
fn a_share_that_the_route_cannot_express_is_passed_over_on_the_way_back() {
    let mut world = World::paused_at_10().canary("steps", json!([{"setWeight": 0}, {"pause": {}}]));
    let third = json!({"name": "third", "weight": 1});
    let backends = &mut world.route.as_mut().unwrap()["spec"]["rules"][0]["backendRefs"];
    backends.as_array_mut().unwrap().push(third);
    let world = world.route_weights(0, 2).recorded_current("v2", 0);
    world.clone().lists("stable", &[("v1", 2)]).does(&[]).waits_for(&["Resume", "StableEndpoints"]);
    world.lists("stable", &[("v1", 3)]).does(&["change weight of HTTPRoute/route from 100 to 50"]);
}

#[test]
fn pods_that_are_listed_and_not_known_keep_what_stable_pods_cannot_carry() {
    // The canary's ReplicaSet was deleted, and its pods are not gone yet.
    let world = World::canary_selected().weights(50, 50).lists("canary", &[("gone", 1)]);
    world.clone().lists("stable", &[("v1", 4)]).does(&["change weight of HTTPRoute/route from 50 to 20"]);
    world
        .lists("canary", &[])
        .lists("stable", &[("v1", 4)])
        .does(&["change weight of HTTPRoute/route from 50 to 0"]);
}

#[test]
fn a_canary_that_carries_what_stable_pods_cannot_has_done_its_step() {
    let lowering = json!([{"setWeight": 60}, {"setWeight": 20}, {"pause": {}}]);
    let world = World::canary_selected()
        .canary("steps", lowering)
        .revision("v2", 2, 3)
        .selects("canary", "v2", 3)
        .recorded_current("v2", 1)
        .weights(60, 40)
        .lists("stable", &[("v1", 3)]);
    world.does(&[]).reports("/currentStepIndex", json!(2));
    world.lists("stable", &[("v1", 5)]).reports("/currentStepIndex", json!(1));
}

#[test]
fn a_wait_that_lasts_keeps_its_beginning() {
    let earlier = "2025-12-31T23:00:00Z";
    let waiting = |what: &str| {
        let recorded = json!([{"what": what, "message": "", "since": earlier}]);
        World::paused_at_10().status("waitingFor", recorded).after(5)
    };
    waiting("Resume").reports("/waitingFor/0/since", json!(earlier));
    waiting("Endpoints").reports("/waitingFor/0/since", json!("2026-01-01T00:00:05Z"));
}

#[test]
fn a_hand_over_that_cannot_finish_is_taken_back_for_a_newer_template() {
    // A commit at zero replicas that came late: no pod of `v2` is ready, and `v1` serves everything.
    let world = World::healthy()
        .revision("v2", 2, 5)
        .available("v2", 0)
        .stable("v2", 2)
        .selects("canary", "v2", 0)
        .recorded_current("v2", 4);
    world.clone().wants("v2").does(&[]).waits_for(&["AvailablePods"]);
    let newer = world.wants("v3").revision("v3", 3, 1);
    newer.does(&["record ReplicaSet/web-v1 as stable"]);
    newer.clone().available("v2", 1).does(&[]);
    // At zero replicas, and where nobody is served, it finishes.
    newer.clone().spec("replicas", json!(0)).does(&[
        "change weight of HTTPRoute/route from 0 to 100",
        "scale ReplicaSet/web-v2 from 5 to 0",
        "scale ReplicaSet/web-v3 from 1 to 0",
    ]);
    newer.clone().lists("stable", &[]).does(&["change weight of HTTPRoute/route from 0 to 100"]);
    // Nor is a Service moved in the same plan.
    newer.clone().managed(Some("v2"), Some("v2")).does(&["record ReplicaSet/web-v1 as stable"]);
    let taken_back = newer.stable("v1", 3);
    assert_eq!(taken_back.actions()[0], "let Service/canary select v3");
}

#[test]
fn a_share_that_too_few_pods_are_left_for_is_lowered_at_once_and_comes_back() {
    let paused = World::canary_selected()
        .revision("v2", 2, 3)
        .selects("canary", "v2", 3)
        .weights(50, 50)
        .managed(Some("v1"), Some("v2"))
        .recorded_current("v2", 3)
        .status("pauseConditions", json!([{"reason": "CanaryPauseStep", "startTime": crate::world::START}]))
        .status("controllerPause", json!(true));
    // Two of five carry 40 % as always, and 60 % with half as much again.
    paused.clone().lists("canary", &[("v2", 2)]).does(&[]);
    let overloaded = paused.clone().lists("canary", &[("v2", 1)]);
    overloaded
        .does(&["change weight of HTTPRoute/route from 50 to 30"])
        .waits_for(&["PauseDuration", "Endpoints"]);
    overloaded.reports("/currentStepIndex", json!(3));
    let lowered = paused.route_weights(70, 30);
    lowered.clone().lists("canary", &[("v2", 1)]).does(&[]);
    lowered.clone().lists("canary", &[("v2", 2)]).does(&[]).waits_for(&["PauseDuration", "Endpoints"]);
    lowered.does(&["change weight of HTTPRoute/route from 30 to 50"]);
}

#[test]
fn how_much_a_pod_may_carry_can_be_said() {
    let routing = json!({"gatewayAPI": {"httpRoute": "route"}, "maxPodLoad": 250});
    let paused = World::canary_selected()
        .canary("trafficRouting", routing)
        .revision("v2", 2, 3)
        .selects("canary", "v2", 1)
        .weights(50, 50)
        .managed(Some("v1"), Some("v2"))
        .recorded_current("v2", 3);
    paused.does(&[]);
}
