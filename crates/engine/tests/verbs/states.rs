//! Worlds in each state.

use std::sync::OnceLock;

use jiff::SignedDuration;
use serde_json::json;
use serin_engine::verbs::{State, Verb};
use serin_testkit::Kind;
use serin_testkit::controllers::Startup;

use crate::life::{Life, image};
use crate::operator::NAME;
use crate::send::{send, write_image};

/// `web:2` is stable and healthy, and `web:1` was before it.
pub fn healthy() -> Life {
    static HEALTHY: OnceLock<Life> = OnceLock::new();
    let life = HEALTHY.get_or_init(|| {
        let mut life = Life::begin().rest();
        write_image(&mut life, "web:2");
        complete(life)
    });
    life.clone()
}

/// Resumes pauses until the Rollout is healthy.
fn complete(life: Life) -> Life {
    let mut life = life.rest();
    while life.state() == Some(State::Paused) {
        send(&mut life, Verb::Resume);
        life = life.rest();
    }
    assert_eq!(life.state(), Some(State::Healthy), "{:#}", life.rollout());
    life
}

/// `web:3` is a canary that has just been wanted.
fn updated() -> Life {
    let mut life = healthy();
    write_image(&mut life, "web:3");
    life
}

/// The same, with pods that take their time, so that status tells of it before they are there.
fn slowly(mut life: Life) -> Life {
    life.cluster.kubelet.set_startup(Startup::AfterSteps(4));
    life
}

/// Lives that are about to enter the state, one for each way there.
fn before(state: State) -> Vec<Life> {
    let sent = |mut life: Life, verb: Verb| {
        send(&mut life, verb);
        life
    };
    match state {
        State::FirstDeploy => vec![Life::begin()],
        State::Healthy => vec![healthy()],
        State::Stepping | State::Paused => vec![updated(), slowly(updated())],
        State::Committing | State::HandOver => {
            let last_pause = sent(updated().rest(), Verb::Resume).rest();
            vec![sent(last_pause, Verb::Resume), sent(updated().rest(), Verb::Skip)]
        }
        State::Aborting | State::Aborted => {
            let mut by_status = updated().rest();
            by_status.world.patch_status(Kind::Rollout, NAME, json!({"abort": true}));
            vec![sent(updated().rest(), Verb::Abort), by_status]
        }
        State::Superseding => {
            let mut life = updated().rest();
            write_image(&mut life, "web:4");
            vec![life.clone(), slowly(life)]
        }
        State::Degraded => {
            let mut life = healthy();
            write_image(&mut life, "web:broken-3");
            vec![life.rest()]
        }
    }
}

/// Every moment in which a Rollout on its way is in the state: before each round of operator and cluster.
pub fn moments(state: State) -> Vec<Life> {
    let mut moments = Vec::new();
    for mut life in before(state) {
        let already = moments.len();
        for _ in 0..60 {
            if life.state() == Some(state) {
                moments.push(life.clone());
            } else if moments.len() > already {
                break;
            }
            let busy = life.round();
            life.world.advance(SignedDuration::from_secs(1));
            // Two moments at rest are one too many.
            if !busy
                && life.snapshot().is_some_and(|now| serin_engine::plan(&now, life.world.now()).is_empty())
            {
                break;
            }
        }
        assert!(moments.len() > already, "the state {state:?} is never reached: {:#}", life.rollout());
    }
    moments
}

/// A moment in the middle of the state.
pub fn moment(state: State) -> Life {
    let mut moments = moments(state);
    moments.swap_remove(moments.len() / 2)
}

/// Who asks for a step has read in status that it is about the wanted revision, and who wants something else after an
/// abort, that it is recorded.
pub fn can_be_asked(verb: Verb, state: State, life: &Life) -> bool {
    let rollout = life.rollout();
    let abort_is_recorded = rollout["metadata"]["annotations"]["serin.dev/abort"].is_null();
    match verb {
        Verb::Resume | Verb::PromoteStep | Verb::PromoteFull | Verb::Skip => {
            let wanted = image(&rollout["spec"]["template"]);
            let stable_is_told = state != State::HandOver
                || rollout["status"]["stableRS"] == rollout["status"]["currentPodHash"];
            life.image_of(&rollout["status"]["currentPodHash"]) == wanted && stable_is_told
        }
        Verb::Retry | Verb::ChangeTemplate | Verb::UndoToOlder => abort_is_recorded,
        _ => true,
    }
}

/// A pod of the stable revision is not ready; there is no canary.
pub fn degraded_at_rest() -> Life {
    let mut life = healthy();
    let pod = life.world.all(Kind::Pod)[0]["metadata"]["name"].as_str().unwrap().to_owned();
    life.cluster.kubelet.set_unready(&pod, true);
    life.rest()
}

#[test]
fn every_state_is_reached_on_the_way() {
    for state in State::ALL {
        assert!(!moments(state).is_empty(), "{state:?}");
    }
}

#[test]
fn a_broken_spec_is_degraded_with_and_without_a_canary() {
    for (mut life, verbs) in [(healthy(), State::Healthy), (moment(State::Paused), State::Degraded)] {
        let nonsense = json!({"spec": {"strategy": {"canary": {"stableService": "elsewhere"}}}});
        life.world.patch(Kind::Rollout, NAME, nonsense);
        let life = life.rest();
        assert_eq!(life.state(), Some(State::Degraded));
        let snapshot = life.snapshot().unwrap();
        assert_eq!(State::for_verbs(&snapshot, life.world.now()), verbs);
    }
}

#[test]
fn without_a_canary_missing_pods_are_degraded_and_verbs_answer_as_when_healthy() {
    let life = degraded_at_rest();
    assert_eq!(life.state(), Some(State::Degraded));
    let snapshot = life.snapshot().unwrap();
    assert_eq!(State::for_verbs(&snapshot, life.world.now()), State::Healthy);
}

#[test]
fn a_pause_by_spec_leaves_a_rollout_at_rest_healthy() {
    let mut life = healthy();
    send(&mut life, Verb::Pause);
    assert_eq!(life.rest().state(), Some(State::Healthy));
}
