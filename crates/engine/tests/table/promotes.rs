//! The commit and the hand-over that cannot fail a request.

use serde_json::json;

use crate::world::{World, hash_of};

#[test]
fn the_commit_needs_all_pods_all_traffic_and_all_steps() {
    World::at_100().does(&["record ReplicaSet/web-v2 as stable"]).tells(&["RolloutCompleted"]);
    World::at_100().available("v2", 4).does(&[]);
    World::at_100().weights(50, 50).does(&["change weight of HTTPRoute/route from 50 to 100"]);
    World::at_100().recorded_current("v2", 3).does(&["change weight of HTTPRoute/route from 100 to 50"]);
}

#[test]
fn after_the_commit_the_stable_service_moves_while_its_share_is_0() {
    World::at_100().stable("v2", 2).does(&["let Service/stable select v2"]);
}

#[test]
fn the_weights_return_only_when_the_stable_service_lists_the_new_pods_and_no_others() {
    let moved = World::at_100().stable("v2", 2).selects("stable", "v2", 5).managed(Some("v2"), Some("v2"));
    moved.clone().lists("stable", &[("v1", 5)]).does(&[]).waits_for(&["StableEndpoints"]);
    moved.clone().lists("stable", &[("v2", 5), ("v1", 1)]).does(&[]).waits_for(&["StableEndpoints"]);
    moved.clone().lists("stable", &[("v2", 4)]).does(&[]).waits_for(&["StableEndpoints"]);
    // Both Services have the same pods: there is nothing to tell.
    moved.does(&["change weight of HTTPRoute/route from 100 to 0"]).tells(&[]);
    // A pod that both Services have lost does not hold the hand-over up.
    moved
        .lists("stable", &[("v2", 4)])
        .lists("canary", &[("v2", 4)])
        .does(&["change weight of HTTPRoute/route from 100 to 0"]);
}

#[test]
fn what_the_stable_service_selects_is_recorded_before_it_gets_traffic() {
    let moved = World::at_100().stable("v2", 2).selects("stable", "v2", 5);
    moved
        .does(&[])
        .writes_status(true)
        .reports("/canary/managed/stableService/podTemplateHash", json!(hash_of("v2")));
}

#[test]
fn the_old_pods_go_after_the_drain_delay_and_not_before_the_weights_have_returned() {
    let handed_over = World::at_100()
        .stable("v2", 2)
        .selects("stable", "v2", 5)
        .managed(Some("v2"), Some("v2"))
        .weights(100, 0);
    handed_over
        .does(&[])
        .writes_status(true)
        .reports("/phase", json!("Healthy"))
        .reports("/canary/drains/0/podTemplateHash", json!(hash_of("v1")))
        .wakes_at(Some(30));
    let mut recorded = handed_over;
    recorded.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": hash_of("v1"), "since": crate::world::START}]);
    recorded.clone().after(29).does(&[]);
    recorded.after(30).does(&["scale ReplicaSet/web-v1 from 5 to 0"]).tells(&["ScalingReplicaSet"]);
}

#[test]
fn old_pods_that_any_service_still_lists_are_kept() {
    let listed = World::at_100()
        .stable("v2", 2)
        .selects("stable", "v2", 5)
        .managed(Some("v2"), Some("v2"))
        .weights(100, 0)
        .lists("canary", &[("v2", 5), ("v1", 1)])
        .after(100);
    listed.does(&[]).reports("/canary/drains", json!(null));
}

#[test]
fn a_begun_hand_over_finishes_before_a_newer_template_starts() {
    let world = World::at_100().stable("v2", 2).wants("v3").revision("v3", 3, 1);
    assert_eq!(world.actions()[0], "let Service/stable select v2");
    let world = world.selects("stable", "v2", 5).managed(Some("v2"), Some("v2"));
    assert_eq!(world.actions()[0], "change weight of HTTPRoute/route from 100 to 0");
}

#[test]
fn spec_paused_does_not_hold_a_begun_hand_over() {
    World::at_100().stable("v2", 2).spec("paused", json!(true)).does(&["let Service/stable select v2"]);
}

#[test]
fn an_abort_after_the_commit_is_refused() {
    World::at_100()
        .stable("v2", 2)
        .metadata("annotations", json!({"serin.dev/abort": "current"}))
        .does(&["let Service/stable select v2", "remove judged request Rollout/serin.dev/abort"])
        .tells(&["AbortRefused", "SwitchService"]);
}

/// As after a commit at no replicas, when the operator died before the hand-over and somebody scaled up.
fn broken_before_its_hand_over() -> World {
    World::at_100()
        .stable("v2", 2)
        .available("v2", 0)
        .revision("v1", 1, 0)
        .lists("stable", &[])
        .lists("canary", &[])
        .weights(100, 0)
}

#[test]
fn a_hand_over_finishes_where_nobody_is_served_and_so_makes_way_for_a_better_template() {
    let mut world = broken_before_its_hand_over();
    world.does(&["change weight of HTTPRoute/route from 0 to 100"]);
    world = world.weights(0, 100);
    world.does(&["let Service/stable select v2"]);
    let handed_over = world.selects("stable", "v2", 0).managed(Some("v2"), Some("v2"));
    handed_over.does(&["change weight of HTTPRoute/route from 100 to 0"]);
    let mended = handed_over.weights(100, 0).wants("v3").revision("v3", 3, 5).recorded_current("v3", 4);
    mended.does(&["let Service/canary select v3"]);
    mended
        .selects("canary", "v3", 5)
        .managed(Some("v2"), Some("v3"))
        .does(&["change weight of HTTPRoute/route from 0 to 100"]);
}

#[test]
fn a_hand_over_waits_for_an_available_pod_while_somebody_is_served() {
    let world = broken_before_its_hand_over().lists("canary", &[("v2", 1)]);
    // Whoever is there serves meanwhile.
    world.does(&["change weight of HTTPRoute/route from 0 to 100"]).waits_for(&["AvailablePods"]);
    world.weights(0, 100).does(&[]).waits_for(&["AvailablePods"]);
}

#[test]
fn nothing_is_committed_while_the_canary_service_lists_no_pod() {
    World::at_100().lists("canary", &[]).does(&["change weight of HTTPRoute/route from 100 to 0"]);
}

#[test]
fn the_weights_return_at_once_from_a_service_that_serves_nobody() {
    let moved = World::at_100().stable("v2", 2).selects("stable", "v2", 5).lists("canary", &[]);
    let back = ["change weight of HTTPRoute/route from 100 to 0"];
    moved.does(&back);
    moved.lists("stable", &[("v2", 4), ("v1", 1)]).does(&back);
}
