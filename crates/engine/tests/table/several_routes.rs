//! Several routes say one thing together: planned, checked and written as one change.

use serde_json::json;
use serin_api::route::RouteKind;
use serin_engine::{Action, api_call};

use crate::world::{World, at};

/// `v2` is at the pause of weight 10, on an HTTPRoute and a GRPCRoute.
fn paused() -> World {
    World::paused_at_10().grpc_route(90, 10)
}

/// The pause is over: weight 50 is next, and its pods are there.
fn raised() -> World {
    World::canary_selected()
        .weights(90, 10)
        .managed(Some("v1"), Some("v2"))
        .recorded_current("v2", 2)
        .revision("v2", 2, 3)
        .lists("canary", &[("v2", 3)])
        .grpc_route(90, 10)
}

fn refused(mut world: World, subject: &str, until: i64) -> World {
    let refusal = serin_engine::recall::Refusal { message: "denied by policy".into(), retry_at: at(until) };
    world.recall.refused.insert(subject.to_owned(), refusal);
    world
}

#[test]
fn nothing_is_to_be_done_where_every_route_carries_the_weight() {
    paused().does(&[]);
}

#[test]
fn a_weight_is_written_to_every_route_in_one_plan() {
    raised().does(&[
        "change weight of HTTPRoute/route from 10 to 50",
        "change weight of GRPCRoute/api from 10 to 50",
    ]);
}

#[test]
fn only_the_route_that_differs_is_written() {
    paused().grpc_route(50, 50).does(&["change weight of GRPCRoute/api from 50 to 10"]);
    paused().grpc_route(100, 0).does(&["change weight of GRPCRoute/api from 0 to 10"]);
}

#[test]
fn a_step_is_done_when_every_route_carries_it() {
    let first = World::canary_selected().weights(90, 10).recorded_current("v2", 0);
    first.clone().grpc_route(90, 10).reports("/currentStepIndex", json!(1));
    first.grpc_route(100, 0).reports("/currentStepIndex", json!(0));
}

#[test]
fn where_one_route_refuses_to_be_raised_the_others_go_back() {
    let written = raised().route_weights(50, 50);
    refused(written, "GRPCRoute/api", 10)
        .does(&["change weight of HTTPRoute/route from 50 to 10"])
        .waits_for(&["RefusedWrite"])
        .wakes_at(Some(10));
    refused(raised(), "GRPCRoute/api", 10).does(&[]);
}

#[test]
fn a_refuge_is_taken_on_every_route_that_can_be_written() {
    let alone = raised().lists("stable", &[]);
    refused(alone, "GRPCRoute/api", 10).does(&["change weight of HTTPRoute/route from 10 to 100"]);
}

#[test]
fn what_was_refused_is_tried_again_before_the_others_are_changed() {
    refused(raised(), "GRPCRoute/api", -1).does(&[
        "change weight of GRPCRoute/api from 10 to 50",
        "change weight of HTTPRoute/route from 10 to 50",
    ]);
}

