//! Other writers of the route and the Services.

use serde_json::json;

use crate::world::{World, at};

#[test]
fn a_foreign_weight_is_put_back_at_once_and_named() {
    let world = World::paused_at_10().route_weights(50, 50);
    world.does(&["change weight of HTTPRoute/route from 50 to 10"]).tells(&["DriftCorrected"]);
    World::healthy()
        .route_weights(1, 1)
        .does(&["change weight of HTTPRoute/route from 50 to 0"])
        .tells(&["DriftCorrected"]);
}

#[test]
fn a_foreign_selector_is_put_back_even_under_share() {
    World::healthy().unselected("stable").does(&["let Service/stable select v1"]).tells(&["DriftCorrected"]);
    World::paused_at_10()
        .unselected("canary")
        .does(&["let Service/canary select v2"])
        .tells(&["DriftCorrected"]);
    World::paused_at_10().selects("canary", "v1", 5).does(&["let Service/canary select v2"]);
}

#[test]
fn a_change_of_our_own_is_no_drift() {
    let events = World::canary_selected().plan().events;
    assert!(events.iter().all(|event| event.reason != "DriftCorrected"), "{events:?}");
}

#[test]
fn one_event_tells_of_one_writer_for_a_minute() {
    let mut world = World::paused_at_10().route_weights(50, 50);
    let correction = world.plan().actions[0].clone();
    world.recall.applied(&correction, world.now);
    world.tells(&[]);
    world.after(60).tells(&["DriftCorrected"]);
}

#[test]
fn a_contested_route_is_corrected_ever_more_slowly_and_reported() {
    let mut world = World::paused_at_10().route_weights(50, 50);
    let correction = world.plan().actions[0].clone();
    for _ in 0..31 {
        world.recall.applied(&correction, at(0));
    }
    world.does(&[]).waits_for(&["Resume", "ContestedWrite"]);
    let contested = |world: &World| {
        world.plan().report.conditions.iter().any(|condition| condition.reason == "RouteContested")
    };
    assert!(contested(&world));
    assert!(!contested(&world.after(60)));
}

#[test]
fn a_deleted_route_holds_the_steps_and_keeps_what_runs() {
    let mut world = World::paused_at_10();
    world.route = None;
    world.does(&[]).reports("/phase", json!("Degraded"));
    assert!(world.plan().report.message.unwrap().contains("HTTPRoute \"route\" not found"));
}

#[test]
fn a_drain_that_a_foreign_write_interrupts_begins_again() {
    let mut world = World::at_100()
        .stable("v2", 2)
        .selects("stable", "v2", 5)
        .managed(Some("v2"), Some("v2"))
        .weights(100, 0)
        .selects("canary", "v1", 5)
        .after(20);
    world.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": crate::world::hash_of("v1"), "since": crate::world::START}]);
    // First it is recorded that the drain is over, or its old beginning would count when the selector is put back.
    world.does(&[]).writes_status(true).reports("/canary/drains", json!(null));
    world.rollout["status"]["canary"].as_object_mut().unwrap().remove("drains");
    world.does(&["let Service/canary select v2"]);
}

/// A tool that applies the route every few seconds would otherwise keep the old pods for ever.
#[test]
fn a_drain_goes_on_while_a_foreign_weight_is_put_back() {
    let mut world = World::at_100()
        .stable("v2", 2)
        .selects("stable", "v2", 5)
        .managed(Some("v2"), Some("v2"))
        .weights(100, 0)
        .route_weights(50, 50);
    world.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": crate::world::hash_of("v1"), "since": crate::world::START}]);
    world
        .clone()
        .after(29)
        .does(&["change weight of HTTPRoute/route from 50 to 0"])
        .reports("/canary/drains/0/since", json!(crate::world::START));
    world
        .after(30)
        .does(&["change weight of HTTPRoute/route from 50 to 0", "scale ReplicaSet/web-v1 from 5 to 0"]);
}

#[test]
fn what_was_written_a_moment_ago_is_put_back_before_status_tells_of_it() {
    let mut world = World::canary_selected();
    let raise = world.plan().actions[0].clone();
    world.recall.applied(&raise, world.now);
    world
        .route_weights(50, 50)
        .does(&["change weight of HTTPRoute/route from 50 to 10"])
        .tells(&["DriftCorrected"]);
    let mut world = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    let select = world.plan().actions[0].clone();
    world.recall.applied(&select, world.now);
    world.does(&["let Service/canary select v2"]).tells(&["DriftCorrected"]);
}

#[test]
fn of_two_foreign_writes_the_selector_is_put_back_first() {
    World::healthy()
        .unselected("canary")
        .route_weights(50, 50)
        .does(&["let Service/canary select v1"])
        .tells(&["DriftCorrected"]);
}

#[test]
fn without_its_stable_service_nothing_is_moved_under_a_share() {
    World::healthy().without_service("stable").does(&[]);
    World::paused_at_10().status("abort", json!(true)).without_service("stable").does(&[]);
}

#[test]
fn traffic_takes_refuge_behind_the_canary_service_while_the_stable_one_has_no_endpoints() {
    let emptied = World::healthy().lists("stable", &[]);
    emptied.does(&["change weight of HTTPRoute/route from 0 to 100"]).waits_for(&["StableEndpoints"]);
    let refuge = emptied.weights(0, 100);
    refuge.does(&[]);
    refuge.lists("stable", &[("v1", 5)]).does(&["change weight of HTTPRoute/route from 100 to 0"]);
    // With nothing left on either side, or nothing wanted, weights stay as they are.
    World::healthy().lists("stable", &[]).lists("canary", &[]).does(&[]);
    let at_rest = World::healthy().spec("replicas", json!(0)).lists("stable", &[]);
    at_rest.does(&["scale ReplicaSet/web-v1 from 5 to 0"]);
}

#[test]
fn a_contest_is_told_once_while_it_lasts() {
    let mut world = World::paused_at_10().route_weights(50, 50);
    let correction = world.plan().actions[0].clone();
    for _ in 0..31 {
        world.recall.applied(&correction, at(0));
    }
    let mut contested = world.route_weights(90, 10);
    contested.does(&[]).tells(&["RouteContested"]);
    contested.rollout["status"] = serde_json::to_value(contested.plan().report).unwrap();
    contested.status("readyReplicas", json!(1)).does(&[]).writes_status(true).tells(&[]);
}
