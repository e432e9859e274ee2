use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_testkit::controllers::Gateway;
use serin_testkit::controllers::gateway::{Accepts, Manner, Reports, ServiceName};
use serin_testkit::{Controllers, Kind, World, http_route};

use crate::{replica_set, world};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The weights by which requests through the first rule of a route go to its backends.
fn weights(gateway: &Gateway, route: &str) -> Vec<i64> {
    let mut rules = gateway.data_plane().rules().filter(|((_, name), _)| name == route);
    rules.next().map(|(_, rule)| rule.iter().map(|backend| backend.weight).collect()).unwrap_or_default()
}

/// How many pods requests for a Service go to.
fn pods(gateway: &Gateway, service: &str) -> usize {
    let service = ServiceName { namespace: "default".to_owned(), name: service.to_owned() };
    gateway.data_plane().pods(&service).count()
}

fn set_weight(world: &mut World, canary: i64) {
    let backends = json!([
        { "name": "stable", "port": 80, "weight": 100 - canary },
        { "name": "canary", "port": 80, "weight": canary },
    ]);
    world.patch(Kind::HttpRoute, "route", json!({ "spec": { "rules": [{ "backendRefs": backends }] } }));
}

fn settle(gateway: &mut Gateway, world: &mut World) {
    while gateway.step(world) {}
}

/// A condition of the route's only parent: status, reason and observed generation.
fn condition(world: &World, kind: &str) -> Option<(String, String, Value)> {
    let conditions = world.get(Kind::HttpRoute, "route")["status"]["parents"][0]["conditions"].clone();
    let found = conditions.as_array()?.iter().find(|condition| condition["type"] == kind)?.clone();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    Some((text("status"), text("reason"), found["observedGeneration"].clone()))
}

fn is(status: &str, reason: &str, generation: i64) -> Option<(String, String, Value)> {
    Some((status.to_owned(), reason.to_owned(), json!(generation)))
}

#[test]
fn a_prompt_gateway_reports_and_follows_in_the_step_that_sees_a_change() {
    let mut world = world();
    let mut gateway = Gateway::default();
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [1, 0]);
    let parent = world.get(Kind::HttpRoute, "route")["status"]["parents"][0].clone();
    assert_eq!(parent["parentRef"], world.get(Kind::HttpRoute, "route")["spec"]["parentRefs"][0]);
    assert_eq!(parent["controllerName"], "gateway.example.com/controller");
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 1));
    assert_eq!(condition(&world, "ResolvedRefs"), is("True", "ResolvedRefs", 1));
    assert_eq!(condition(&world, "PartiallyInvalid"), None);
    set_weight(&mut world, 10);
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [90, 10]);
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 2));
    let version = world.version();
    assert!(!gateway.step(&mut world));
    assert_eq!(world.version(), version, "a report is written once");
    assert_eq!(gateway.due(), None);
}

#[test]
fn requests_follow_routes_and_endpoints_each_after_its_own_time_and_in_order() {
    let mut world = world();
    let (routes_after, endpoints_after) = (SECOND * 8, SECOND * 3);
    let mut gateway = Gateway::new(Manner { routes_after, endpoints_after, ..Manner::default() });
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [0; 0]);
    world.advance(SECOND * 8);
    settle(&mut gateway, &mut world);
    assert!(gateway.has_caught_up());
    set_weight(&mut world, 10);
    world.create(replica_set("x", 2, "web:1"));
    Controllers::default().settle(&mut world);
    settle(&mut gateway, &mut world);
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 2));
    world.advance(SECOND);
    set_weight(&mut world, 20);
    settle(&mut gateway, &mut world);
    assert_eq!((weights(&gateway, "route"), pods(&gateway, "stable")), (vec![1, 0], 0));
    assert_eq!(gateway.due(), world.now().checked_add(SECOND * 2).ok());
    world.advance(SECOND * 2);
    settle(&mut gateway, &mut world);
    assert_eq!((weights(&gateway, "route"), pods(&gateway, "stable")), (vec![1, 0], 2));
    world.advance(SECOND * 5);
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [90, 10], "one after the other");
    world.advance(SECOND);
    assert!(gateway.step(&mut world));
    assert_eq!(weights(&gateway, "route"), [80, 20]);
    assert!(gateway.has_caught_up());
}

