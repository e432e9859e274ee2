//! Weights that gateways are known to carry out, and what waits for that.

use serde_json::json;

use crate::world::{World, at};

/// Weight 10 is written at generation 7 and recorded as seen at second 0; the gateway has not reported on it yet.
fn written() -> World {
    let behind = [("Accepted", "True", Some(6)), ("ResolvedRefs", "True", Some(6))];
    World::canary_selected().weights(90, 10).reported(7, &behind).recorded_route(10, 7, None)
}

/// The gateway has accepted it, which is recorded as seen at second 1.
fn accepted() -> World {
    written().accepted(7).recorded_route(10, 7, Some(1))
}

/// The gateway has refused it.
pub fn refused() -> World {
    written().reported(7, &[("Accepted", "False", Some(7)), ("ResolvedRefs", "True", Some(7))])
}

/// A newer canary cannot have the canary Service, because the gateway has refused to take the older one's share away.
pub fn newer_and_refused() -> World {
    let newer =
        World::paused_at_10().wants("v3").revision("v3", 3, 1).recorded_current("v3", 0).weights(100, 0);
    let refused = [("Accepted", "False", Some(7)), ("ResolvedRefs", "True", Some(7))];
    newer.recorded_route(0, 7, None).reported(7, &refused)
}

fn verify(world: World, verify: serde_json::Value) -> World {
    let routing = json!({"gatewayAPI": {"httpRoute": "route", "verify": verify}});
    let index = world.rollout["status"]["currentStepIndex"].as_i64().unwrap();
    world.canary("trafficRouting", routing).recorded_current("v2", i32::try_from(index).unwrap())
}

#[test]
fn where_no_gateway_reports_a_written_weight_is_enough() {
    let alone = World::canary_selected().weights(90, 10).reported(7, &[]);
    // Which is no evidence, and not called so.
    alone.reports("/currentStepIndex", json!(1)).reports("/canary/weights/verified", json!(null));
    alone.reports("/canary/weights/routes/0/parents/0/state", json!("Silent"));
}

#[test]
fn a_step_waits_until_the_gateway_has_accepted_its_weight() {
    written()
        .does(&[])
        .reports("/currentStepIndex", json!(0))
        .reports("/phase", json!("Progressing"))
        .reports("/canary/weights/verified", json!(false))
        .reports("/canary/weights/routes/0/parents/0/state", json!("Pending"))
        .reports(
            "/waitingFor/0/message",
            json!("Gateway ns/public has not accepted weight 10 of HTTPRoute route (generation 7) yet"),
        )
        .waits_for(&["VerifiedWeights"])
        .wakes_at(Some(60));
}

#[test]
fn the_settle_time_counts_from_when_acceptance_is_recorded() {
    let seen = written().accepted(7).after(1);
    seen.does(&[])
        .writes_status(true)
        .reports("/canary/weights/routes/0/acceptedAt", json!("2026-01-01T00:00:01.000000Z"));
    seen.reports("/currentStepIndex", json!(0)).wakes_at(Some(3));
    accepted().after(2).does(&[]).waits_for(&["VerifiedWeights"]).wakes_at(Some(3));
    let settled = accepted().after(3);
    settled.reports("/currentStepIndex", json!(1)).reports("/canary/weights/verified", json!(true));
}

#[test]
fn a_refusal_holds_the_step_and_is_told_at_once() {
    for conditions in [
        vec![("Accepted", "False", Some(7)), ("ResolvedRefs", "True", Some(7))],
        vec![("Accepted", "True", Some(7)), ("ResolvedRefs", "False", Some(7))],
        vec![("Accepted", "False", None), ("ResolvedRefs", "True", None)],
    ] {
        let refused = written().reported(7, &conditions);
        refused.does(&[]).reports("/phase", json!("Degraded")).reports("/currentStepIndex", json!(0));
        let message = "WeightsUnverified: Gateway ns/public refuses weight 10 of HTTPRoute route (generation 7) (Because: it says so)";
        refused.reports("/message", json!(message)).tells(&["WeightsUnverified"]);
        // Neither a template nor a person has to wait for the gateway.
        refused.status("abort", json!(true)).does(&["change weight of HTTPRoute/route from 10 to 0"]);
    }
    let whole = [
        ("Accepted", "True", Some(7)),
        ("ResolvedRefs", "True", Some(7)),
        ("PartiallyInvalid", "True", Some(7)),
    ];
    written().reported(7, &whole).reports("/phase", json!("Degraded"));
}

#[test]
fn what_is_refused_of_an_older_generation_says_nothing_of_this_one() {
    let older = [("Accepted", "False", Some(6)), ("ResolvedRefs", "True", Some(6))];
    written().reported(7, &older).reports("/phase", json!("Progressing")).waits_for(&["VerifiedWeights"]);
}

#[test]
fn a_gateway_that_is_out_of_time_is_named_and_waited_for() {
    written().after(59).reports("/phase", json!("Progressing"));
    let late = written().after(60);
    late.does(&[])
        .reports("/phase", json!("Degraded"))
        .waits_for(&["VerifiedWeights"])
        .tells(&["WeightsUnverified"]);
    verify(written(), json!({"timeout": 5})).after(5).reports("/phase", json!("Degraded"));
    // It goes on by itself.
    accepted().after(90).reports("/currentStepIndex", json!(1)).reports("/phase", json!("Paused"));
}

#[test]
fn a_gateway_that_names_no_generation_is_given_a_delay_and_said_to_be_unverifiable() {
    let vague = written().reported(7, &[("Accepted", "True", None), ("ResolvedRefs", "True", None)]);
    vague.clone().after(4).does(&[]).waits_for(&["VerifiedWeights"]).wakes_at(Some(5));
    let passed = vague.after(5);
    passed.reports("/currentStepIndex", json!(1)).reports("/canary/weights/verified", json!(null));
    passed.reports("/canary/weights/routes/0/parents/0/state", json!("Unverifiable"));
}

