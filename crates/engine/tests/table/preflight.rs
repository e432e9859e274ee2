//! The condition `Preflight`: what was said of it is recorded, and decides nothing.

use serde_json::{Value, json};
use serin_api::conditions::ConditionStatus;
use serin_engine::preflight::Verdict;

use crate::world::World;

fn condition(world: &World) -> Option<Value> {
    let report = serde_json::to_value(world.plan().report).unwrap();
    report["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Preflight").cloned()
}

fn said(mut world: World, verdict: Option<&Verdict>) -> World {
    world.recall.preflight = verdict.cloned();
    world
}

/// Its status is exactly what was last reported.
fn recorded(mut world: World) -> World {
    world.rollout["status"] = serde_json::to_value(world.plan().report).unwrap();
    world
}

fn failed(message: &str) -> Verdict {
    Verdict { status: ConditionStatus::False, reason: "PreflightFailed", message: message.to_owned() }
}

#[test]
fn nothing_is_said_before_anybody_has_looked() {
    assert_eq!(condition(&World::paused_at_10()), None);
}

#[test]
fn what_was_said_is_recorded_and_stands_while_nobody_looks_again() {
    let verdict = failed("GatewayMissing (HTTPRoute default/route, spec.parentRefs[0]): …");
    let world = recorded(said(World::paused_at_10(), Some(&verdict)));
    let first = condition(&world).unwrap();
    assert_eq!((&first["status"], &first["reason"]), (&json!("False"), &json!("PreflightFailed")));
    assert_eq!(first["message"], *verdict.message);
    // Another process, which has not looked; and later this one, which says the same.
    said(world.clone(), None).writes_status(false);
    said(world.clone().after(500), Some(&verdict)).writes_status(false);
    assert_eq!(condition(&said(world.after(500), None)), Some(first));
}

#[test]
fn a_new_word_is_written_together_with_what_may_follow() {
    let world = recorded(said(World::paused_at_10(), Some(&failed("one"))));
    let mut changed = said(world, Some(&failed("another")));
    changed.recall.status_differs_since = None;
    changed.does(&[]).writes_status(false);
    assert!(changed.plan().status_pending);
}

/// In every state the same is done whatever was said.
#[test]
fn it_holds_nothing_up() {
    let worlds = [
        World::new(),
        World::healthy(),
        World::updated(),
        World::canary_selected(),
        World::paused_at_10(),
        World::at_100(),
        World::paused_at_10().status("abort", json!(true)),
        World::paused_at_10().wants("v3"),
    ];
    for world in worlds {
        let without = world.actions();
        assert_eq!(said(world, Some(&failed("everything is wrong"))).actions(), without);
    }
}
