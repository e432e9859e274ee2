//! Requests to pass a pause.

use serde_json::{Value, json};

use crate::world::{START, World};

fn asking(request: Value) -> World {
    World::paused_at_10().spec("resume", request).metadata("generation", json!(2))
}

#[test]
fn a_request_for_the_standing_pause_is_recorded_before_anything_else() {
    for request in [
        json!({"step": 1}),
        json!({"step": 1, "revision": 2}),
        json!({"step": 1, "revision": 2, "pausedAt": START}),
    ] {
        asking(request)
            .does(&[])
            .writes_status(true)
            .tells(&["RolloutResumed"])
            .reports("/currentStepIndex", json!(2))
            .reports("/judgedResume/generation", json!(2))
            .reports("/pauseConditions", json!(null));
    }
}

#[test]
fn a_recorded_request_is_removed_beside_the_work() {
    let recorded = asking(json!({"step": 1}))
        .recorded_current("v2", 2)
        .status("pauseConditions", json!([]))
        .status("controllerPause", json!(false))
        .status("judgedResume", json!({"request": r#"{"step":1}"#, "generation": 2}));
    recorded
        .does(&["remove judged request Rollout/resume", "scale ReplicaSet/web-v2 from 1 to 3"])
        .tells(&[]);
}

#[test]
fn a_request_that_names_no_standing_pause_is_refused_and_removed() {
    for request in [
        json!({"step": 0}),
        json!({"step": 3}),
        json!({"step": 1, "revision": 1}),
        json!({"step": 1, "pausedAt": "2025-01-01T00:00:00Z"}),
    ] {
        asking(request.clone())
            .does(&["remove judged request Rollout/resume"])
            .reports("/currentStepIndex", json!(1));
        let plan = asking(request).plan();
        assert!(plan.events.iter().any(|event| event.reason == "ResumeRefused"));
    }
    World::healthy()
        .spec("resume", json!({"step": 1}))
        .does(&["remove judged request Rollout/resume"])
        .tells(&["ResumeRefused"]);
}

#[test]
fn a_request_for_the_pause_that_just_begins_waits_until_it_is_recorded() {
    World::canary_selected()
        .weights(90, 10)
        .spec("resume", json!({"step": 1}))
        .does(&[])
        .writes_status(true)
        .reports("/currentStepIndex", json!(1))
        .tells(&["RolloutPaused"]);
}

#[test]
fn the_same_command_works_again_in_the_next_pause() {
    let again = asking(json!({"step": 1}))
        .metadata("generation", json!(9))
        .status("judgedResume", json!({"request": r#"{"step":1}"#, "generation": 2}));
    again.reports("/currentStepIndex", json!(2));
}

#[test]
fn one_request_passes_one_pause_even_where_two_stand_in_a_row() {
    let world = World::paused_at_10()
        .canary("steps", json!([{"setWeight": 10}, {"pause": {}}, {"pause": {}}, {"setWeight": 50}]))
        .recorded_current("v2", 1)
        .spec("resume", json!({"step": 1}));
    world.reports("/currentStepIndex", json!(2));
    let next = world
        .recorded_current("v2", 2)
        .status("pauseConditions", json!([]))
        .status("controllerPause", json!(false))
        .status("judgedResume", json!({"request": r#"{"step":1}"#, "generation": 1}));
    next.reports("/currentStepIndex", json!(2)).reports("/phase", json!("Paused"));
}

#[test]
fn clearing_the_pause_in_status_passes_it_and_no_other() {
    let cleared = World::paused_at_10().status("pauseConditions", json!([]));
    cleared.reports("/currentStepIndex", json!(2));
    let two = cleared
        .canary("steps", json!([{"setWeight": 10}, {"pause": {}}, {"pause": {}}, {"setWeight": 50}]))
        .recorded_current("v2", 1);
    two.reports("/currentStepIndex", json!(2)).reports("/phase", json!("Paused")).writes_status(true);
}

#[test]
fn the_annotation_follows_the_same_rules() {
    let asking =
        |text: &str| World::paused_at_10().metadata("annotations", json!({"serin.dev/resume": text}));
    for text in ["1", "1@2"] {
        asking(text).does(&[]).writes_status(true).reports("/currentStepIndex", json!(2));
    }
    for text in ["0", "1@1", "now", "1@x"] {
        asking(text)
            .does(&["remove judged request Rollout/serin.dev/resume"])
            .reports("/currentStepIndex", json!(1));
    }
}

#[test]
fn while_spec_is_paused_requests_are_refused() {
    asking(json!({"step": 1}))
        .spec("paused", json!(true))
        .does(&["remove judged request Rollout/resume"])
        .reports("/currentStepIndex", json!(1));
}

#[test]
fn the_command_in_status_names_step_revision_and_time() {
    let waits = World::paused_at_10().plan().report.waiting_for;
    let expected = format!(
        "kubectl patch rollouts.serin.dev web -n ns --type merge -p \
         '{{\"spec\":{{\"resume\":{{\"pausedAt\":\"{START}\",\"revision\":2,\"step\":1}}}}}}'"
    );
    assert_eq!(waits[0].unblock.as_deref(), Some(expected.as_str()));
}

#[test]
fn a_tool_that_repeats_its_request_is_answered_ever_more_slowly() {
    let mut world = asking(json!({"step": 3}));
    let removal = world.plan().actions[0].clone();
    for _ in 0..31 {
        world.recall.applied(&removal, world.now);
    }
    world.does(&[]);
    assert!(world.plan().wake_at.is_some());
}

#[test]
fn of_two_requests_at_once_one_passes_the_pause_and_the_other_is_judged_after_it() {
    asking(json!({"step": 1}))
        .metadata("annotations", json!({"serin.dev/resume": "1"}))
        .does(&[])
        .reports("/currentStepIndex", json!(2))
        .reports("/judgedResume/request", json!(r#"{"step":1}"#));
}

#[test]
fn an_annotation_that_has_passed_its_pause_is_removed_without_a_word() {
    World::paused_at_10()
        .recorded_current("v2", 2)
        .status("pauseConditions", json!([]))
        .status("controllerPause", json!(false))
        .metadata("annotations", json!({"serin.dev/resume": "1"}))
        .status(
            "judgedResume",
            json!({"request": "serin.dev/resume=1", "generation": crate::world::at(0).as_second()}),
        )
        .does(&["remove judged request Rollout/serin.dev/resume", "scale ReplicaSet/web-v2 from 1 to 3"])
        .tells(&[]);
}

#[test]
fn what_is_no_revision_is_not_the_first_one() {
    let first = World::paused_at_10().change("v1", "/metadata/annotations/serin.dev~1revision", json!("0"));
    let first = first.change("v2", "/metadata/annotations/serin.dev~1revision", json!("1"));
    let asking = |text: &str| first.clone().metadata("annotations", json!({"serin.dev/resume": text}));
    asking("1@1").does(&[]).reports("/currentStepIndex", json!(2));
    asking("1@x").does(&["remove judged request Rollout/serin.dev/resume"]);
}

#[test]
fn the_pause_of_a_canary_that_cannot_go_on_is_passed_and_no_further_step_is_carried_out() {
    let gone = asking(json!({"step": 1})).without_service("canary");
    gone.waits_for(&["ValidSpec"]).reports("/currentStepIndex", json!(2)).does(&[]).writes_status(true);
    let passed = World::paused_at_10().recorded_current("v2", 2).without_service("canary");
    passed.reports("/currentStepIndex", json!(2)).reports("/phase", json!("Degraded"));
}

#[test]
fn a_request_passes_no_weight_although_status_still_tells_of_a_pause() {
    let moved = asking(json!({"step": 2})).status("currentStepIndex", json!(2));
    moved.reports("/currentStepIndex", json!(2)).tells(&["ResumeRefused"]);
}