#[test]
fn a_gateway_that_has_reported_before_is_waited_for_even_on_a_route_that_was_made_again() {
    let mut again = accepted().reported(1, &[]);
    again.route.as_mut().unwrap()["metadata"]["uid"] = json!("another");
    let again = again.after(30);
    again.does(&[]).reports("/currentStepIndex", json!(0)).waits_for(&["VerifiedWeights"]);
    again.reports("/canary/weights/routes/0/parents/0/state", json!("Pending"));
}

#[test]
fn a_status_that_was_copied_from_another_route_proves_nothing() {
    let copied = written().reported(7, &[("Accepted", "True", Some(40)), ("ResolvedRefs", "True", Some(40))]);
    copied.reports("/canary/weights/routes/0/parents/0/state", json!("Pending"));
}

#[test]
fn an_edit_of_the_route_beside_its_weights_proves_nothing_anew() {
    let edited = accepted().reported(8, &[("Accepted", "True", Some(7)), ("ResolvedRefs", "True", Some(7))]);
    edited
        .after(3)
        .reports("/currentStepIndex", json!(1))
        .reports("/canary/weights/routes/0/generation", json!(7));
}

#[test]
fn weights_that_were_written_again_have_to_be_accepted_again() {
    let mut again =
        accepted().reported(9, &[("Accepted", "True", Some(7)), ("ResolvedRefs", "True", Some(7))]);
    let write = json!([{"manager": "serin", "operation": "Update", "time": at(2)}]);
    again.route.as_mut().unwrap()["metadata"]["managedFields"] = write;
    again
        .after(3)
        .reports("/currentStepIndex", json!(0))
        .reports("/canary/weights/routes/0/generation", json!(9));
}

#[test]
fn another_way_to_verify_can_be_asked_for() {
    let written = written().after(2);
    verify(written.clone(), json!({"mode": "Off"})).reports("/currentStepIndex", json!(1));
    verify(written.clone(), json!({"mode": "Delay", "settle": "1500ms"}))
        .reports("/currentStepIndex", json!(1));
    verify(written, json!({"mode": "Delay", "settle": "2500ms"})).reports("/currentStepIndex", json!(0));
    let vague = accepted().reported(7, &[("Accepted", "True", None), ("ResolvedRefs", "True", None)]);
    verify(vague, json!({"mode": "Status"})).after(50).reports("/currentStepIndex", json!(0));
    verify(accepted(), json!({"mode": "Status", "settle": 4}))
        .after(4)
        .reports("/currentStepIndex", json!(0));
    verify(accepted(), json!({"mode": "Status", "settle": 4}))
        .after(5)
        .reports("/currentStepIndex", json!(1));
}

#[test]
fn a_canary_is_committed_only_over_verified_weights() {
    let all = World::at_100().recorded_route(100, 7, None);
    all.clone().reported(7, &[("Accepted", "True", Some(6)), ("ResolvedRefs", "True", Some(6))]).does(&[]);
    let settled = all.accepted(7).recorded_route(100, 7, Some(0)).after(2);
    settled.does(&["record ReplicaSet/web-v2 as stable"]);
}

#[test]
fn pods_drain_from_when_the_gateway_is_known_to_send_them_nothing() {
    let aborted = World::paused_at_10()
        .weights(100, 0)
        .selects("canary", "v1", 5)
        .managed(Some("v1"), Some("v1"))
        .status("abort", json!(true))
        .status("abortedPodHash", json!(crate::world::hash_of("v2")))
        .recorded_route(0, 7, None);
    let behind =
        aborted.clone().reported(7, &[("Accepted", "True", Some(6)), ("ResolvedRefs", "True", Some(6))]);
    behind.does(&[]).reports("/canary/drains", json!(null)).waits_for(&["Drain", "Retry"]);
    let verified = aborted.accepted(7).recorded_route(0, 7, Some(0)).after(2);
    verified.reports("/canary/drains/0/since", json!("2026-01-01T00:00:02Z"));
}

#[test]
fn a_drain_that_has_begun_goes_on_whatever_becomes_of_the_route() {
    let drains = json!([{"podTemplateHash": crate::world::hash_of("v2"), "since": crate::world::START}]);
    let mut world = World::paused_at_10()
        .weights(100, 0)
        .selects("canary", "v1", 5)
        .managed(Some("v1"), Some("v1"))
        .status("abort", json!(true))
        .status("abortedPodHash", json!(crate::world::hash_of("v2")))
        .recorded_route(0, 7, None)
        .reported(7, &[("Accepted", "False", Some(7)), ("ResolvedRefs", "True", Some(7))]);
    world.rollout["status"]["canary"]["drains"] = drains;
    world.after(30).does(&["scale ReplicaSet/web-v2 from 1 to 0"]);
}

#[test]
fn the_canary_service_is_not_moved_to_a_newer_canary_while_the_gateway_may_still_send_it_requests() {
    let newer =
        World::paused_at_10().wants("v3").revision("v3", 3, 1).recorded_current("v3", 0).weights(100, 0);
    let behind = newer.clone().recorded_route(0, 7, None);
    let behind = behind.reported(7, &[("Accepted", "True", Some(6)), ("ResolvedRefs", "True", Some(6))]);
    behind.does(&[]).waits_for(&["VerifiedWeights"]);
    let verified = newer.accepted(7).recorded_route(0, 7, Some(0)).after(2);
    verified.does(&["let Service/canary select v3"]);
}
