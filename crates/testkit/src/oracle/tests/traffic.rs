//! Shares, selectors, aborts, commits.

use serde_json::{Value, json};

use super::town::{Town, list, route};
use serin_world::world::Kind;

const SELECTED: &str = "/spec/selector/rollouts-pod-template-hash";

#[test]
fn a_share_is_raised_over_enough_ready_pods_of_the_revision_meant() {
    Town::new().weights(50, 50).is_fine();
    Town::new().weights(49, 51).breaks("weight 51 with 2 of 3 ready pods");
    Town::new().both(|world| list(world, "canary", "v1", 2)).weights(50, 50).breaks_all(&[
        "without pods of v2",
        "other pods",
        "0 of 2 ready pods",
    ]);
}

#[test]
fn stable_pods_take_back_no_more_than_they_can_carry_unless_nobody_wants_a_canary() {
    let mut town = Town::new();
    town.both(|world| list(world, "stable", "v1", 3));
    town.weights(75, 25).is_fine();
    town.weights(76, 24).breaks("took 76 back with 3 of 4 ready pods");
    town.weights(100, 0).breaks("took 100 back with 3 of 4 ready pods");
    let excepted =
        |pointer: &str, value: Value| town.clone().given(Kind::Rollout, "web", pointer, value).is_fine();
    excepted("/status/abort", json!(true));
    excepted("/metadata/annotations", json!({"serin.dev/abort": "current"}));
    excepted("/metadata/deletionTimestamp", json!(super::town::NOON));
    excepted("/spec/template/spec/containers/0/image", json!("v1"));
    town.both(|world| list(world, "canary", "v2", 0)).is_fine();
}

#[test]
fn no_share_is_left_without_endpoints_while_the_other_service_has_some() {
    Town::new().both(|world| list(world, "canary", "v2", 0)).weights(70, 30).breaks("no ready endpoint");
    Town::new().both(|world| list(world, "canary", "v2", 0)).weights(100, 0).is_fine();
}

#[test]
fn at_rest_the_canary_is_a_refuge_unless_nobody_wants_one() {
    let mut town = Town::new();
    town.both(|world| list(world, "stable", "v1", 0));
    let managed = json!({"managed": {
        "routes": [{"kind": "HTTPRoute", "name": "route"}], "stableService": {"name": "stable"}, "canaryService": {"name": "canary"},
    }});
    town.given(Kind::Rollout, "web", "/status/canary", managed);
    let left = town.oracle.judge_rest(&town.before);
    assert!(left.len() == 1 && left[0].contains("stable is left a share of 60"), "{left:?}");
    town.given(Kind::Rollout, "web", "/status/abort", json!(true));
    assert_eq!(town.oracle.judge_rest(&town.before), Vec::<String>::new());
}

#[test]
fn every_rule_counts() {
    let two = |canary: i64| {
        let mut route = route("route", 60, 40);
        let mut other = route["spec"]["rules"][0].clone();
        other["backendRefs"][0]["weight"] = json!(100 - canary);
        other["backendRefs"][1]["weight"] = json!(canary);
        route["spec"]["rules"].as_array_mut().unwrap().push(other);
        route
    };
    let mut town = Town::new();
    town.both(|world| drop(world.put(Kind::HttpRoute, two(0))));
    town.after.put(Kind::HttpRoute, two(90));
    town.breaks("weight 90 with 2 of 4 ready pods");
}

#[test]
fn a_service_moves_only_without_share_or_back_to_what_was_recorded() {
    let mut town = Town::new();
    town.written(Kind::Service, "canary", SELECTED, json!("v1")).breaks("under share");
    town.both(|world| drop(world.put(Kind::HttpRoute, route("route", 100, 0)))).is_fine();
    let mut town = Town::new();
    let managed = json!({
        "routes": [{"kind": "HTTPRoute", "name": "route"}], "stableService": {"name": "stable"},
        "canaryService": {"name": "canary", "podTemplateHash": "v2"},
    });
    town.given(Kind::Rollout, "web", "/status/canary", json!({"managed": managed}));
    town.given(Kind::Service, "canary", SELECTED, json!("v1"));
    town.written(Kind::Service, "canary", SELECTED, json!("v2")).is_fine();
}

#[test]
fn a_selector_and_weights_never_change_in_one_write() {
    let mut town = Town::new();
    town.weights(100, 0).is_fine();
    town.given(Kind::HttpRoute, "route", "/spec/rules/0/backendRefs/1/weight", json!(0));
    town.weights(99, 0).written(Kind::Service, "canary", SELECTED, json!("v1"));
    town.breaks("a selector and weights changed in one write");
}

#[test]
fn an_aborted_canary_loses_all_in_the_first_write_of_weights() {
    let aborted = |town: &mut Town| {
        town.given(Kind::Rollout, "web", "/status/abort", json!(true));
        town.given(Kind::Rollout, "web", "/status/abortedPodHash", json!("v2"));
    };
    let mut town = Town::new();
    aborted(&mut town);
    town.weights(100, 0).is_fine();
    town.weights(80, 20).breaks("left a share of 20");
    town.weights(50, 50).breaks_all(&["rose from 40 to 50", "left a share of 50"]);
}

#[test]
fn a_canary_is_committed_with_all_pods_and_all_traffic() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/currentStepIndex", json!(4));
    town.written(Kind::ReplicaSet, "web-v2", "/metadata/annotations/serin.dev~1stable", json!("2"));
    town.breaks_all(&["without all the traffic", "with 2 of 4 pods"]);
    town.both(|world| drop(world.put(Kind::HttpRoute, route("route", 0, 100))));
    town.given(Kind::ReplicaSet, "web-v2", "/status/availableReplicas", json!(4)).is_fine();
}

#[test]
fn a_commit_is_taken_back_where_the_revision_before_serves_all_and_the_committed_one_nobody() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/currentStepIndex", json!(4));
    town.given(Kind::Rollout, "web", "/status/stableRS", json!("v2"));
    town.given(Kind::ReplicaSet, "web-v2", "/metadata/annotations/serin.dev~1stable", json!("2"));
    town.written(Kind::ReplicaSet, "web-v1", "/metadata/annotations/serin.dev~1stable", json!("3"));
    town.both(|world| drop(world.put(Kind::HttpRoute, route("route", 100, 0)))).is_fine();
    let ready = json!(1);
    town.given(Kind::ReplicaSet, "web-v2", "/status/readyReplicas", ready).breaks_all(&[
        "without",
        "unselected",
        "pause of step 1",
        "pause of step 3",
    ]);
}

#[test]
fn names_come_from_the_rollout() {
    let mut town = Town::new();
    let routing = json!({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "other"}}});
    town.given(Kind::Rollout, "web", "/spec/strategy/canary/trafficRouting", routing);
    town.weights(0, 100).breaks("no Rollout names it");
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/apiVersion", json!("canary.example.com/v1alpha1"));
    let record = "/metadata/annotations/canary.example.com~1stable";
    town.given(Kind::ReplicaSet, "web-v1", "/metadata/annotations/serin.dev~1stable", Value::Null);
    town.given(Kind::ReplicaSet, "web-v1", record, json!("1"));
    town.written(Kind::ReplicaSet, "web-v2", record, json!("2"));
    town.breaks_all(&["without all the traffic", "with 2 of 4 pods", "pause of step 1", "pause of step 3"]);
}
