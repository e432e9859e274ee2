//! Deletion: safe, in order, and never for long.

use serde_json::json;

use crate::world::{START, World, hash_of};

fn deleted(world: World) -> World {
    world.metadata("deletionTimestamp", json!(START))
}

#[test]
fn a_rollout_at_rest_gives_the_services_back_and_goes() {
    let world = deleted(World::healthy());
    world.does(&["let Service/canary select all pods"]);
    let world = world.unselected("canary");
    world.does(&["let Service/stable select all pods"]);
    let world = world.unselected("stable");
    // The user's own weights come last, when it makes no difference any more who gets a request.
    world.does(&["change weight of HTTPRoute/route from 0 to 50"]);
    world.clone().lists("canary", &[("v1", 4)]).does(&[]).wakes_at(Some(60));
    world.route_weights(1, 1).does(&["remove finalizer"]);
}

#[test]
fn weights_are_not_given_back_while_another_revision_has_pods() {
    let world = deleted(World::healthy()).unselected("canary").unselected("stable");
    world.revision("v2", 2, 1).after(51).does(&["remove finalizer"]);
}

#[test]
fn in_the_middle_of_a_canary_the_traffic_goes_first_then_the_pods() {
    let world = deleted(World::paused_at_10());
    world.does(&["change weight of HTTPRoute/route from 10 to 0"]);
    let world = world.weights(100, 0);
    world.does(&["let Service/canary select v1"]);
    let mut world = world.selects("canary", "v1", 5);
    world.does(&[]).writes_status(true).wakes_at(Some(30));
    world.rollout["status"]["canary"]["drains"] = json!([{"podTemplateHash": hash_of("v2"), "since": START}]);
    let world = world.after(30);
    world.does(&["scale ReplicaSet/web-v2 from 1 to 0"]);
    let scaled = world.revision("v2", 2, 0);
    scaled.clone().change("v2", "/status/replicas", json!(1)).does(&[]);
    scaled.does(&["let Service/canary select all pods"]);
}

#[test]
fn what_is_missing_counts_as_done() {
    let mut world = deleted(World::paused_at_10())
        .without_service("canary")
        .without_service("stable")
        .revision("v2", 2, 0);
    world.route = None;
    world.does(&["remove finalizer"]);
}

#[test]
fn after_a_minute_or_with_its_namespace_it_is_let_go_as_it_is() {
    deleted(World::paused_at_10()).after(60).does(&["remove finalizer"]).tells(&["DeletionTimeout"]);
    let mut world = deleted(World::paused_at_10());
    world.namespace_terminating = true;
    world.does(&["remove finalizer"]);
}

#[test]
fn one_that_never_touched_traffic_goes_at_once() {
    deleted(World::new()).does(&["remove finalizer"]);
    deleted(World::new()).metadata("finalizers", json!(["other"])).does(&[]);
}

#[test]
fn pods_that_drain_for_long_do_not_keep_the_services_beyond_the_last_call() {
    let world = deleted(World::paused_at_10())
        .canary("abortScaleDownDelaySeconds", json!(300))
        .canary("scaleDownDelaySeconds", json!(300))
        .weights(100, 0)
        .selects("canary", "v1", 5);
    world.clone().after(49).does(&[]).wakes_at(Some(50));
    world.after(50).does(&["let Service/canary select all pods"]);
}

#[test]
fn pods_whose_delay_ends_with_the_last_call_stay_behind_a_service_that_gets_its_selector_back() {
    let mut world = deleted(
        World::paused_at_10()
            .canary("abortScaleDownDelaySeconds", json!(50))
            .canary("scaleDownDelaySeconds", json!(50)),
    )
    .weights(100, 0)
    .selects("canary", "v1", 5);
    world.rollout["status"]["canary"]["drains"] = json!([{"podTemplateHash": hash_of("v2"), "since": START}]);
    let last_call = world.after(50);
    last_call.does(&["let Service/canary select all pods"]);
    last_call.unselected("canary").after(55).does(&["let Service/stable select all pods"]);
}

#[test]
fn nothing_is_told_of_a_rollout_that_was_let_go_and_that_others_still_hold() {
    let waiting = json!([{"what": "Drain", "message": "", "since": START}]);
    let held = deleted(World::healthy()).status("waitingFor", waiting);
    held.metadata("finalizers", json!(["orphan"])).does(&[]).writes_status(false);
}
