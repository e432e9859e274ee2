//! The user's own weights at rest.

use serde_json::json;

use crate::world::World;

/// `v1` is stable and healthy, at weights 100/0, and the user wants the route as it was: at 1/1.
fn healthy() -> World {
    restoring(World::healthy())
}

fn restoring(world: World) -> World {
    world.canary("trafficRouting", json!({"gatewayAPI": {"httpRoute": "route", "atRest": "Restore"}}))
}

#[test]
fn the_users_own_weights_come_back_when_both_services_list_the_same_pods() {
    healthy().does(&["change weight of HTTPRoute/route from 0 to 50"]);
    let behind = healthy().lists("canary", &[("v1", 4)]);
    behind.does(&[]);
    let mixed = healthy().lists("canary", &[("v1", 4), ("v2", 1)]);
    mixed.does(&[]);
    let rests = healthy().weights(1, 1);
    rests.does(&[]).reports("/phase", json!("Healthy"));
}

#[test]
fn after_a_promotion_they_come_back_in_place_of_100_and_0() {
    let handed_over =
        restoring(World::at_100()).stable("v2", 2).selects("stable", "v2", 5).managed(Some("v2"), Some("v2"));
    handed_over.does(&["change weight of HTTPRoute/route from 100 to 50"]);
    // What is not recorded yet could not be told from a foreign selector.
    let unrecorded = restoring(World::at_100()).stable("v2", 2).selects("stable", "v2", 5);
    unrecorded.does(&[]).writes_status(true);
}

#[test]
fn a_canary_begins_at_share_0_whatever_the_weights_at_rest() {
    let begins = healthy().weights(1, 1).wants("v2").revision("v2", 2, 1).recorded_current("v2", 0);
    begins.does(&["change weight of HTTPRoute/route from 50 to 0"]);
    begins.weights(100, 0).does(&["let Service/canary select v2"]);
}

#[test]
fn a_service_that_loses_its_endpoints_at_rest_loses_its_share() {
    healthy().weights(1, 1).lists("canary", &[]).does(&["change weight of HTTPRoute/route from 50 to 0"]);
    healthy().weights(1, 1).lists("stable", &[]).does(&["change weight of HTTPRoute/route from 50 to 100"]);
}

#[test]
fn other_weights_than_the_users_are_put_back_to_those() {
    let drifted = healthy().weights(1, 1).route_weights(30, 70);
    drifted.does(&["change weight of HTTPRoute/route from 70 to 50"]);
    // Recorded are the weights that were last seen, so this is told as what it is.
    let plan = healthy().status_weight(50).route_weights(30, 70).plan();
    assert_eq!(plan.events.iter().map(|event| event.reason).collect::<Vec<_>>(), ["DriftCorrected"]);
}

#[test]
fn what_is_aborted_rests_at_the_users_own_weights_too() {
    let aborted = World::paused_at_10().weights(100, 0).status("abort", json!(true));
    // Not before the canary Service has left the canary.
    restoring(aborted.clone()).does(&["let Service/canary select v1"]);
    let left = aborted.selects("canary", "v1", 5).managed(Some("v1"), Some("v1"));
    restoring(left).does(&["change weight of HTTPRoute/route from 0 to 50"]);
}

#[test]
fn a_deletion_leaves_restored_weights_alone() {
    let deleted = healthy().weights(1, 1).metadata("deletionTimestamp", json!(crate::world::START));
    deleted.does(&["let Service/canary select all pods"]);
    let deleted = deleted.unselected("canary");
    deleted.does(&["let Service/stable select all pods"]);
    deleted.unselected("stable").does(&["remove finalizer"]);
}

#[test]
fn old_pods_drain_at_the_users_own_weights_too() {
    let old = healthy().weights(1, 1).revision("v0", 1, 5);
    old.reports("/canary/drains/0/since", json!(crate::world::START));
}

#[test]
fn weights_that_may_be_of_our_own_making_are_not_taken_for_the_users() {
    let lost = healthy().weights(90, 10).without_status();
    lost.reports(
        "/canary/managed/routes/0/originalWeights/0",
        json!({"rule": 0, "stable": 100, "canary": 0}),
    );
}
