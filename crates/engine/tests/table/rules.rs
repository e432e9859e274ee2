//! The verdict: every rule is reached, says what it is for, and gives way to the one before it.

use std::collections::BTreeSet;

use serde_json::json;
use serin_api::conditions::{ConditionStatus, ConditionType, reason};
use serin_engine::hash;
use serin_engine::recall::Refusal;
use serin_engine::status::rules::RULES;

use crate::agreement::EXCLUSIVE;
use crate::verified;
use crate::world::{START, World, at, hash_of, named, template};

/// A world and the rule that decides in it, with the whole message.
fn rows() -> Vec<(&'static str, World, &'static str)> {
    vec![
        (
            "invalid-spec",
            World::healthy().without_service("canary"),
            "InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.canary.canaryService: Service \"canary\" not \
             found: create it, or name another one",
        ),
        ("aborted", aborted(), "RolloutAborted: Rollout aborted update to revision 2"),
        (
            "template-refused",
            refused(World::updated()),
            "ReplicaSetCreateError: Failed to create ReplicaSet \"web-v2\": no",
        ),
        (
            "out-of-time",
            late(),
            "ProgressDeadlineExceeded: ReplicaSet \"web-v2\" has timed out progressing. exceeded quota",
        ),
        (
            "weights-unverified",
            verified::refused(),
            "WeightsUnverified: Gateway ns/public refuses weight 10 of HTTPRoute route (generation 7) (Because: it says so)",
        ),
        ("held", World::healthy().spec("paused", json!(true)), "manually paused"),
        ("step-pauses", World::paused_at_10(), "CanaryPauseStep"),
        ("restarting", restarting(World::healthy()), "rollout is restarting"),
        ("healthy", World::healthy(), ""),
        ("pods-missing", World::updated(), "more replicas need to be updated"),
        (
            "pods-not-available",
            World::healthy().available("v1", 3),
            "updated replicas are still becoming available",
        ),
        ("handing-over", handing_over(), "waiting for the Services to hand over"),
        ("stepping", World::at_100(), "waiting for all steps to complete"),
    ]
}

/// For each pair of neighbours in the list that can apply together a world in which they do.
fn neighbours() -> Vec<(&'static str, &'static str, World)> {
    let unreadable = json!({"canary": {"steps": "nonsense"}});
    let aborted_before_it_began =
        World::updated().status("abort", json!(true)).status("abortedPodHash", json!(hash_of("v2")));
    let starting = World::new().revision("v1", 1, 3).available("v1", 0);
    vec![
        ("invalid-spec", "aborted", aborted().spec("strategy", unreadable)),
        ("aborted", "template-refused", refused(aborted_before_it_began)),
        ("out-of-time", "weights-unverified", late_too(verified::refused())),
        ("weights-unverified", "held", verified::newer_and_refused().spec("paused", json!(true))),
        ("held", "step-pauses", World::paused_at_10().spec("paused", json!(true))),
        ("step-pauses", "restarting", restarting(World::paused_at_10())),
        ("restarting", "healthy", restarting(World::healthy())),
        ("pods-missing", "pods-not-available", starting),
        ("pods-not-available", "handing-over", World::healthy().available("v1", 3)),
        ("handing-over", "stepping", handing_over()),
    ]
}

/// Every pod is older than the restart that is asked for.
fn restarting(world: World) -> World {
    world.spec("restartAt", json!(at(10).to_string())).after(20)
}

fn aborted() -> World {
    World::paused_at_10().status("abort", json!(true))
}

/// The server has just refused the template.
fn refused(mut world: World) -> World {
    let template = hash::template_id(&serin_api::template::RawTemplate::new(&template("v2")));
    let refusal = Refusal { message: "no".into(), retry_at: at(10) };
    world.recall.refused.insert(format!("Template/{template}"), refusal);
    world
}

/// The only pod of the canary cannot be created, for as long as the deadline.
fn late() -> World {
    late_too(World::updated().revision("v2", 2, 1).available("v2", 0).recorded_current("v2", 0))
        .change("v2", "/status/replicas", json!(0))
        .status("updatedReplicas", json!(0))
        .status("readyReplicas", json!(5))
        .status("availableReplicas", json!(5))
}

