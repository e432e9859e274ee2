//! What status says, and whose it is.

use serde_json::json;

use super::town::Town;
use serin_world::world::Kind;

#[test]
fn status_tells_the_stable_revision_that_is_recorded() {
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/status/stableRS", json!("v2")).breaks("the ReplicaSets that v1 is");
    town.written(Kind::Rollout, "web", "/status/stableRS", json!(null)).breaks("the ReplicaSets that v1 is");
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/stableRS", json!("gone"));
    town.written(Kind::Rollout, "web", "/status/message", json!("made again")).is_fine();
}

#[test]
fn an_abort_is_a_persons_to_ask_for() {
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/status/abort", json!(true)).breaks("aborted unasked");
    town.given(Kind::Rollout, "web", "/metadata/annotations", json!({"serin.dev/abort": "current"}));
    town.written(Kind::Rollout, "web", "/status/abort", json!(true)).is_fine();
}

#[test]
fn an_abort_is_a_persons_to_lift() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/abort", json!(true));
    town.given(Kind::Rollout, "web", "/status/abortedPodHash", json!("v2"));
    town.written(Kind::Rollout, "web", "/status/abort", json!(false)).breaks("lifted the abort");
    // An edit of anything but the template is no reason; a new template, which status names in the same write, is.
    town.given(Kind::Rollout, "web", "/metadata/generation", json!(3));
    town.written(Kind::Rollout, "web", "/status/abort", json!(false)).breaks("lifted the abort");
    town.written(Kind::Rollout, "web", "/status/currentPodHash", json!("v3")).is_fine();
}