#[test]
fn of_two_changes_that_are_due_together_that_of_endpoints_comes_first() {
    let mut world = world();
    let mut gateway = Gateway::default();
    settle(&mut gateway, &mut world);
    set_weight(&mut world, 10);
    world.create(replica_set("x", 1, "web:1"));
    Controllers::default().settle(&mut world);
    assert!(gateway.step(&mut world));
    assert_eq!((weights(&gateway, "route"), pods(&gateway, "stable")), (vec![1, 0], 1));
    assert!(gateway.step(&mut world));
    assert_eq!(weights(&gateway, "route"), [90, 10]);
    assert!(!gateway.step(&mut world));
}

#[test]
fn what_is_refused_leaves_what_was_accepted_last() {
    let mut world = world();
    let mut gateway = Gateway::new(Manner { accepts: Accepts::AllBut(2), ..Manner::default() });
    settle(&mut gateway, &mut world);
    set_weight(&mut world, 10);
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [1, 0]);
    assert_eq!(condition(&world, "Accepted"), is("False", "UnsupportedValue", 2));
    set_weight(&mut world, 20);
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [80, 20]);
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 3));
}

#[test]
fn what_is_partially_invalid_is_accepted_without_the_rule_that_is() {
    let mut world = world();
    let two_rules = |canary: i64| {
        let rule = |path: &str| {
            json!({
                "matches": [{ "path": { "type": "PathPrefix", "value": path } }],
                "backendRefs": [
                    { "name": "stable", "port": 80, "weight": 100 - canary },
                    { "name": "canary", "port": 80, "weight": canary },
                ],
            })
        };
        json!({ "spec": { "rules": [rule("/a"), rule("/b")] } })
    };
    let mut gateway = Gateway::new(Manner { accepts: Accepts::PartOf(3), ..Manner::default() });
    world.patch(Kind::HttpRoute, "route", two_rules(10));
    settle(&mut gateway, &mut world);
    world.patch(Kind::HttpRoute, "route", two_rules(20));
    settle(&mut gateway, &mut world);
    let rules = gateway.data_plane().rules().filter(|((_, name), _)| name == "route");
    let canary: Vec<i64> = rules.map(|(_, rule)| rule[1].weight).collect();
    assert_eq!(canary, [10, 20]);
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 3));
    assert_eq!(condition(&world, "PartiallyInvalid"), is("True", "UnsupportedValue", 3));
}

#[test]
fn a_gateway_may_report_nothing_and_serve_all_the_same() {
    let mut world = world();
    let mut gateway = Gateway::new(Manner { reports: Reports::Nothing, ..Manner::default() });
    settle(&mut gateway, &mut world);
    assert_eq!(weights(&gateway, "route"), [1, 0]);
    assert_eq!(world.get(Kind::HttpRoute, "route")["status"], Value::Null);
}

#[test]
fn a_gateway_may_leave_the_generation_out() {
    let mut world = world();
    let mut gateway = Gateway::new(Manner { reports: Reports::Conditions, ..Manner::default() });
    settle(&mut gateway, &mut world);
    let (status, reason, generation) = condition(&world, "Accepted").unwrap();
    assert_eq!((status.as_str(), reason.as_str(), generation), ("True", "Accepted", Value::Null));
}

#[test]
fn a_report_may_come_before_requests_follow() {
    let mut world = world();
    let mut gateway =
        Gateway::new(Manner { reports_after: SECOND, routes_after: SECOND * 5, ..Manner::default() });
    settle(&mut gateway, &mut world);
    assert_eq!(condition(&world, "Accepted"), None);
    world.advance(SECOND);
    settle(&mut gateway, &mut world);
    assert_eq!(condition(&world, "Accepted"), is("True", "Accepted", 1));
    assert_eq!(weights(&gateway, "route"), [0; 0]);
}

#[test]
fn a_backend_that_is_missing_is_reported_and_a_route_that_is_gone_leads_nowhere() {
    let mut world = world();
    world.create(http_route("lost").rule(&[("nobody", None)]).manifest());
    let mut gateway = Gateway::default();
    settle(&mut gateway, &mut world);
    let conditions = &world.get(Kind::HttpRoute, "lost")["status"]["parents"][0]["conditions"];
    assert_eq!(conditions[1]["reason"], "BackendNotFound");
    assert_eq!(conditions[1]["status"], "False");
    world.delete(Kind::HttpRoute, "lost");
    settle(&mut gateway, &mut world);
    assert!(gateway.data_plane().rules().all(|((_, name), _)| name == "route"));
}
