//! What a deleted Rollout leaves behind.

use serde_json::json;

use super::town::{NOON, Town};
use serin_world::world::Kind;

/// The Rollout is deleted at noon, its traffic was managed, and the write lets it go.
fn let_go() -> Town {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/metadata/deletionTimestamp", json!(NOON));
    let managed = json!({
        "stableService": {"name": "stable"}, "canaryService": {"name": "canary"}, "routes": [{"kind": "HTTPRoute", "name": "route"}],
    });
    town.given(Kind::Rollout, "web", "/status/canary", json!({"managed": managed}));
    town.written(Kind::Rollout, "web", "/metadata/finalizers", json!([]));
    town
}

fn released(town: &mut Town) -> &mut Town {
    for service in ["stable", "canary"] {
        town.given(Kind::Service, service, "/spec/selector", json!({"app": "web"}));
    }
    town
}

#[test]
fn selectors_and_weights_are_given_back_first() {
    let (stable, canary) = ("while stable selects Some(\"v1\")", "while canary selects Some(\"v2\")");
    let_go().breaks_all(&[stable, canary, "while canary has share 40"]);
    let mut town = let_go();
    released(&mut town).breaks("while canary has share 40");
    for rule in [0, 1] {
        let weight = format!("/spec/rules/0/backendRefs/{rule}/weight");
        town.given(Kind::HttpRoute, "route", &weight, json!(100 * (1 - rule)));
    }
    town.is_fine();
}

#[test]
fn after_a_minute_it_goes_with_everything_as_it_is() {
    let_go().at(59).breaks_all(&["stable", "canary", "canary"]);
    let_go().at(60).is_fine();
}

#[test]
fn what_was_never_managed_needs_nothing() {
    let_go().given(Kind::Rollout, "web", "/status/canary", json!({})).is_fine();
}
