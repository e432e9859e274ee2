//! Nobody loses pods that serve, and there are never too many.

use serde_json::{Value, json};

use super::town::{NOON, Town, list, replica_set, route};
use serin_world::world::Kind;

const SELECTED: &str = "/spec/selector/rollouts-pod-template-hash";

/// Traffic has left `v2`, which drains since noon.
fn left() -> Town {
    let mut town = Town::new();
    town.both(|world| drop(world.put(Kind::HttpRoute, route("route", 100, 0))));
    town.given(Kind::Service, "canary", SELECTED, json!("v1"));
    town.both(|world| list(world, "canary", "v1", 4));
    let drains = json!({"drains": [{"podTemplateHash": "v2", "since": NOON}]});
    town.given(Kind::Rollout, "web", "/status/canary", drains);
    town
}

fn scaled<'t>(town: &'t mut Town, name: &str, pods: i64) -> &'t mut Town {
    town.written(Kind::ReplicaSet, name, "/spec/replicas", json!(pods))
}

#[test]
fn what_a_service_selects_keeps_the_pods_that_its_share_needs() {
    scaled(&mut Town::new(), "web-v2", 1).breaks("while [\"canary\"] select it at share 40");
    scaled(&mut Town::new(), "web-v1", 3).breaks("while [\"stable\"] select it");
    let mut town = Town::new();
    town.given(Kind::HttpRoute, "route", "/spec/rules/0/backendRefs/1/weight", json!(0));
    scaled(&mut town, "web-v2", 1).breaks("went from 2 to 1 while [\"canary\"] select it at share 0");
}

#[test]
fn what_a_service_selects_shrinks_with_its_rollout_and_after_a_restart_down_to_its_share() {
    for (field, value) in [("/spec/replicas", json!(2)), ("/spec/restartAt", json!(NOON))] {
        let mut town = Town::new();
        town.given(Kind::Rollout, "web", field, value);
        town.given(Kind::HttpRoute, "route", "/spec/rules/0/backendRefs/1/weight", json!(0));
        scaled(&mut town, "web-v2", 1).is_fine();
        scaled(&mut town, "web-v2", 0).breaks("while [\"canary\"] select it at share 0");
    }
}

#[test]
fn a_service_that_nobody_manages_counts_too() {
    let mut town = left();
    let pinned =
        json!({"metadata": {"name": "pinned"}, "spec": {"selector": {"rollouts-pod-template-hash": "v2"}}});
    town.both(|world| drop(world.put(Kind::Service, pinned.clone())));
    scaled(town.at(60), "web-v2", 0).breaks("while [\"pinned\"] select it");
}

#[test]
fn a_selector_that_names_no_revision_reaches_all() {
    let mut town = left();
    town.given(Kind::Service, "canary", SELECTED, Value::Null);
    scaled(town.at(60), "web-v2", 0).breaks("while [\"canary\"] reach it");
}

#[test]
fn pods_stay_until_the_delay_is_over() {
    let mut town = left();
    scaled(town.at(29), "web-v2", 0).breaks("before the delay of 30 s was over");
    town.at(30).is_fine();
    town.given(Kind::Rollout, "web", "/spec/strategy/canary/scaleDownDelaySeconds", json!(45));
    town.breaks("before the delay of 45 s was over");
    town.at(45).is_fine();
    town.given(Kind::Rollout, "web", "/spec/strategy/canary/scaleDownDelaySeconds", json!(0));
    town.at(1).is_fine();
}

#[test]
fn pods_that_are_aborted_stay_as_long_as_that_says() {
    let mut town = left();
    town.given(Kind::Rollout, "web", "/status/abort", json!(true));
    town.given(Kind::Rollout, "web", "/status/abortedPodHash", json!("v2"));
    let at = "/spec/strategy/canary/abortScaleDownDelaySeconds";
    town.given(Kind::Rollout, "web", at, json!(5));
    scaled(town.at(4), "web-v2", 0).breaks("before the delay of 5 s was over");
    town.at(5).is_fine();
    town.given(Kind::Rollout, "web", at, json!(0)).breaks("has to keep its pods");
}

#[test]
fn what_is_recorded_is_held_against_what_was_seen() {
    let mut town = left();
    let mut serving = Town::new();
    serving.at(10);
    town.oracle.see(&serving.before);
    scaled(town.at(35), "web-v2", 0).breaks("but a Service reached them");
    town.at(40).is_fine();
}

#[test]
fn there_are_never_more_than_twice_the_replicas_besides_those_that_drain() {
    scaled(&mut Town::new(), "web-v2", 4).is_fine();
    scaled(&mut Town::new(), "web-v2", 5).breaks("from 2 to 5, for 4 replicas");
    let mut town = Town::new();
    town.after.put(Kind::ReplicaSet, replica_set("v3", 4, None));
    // `v2` was superseded by it, and only shrinks from now on.
    town.is_fine();
    let mut town = Town::new();
    town.given(Kind::ReplicaSet, "web-v2", "/metadata/annotations/serin.dev~1revision", json!("3"));
    town.given(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(4));
    town.after.put(Kind::ReplicaSet, replica_set("v3", 4, None));
    town.breaks("12 pods besides those that drain");
}
