//! Pauses.

use serde_json::{Value, json};

use super::town::{NOON, Town};
use serin_world::world::Kind;

fn goes_to(town: &mut Town, step: i64) -> &mut Town {
    town.written(Kind::Rollout, "web", "/status/currentStepIndex", json!(step))
}

#[test]
fn a_pause_is_passed_only_for_a_reason() {
    goes_to(&mut Town::new(), 2).breaks("passed the pause of step 1 without a reason");
    let by = |pointer: &str, value: Value| {
        let mut town = Town::new();
        town.given(Kind::Rollout, "web", pointer, value);
        goes_to(&mut town, 2);
        town
    };
    by("/spec/resume", json!({"step": 1})).is_fine();
    by("/spec/resume", json!({"step": 1, "revision": 2, "pausedAt": NOON})).is_fine();
    by("/status/pauseConditions", Value::Null).is_fine();
    by("/metadata/annotations", json!({"serin.dev/resume": "1@2"})).is_fine();
    for other in [
        json!({"step": 3}),
        json!({"step": 1, "revision": 1}),
        json!({"step": 1, "pausedAt": "2030-01-01T11:00:00Z"}),
    ] {
        by("/spec/resume", other).breaks("without a reason");
    }
    by("/metadata/annotations", json!({"serin.dev/resume": "1@1"})).breaks("without a reason");
}

#[test]
fn who_promotes_in_full_answers_for_every_pause_of_the_canary_that_status_names() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/promoteFull", json!(true));
    goes_to(&mut town, 2).is_fine();
    town.written(Kind::Rollout, "web", "/status/currentPodHash", json!("v3"));
    town.breaks_all(&["the pause of step 1 without a reason"]);
}

#[test]
fn nobody_but_a_person_promotes_in_full() {
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/status/promoteFull", json!(true)).breaks("promotes in full unasked");
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/promoteFull", json!(true));
    town.written(Kind::Rollout, "web", "/status/promoteFull", json!(false)).breaks("forgot to promote");
}

#[test]
fn a_timed_pause_ends_by_itself_and_not_before() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/status/currentStepIndex", json!(3));
    goes_to(town.at(59), 4).breaks("passed the pause of step 3");
    town.at(60).is_fine();
}

#[test]
fn one_request_passes_one_pause() {
    let mut town = Town::new();
    town.given(Kind::Rollout, "web", "/spec/resume", json!({"step": 1}));
    goes_to(&mut town, 2).is_fine();
    // The same request meets the pause of the next canary.
    let later = json!([{"reason": "CanaryPauseStep", "startTime": "2030-01-01T12:30:00Z"}]);
    town.given(Kind::Rollout, "web", "/status/pauseConditions", later);
    town.given(Kind::Rollout, "web", "/status/currentStepIndex", json!(1));
    goes_to(&mut town, 2).breaks("without a reason");
    town.given(Kind::Rollout, "web", "/metadata/generation", json!(3)).is_fine();
}

#[test]
fn no_step_is_taken_back_without_an_abort_or_a_new_template() {
    goes_to(&mut Town::new(), 0).breaks("went back from step 1 to step 0");
    let mut town = Town::new();
    town.written(Kind::Rollout, "web", "/status/currentPodHash", json!("v3"));
    goes_to(&mut town, 0).is_fine();
}