#[test]
fn a_weight_is_lowered_wherever_it_can_be() {
    let aborted =
        paused().status("abort", json!(true)).status("abortedPodHash", crate::world::hash_of("v2").into());
    aborted.does(&[
        "change weight of HTTPRoute/route from 10 to 0",
        "change weight of GRPCRoute/api from 10 to 0",
    ]);
    refused(aborted, "GRPCRoute/api", 10).does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn a_weight_that_one_route_cannot_express_changes_none() {
    let mut world = raised();
    let api = world.more_routes.values_mut().next().unwrap();
    let backends = api["spec"]["rules"][0]["backendRefs"].as_array_mut().unwrap();
    backends[0]["weight"] = json!(1);
    backends[1]["weight"] = json!(2);
    backends.push(json!({"name": "other", "port": 80}));
    let report = world.plan().report;
    let invalid = report.conditions.iter().map(|condition| condition.message.clone()).collect::<String>();
    assert!(invalid.contains("GRPCRoute \"api\" has other backends"), "{invalid}");
    let raises = |action: &Action| matches!(action, Action::SetWeights { percent: 50, .. });
    assert!(!world.plan().actions.iter().any(raises));
}

#[test]
fn each_route_is_written_at_its_own_path_and_version() {
    let world = raised();
    let mut snapshot = world.snapshot();
    let routes = &mut snapshot.traffic.as_mut().unwrap().routes.0;
    routes[1].version = Some("v1alpha2".to_owned());
    let plan = serin_engine::plan(&snapshot, at(0));
    let paths: Vec<String> =
        plan.actions.iter().map(|action| api_call::api_call(&snapshot, action).path).collect();
    let group = "/apis/gateway.networking.k8s.io";
    assert_eq!(
        paths,
        [
            format!("{group}/v1/namespaces/ns/httproutes/route"),
            format!("{group}/v1alpha2/namespaces/ns/grpcroutes/api"),
        ]
    );
}

#[test]
fn every_missing_route_and_kind_is_told_by_the_field_that_names_it() {
    let mut world = World::new().grpc_route(1, 1);
    world.more_routes.clear();
    world.route = None;
    let message = world.plan().report.message.unwrap_or_default();
    let at = "spec.strategy.canary.trafficRouting.gatewayAPI";
    assert!(message.contains(&format!("{at}.httpRoute: HTTPRoute \"route\" not found")), "{message}");
    assert!(message.contains(&format!("{at}.grpcRoute: GRPCRoute \"api\" not found")), "{message}");
}

#[test]
fn a_kind_that_is_not_served_disables_only_those_who_name_it() {
    let mut world = World::new().grpc_route(1, 1);
    world.unserved.insert(RouteKind::Grpc);
    world.more_routes.clear();
    let message = world.plan().report.message.unwrap_or_default();
    assert!(message.contains("gatewayAPI.grpcRoute: the API server does not know GRPCRoutes"), "{message}");
    let mut other = World::healthy();
    other.unserved.insert(RouteKind::Grpc);
    other.does(&[]).reports("/phase", json!("Healthy"));
}

#[test]
fn a_route_elsewhere_is_told_with_its_namespace() {
    let world = World::new().canary(
        "trafficRouting",
        json!({"gatewayAPI": {"httpRoutes": [{"name": "route", "namespace": "gateways"}]}}),
    );
    let message = world.plan().report.message.unwrap_or_default();
    assert!(message.contains("HTTPRoute \"route\" not found in namespace \"gateways\""), "{message}");
}

#[test]
fn at_a_deletion_every_route_gets_its_own_weights_back() {
    let world = World::healthy()
        .grpc_route(100, 0)
        .metadata("deletionTimestamp", json!(crate::world::START))
        .unselected("canary")
        .unselected("stable");
    let world = world.lists("stable", &[("v1", 5)]).lists("canary", &[("v1", 5)]);
    world.does(&[
        "change weight of HTTPRoute/route from 0 to 50",
        "change weight of GRPCRoute/api from 0 to 50",
    ]);
}

#[test]
fn own_weights_come_back_together_and_are_not_taken_back_and_given_again() {
    let world = World::healthy().grpc_route(100, 0).metadata("deletionTimestamp", json!(crate::world::START));
    let world = world.unselected("canary").unselected("stable");
    let world = world.lists("stable", &[("v1", 5)]).lists("canary", &[("v1", 5)]);
    let half = refused(world.clone().route_weights(1, 1), "GRPCRoute/api", 10);
    half.does(&[]).wakes_at(Some(10));
    refused(world, "GRPCRoute/api", 10).does(&[]).wakes_at(Some(10));
}

#[test]
fn a_route_that_is_named_later_is_taken_over_when_the_others_are_at_rest() {
    let mut world = World::healthy().grpc_route(3, 1);
    world.rollout["status"]["canary"]["managed"]["routes"].as_array_mut().unwrap().pop();
    world.does(&[]).writes_status(true).reports("/canary/managed/routes/1/name", json!("api"));
}

#[test]
fn a_named_rule_is_tested_by_its_name_when_it_is_written() {
    let mut world = raised();
    world.more_routes.clear();
    let routing = json!({"gatewayAPI": {"httpRoutes": [{"name": "route", "rule": "web"}]}});
    let mut world = world.canary("trafficRouting", routing);
    world.rollout["status"]["canary"]["managed"]["routes"] = json!([{
        "kind": "HTTPRoute", "namespace": "ns", "name": "route", "rules": ["web"],
        "originalWeights": [{"rule": 1, "stable": 1, "canary": 1}],
    }]);
    let rules = world.route.as_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap();
    let other = rules[0].clone();
    rules[0]["name"] = json!("web");
    rules.insert(0, other);
    let snapshot = world.snapshot();
    let plan = serin_engine::plan(&snapshot, at(0));
    let call = api_call::api_call(&snapshot, &plan.actions[0]).body.json();
    let paths: Vec<&str> = call.as_array().unwrap().iter().filter_map(|part| part["path"].as_str()).collect();
    assert!(paths.contains(&"/spec/rules/1/name"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("/spec/rules/0/")), "{paths:?}");
}