/// `v2` lacks a pod, for as long as the deadline.
fn late_too(world: World) -> World {
    let progressing = json!([{
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "",
        "lastUpdateTime": START, "lastTransitionTime": START,
    }]);
    let quota = json!([{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]);
    world
        .change("v2", "/status/conditions", quota)
        .status("conditions", progressing)
        .status("updatedReplicas", json!(1))
        .status("readyReplicas", json!(6))
        .status("availableReplicas", json!(6))
        .after(600)
}

/// `v2` has been recorded as stable, and the stable Service still selects `v1`.
fn handing_over() -> World {
    World::at_100().stable("v2", 2)
}

#[test]
fn every_rule_decides_in_a_row_and_says_what_it_is_for() {
    for (rule, world, message) in rows() {
        let plan = world.plan();
        assert_eq!(plan.rules.first(), Some(&rule), "{plan:#?}");
        assert_eq!(named(plan.report.message.as_deref().unwrap_or_default()), message, "{rule}");
        let progressing =
            plan.report.conditions.iter().find(|c| c.kind == ConditionType::Progressing).unwrap();
        let wanted = crate::agreement::rule(rule).progressing;
        let wanted = wanted.unwrap_or((ConditionStatus::True, reason::REPLICA_SET_UPDATED));
        assert_eq!((progressing.status, &*progressing.reason), wanted, "{rule}");
    }
    let reached: Vec<&str> = rows().iter().map(|(rule, ..)| *rule).collect();
    let all: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(reached, all, "a row for each rule, in the order of the list");
}

#[test]
fn of_two_neighbours_the_first_decides() {
    let mut neighbours = neighbours();
    for (first, second, world) in &neighbours {
        let rules = world.plan().rules;
        assert_eq!(rules.first(), Some(first));
        assert!(rules.contains(second), "{first} and {second} do not meet: {rules:?}");
    }
    let met: BTreeSet<(&str, &str)> =
        neighbours.drain(..).map(|(first, second, _)| (first, second)).collect();
    for pair in RULES.windows(2).map(|pair| (pair[0].name, pair[1].name)) {
        assert!(
            met.contains(&pair) != EXCLUSIVE.contains(&pair),
            "{pair:?}: neither met nor exclusive, or both"
        );
    }
}

#[test]
fn the_event_of_an_abort_tells_of_the_abort_even_where_the_spec_is_invalid() {
    let world = aborted()
        .weights(100, 0)
        .selects("canary", "v1", 5)
        .managed(Some("v1"), Some("v1"))
        .spec("strategy", json!({"canary": {"steps": "nonsense"}}));
    let plan = world.does(&[]).tells(&["InvalidSpec", "RolloutAborted"]).plan();
    let notes: Vec<String> = plan.events.iter().map(|event| named(&event.note)).collect();
    assert!(notes[0].starts_with("The Rollout \"web\" is invalid: "), "{notes:?}");
    assert_eq!(notes[1], "RolloutAborted: Rollout aborted update to revision 2");
}

#[test]
fn a_condition_whose_message_alone_changes_is_updated_and_has_not_changed_over() {
    let recorded = json!([{
        "type": "InvalidSpec", "status": "True", "reason": "InvalidSpec", "message": "something else",
        "lastUpdateTime": START, "lastTransitionTime": START,
    }]);
    let world = World::healthy().without_service("canary").status("conditions", recorded).after(60);
    let plan = world.tells(&["InvalidSpec"]).plan();
    let condition = &plan.report.conditions[0];
    assert!(condition.message.contains("Service \"canary\" not found"), "{condition:?}");
    assert_eq!((condition.last_update_time.0, condition.last_transition_time.0), (at(60), at(0)));
    let unchanged = world.status("conditions", json!(plan.report.conditions)).after(120).plan();
    assert_eq!(unchanged.report.conditions[0], plan.report.conditions[0]);
    assert_eq!(unchanged.events, []);
}

#[test]
fn the_condition_paused_is_true_for_a_step_and_for_a_person() {
    let paused = |world: &World| {
        let conditions = world.plan().report.conditions;
        conditions.iter().find(|c| c.kind == ConditionType::Paused).map(|c| (c.status, c.message.clone()))
    };
    let yes = Some((ConditionStatus::True, "Rollout is paused".to_owned()));
    assert_eq!(paused(&World::paused_at_10()), yes);
    assert_eq!(paused(&World::healthy().spec("paused", json!(true))), yes);
    assert_eq!(paused(&World::healthy()), Some((ConditionStatus::False, "Rollout is not paused".to_owned())));
}

#[test]
fn a_pod_that_is_missing_is_waited_for_at_rest_and_before_a_promotion() {
    World::healthy()
        .spec("replicas", json!(7))
        .revision("v1", 1, 7)
        .stable("v1", 1)
        .available("v1", 5)
        .does(&[])
        .waits_for(&["AvailablePods"]);
    World::at_100().available("v2", 4).does(&[]).waits_for(&["AvailablePods"]);
    // At an earlier step the canary has as many as it is to have.
    World::paused_at_10().waits_for(&["Resume"]);
}
