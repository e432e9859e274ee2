//! Every cell of the table, in every moment of its state.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use serin_engine::verbs::{Expect, State, Verb, outcome};
use serin_testkit::Kind;

use crate::life::{End, HASH, Life, steps};
use crate::operator::NAME;
use crate::send::{NEW_IMAGE, NEW_REPLICAS, new_steps, send};
use crate::states::{can_be_asked, degraded_at_rest, moments};

/// What a cell is judged by.
struct Trial {
    verb: Verb,
    state: State,
    /// When the verb was sent, and how it stood.
    sent: Timestamp,
    start: End,
    sets: usize,
    /// The end without the verb, and with it.
    without: End,
    with: End,
    life: Life,
    /// How many Events and weights there were before.
    events: usize,
    weights: usize,
}

impl Trial {
    fn run(verb: Verb, state: State, mut life: Life) -> Self {
        // Pods that are as old as the request are not older than it.
        life.world.advance(SignedDuration::from_secs(1));
        let without = life.clone().rest();
        if verb == Verb::Unpause {
            send(&mut life, Verb::Pause);
            life.round();
        }
        let start = life.end();
        let (sent, events, weights) = (life.world.now(), life.events.len(), life.weights.len());
        let sets = life.world.all(Kind::ReplicaSet).len();
        send(&mut life, verb);
        let life = life.rest();
        let (without, with) = (without.end(), life.end());
        Self { verb, state, sent, start, sets, without, with, life, events, weights }
    }

    fn said(&self, reason: &str) -> bool {
        self.life.events.iter().skip(self.events).any(|event| *event == reason)
    }

    /// Why the cell is wrong, if it is.
    fn fault(&self) -> Option<String> {
        let Self { with, without, .. } = self;
        let same = with == without;
        let holds = match outcome(self.verb, self.state).expect {
            Expect::NoEffect | Expect::GoesOn => same,
            Expect::Refused(reason) => same && self.said(reason) && !self.is_requested(),
            Expect::Kept => same && self.is_requested(),
            Expect::Rests(state) => {
                with.state == Some(state)
                    && self.is_consistent()
                    && (self.verb != Verb::UndoToStable || self.no_new_set())
            }
            Expect::PassesOnePause | Expect::GoesOnAt => {
                self.pauses_at(self.next_pause(), &self.start.wanted)
            }
            Expect::PassesEveryPause => self.walked_every_weight(),
            Expect::StartsOver => {
                self.pauses_at(Some(1), &self.start.wanted) && with.weight == self.first_weight()
            }
            Expect::NewCanary => {
                let wanted = if self.verb == Verb::ChangeTemplate { NEW_IMAGE } else { "web:1" };
                self.pauses_at(Some(1), wanted)
                    && with.pods.len() == 2
                    && (self.verb != Verb::UndoToOlder || self.no_new_set())
            }
            Expect::Restarts => same && self.pods_are_new(),
            Expect::Holds => {
                let is_past = |a: Option<i64>, b: Option<i64>| b.is_some_and(|b| a.is_none_or(|a| a > b));
                !is_past(with.step, self.start.step)
                    && with.weight <= self.start.weight.max(self.weight_done())
                    && with.stable == self.start.stable
                    && self.life.phase() == "Paused"
            }
            Expect::Scales => {
                let pods = |end: &End| end.pods.get(&end.stable).copied();
                with.state == without.state
                    && (with.step, with.weight, &with.wanted)
                        == (without.step, without.weight, &without.wanted)
                    && with.stable == without.stable
                    && pods(with) == Some(NEW_REPLICAS)
            }
            Expect::Removed => self.is_removed(),
        };
        (!holds).then(|| {
            let expect = outcome(self.verb, self.state).expect;
            format!(
                "{:?} in {:?} should be {expect:?}\n  at first {:?}\n  without  {:?}\n  with     {:?}\n  events {:?} weights {:?}",
                self.verb,
                self.state,
                self.start,
                self.without,
                self.with,
                &self.life.events[self.events..],
                &self.life.weights[self.weights.saturating_sub(1)..],
            )
        })
    }

    fn is_requested(&self) -> bool {
        let rollout = self.life.rollout();
        !rollout["spec"]["resume"].is_null()
            || rollout["status"]["promoteFull"] == true
            || !rollout["metadata"]["annotations"]["serin.dev/abort"].is_null()
    }

    /// Where it is healthy, what is wanted is stable and nothing else has pods.
    fn is_consistent(&self) -> bool {
        let with = &self.with;
        let healthy = with.stable == with.wanted && with.weight == 0 && with.pods.len() == 1;
        with.state != Some(State::Healthy) || healthy
    }

    fn no_new_set(&self) -> bool {
        self.life.world.all(Kind::ReplicaSet).len() <= self.sets
    }

    fn pauses_at(&self, step: Option<usize>, wanted: &str) -> bool {
        let with = &self.with;
        match step {
            Some(step) => {
                with.state == Some(State::Paused) && with.step == Some(step as i64) && with.wanted == wanted
            }
            None => with.state == Some(State::Healthy) && with.stable == wanted,
        }
    }

    fn first_weight(&self) -> i64 {
        let steps = if self.verb == Verb::EditSteps { new_steps() } else { json!(steps()) };
        steps[0]["setWeight"].as_i64().unwrap()
    }

    /// Each weight that was left, in order, then all, and nothing in between.
    fn walked_every_weight(&self) -> bool {
        let steps = steps();
        let from = self.start.step.map_or(usize::MAX, |step| step as usize);
        let left = steps.iter().skip(from).filter_map(|step| step["setWeight"].as_i64());
        let expected: Vec<i64> =
            left.chain([100]).filter(|weight| *weight > self.start.weight || self.starts_at_0()).collect();
        let seen = self.life.weights.iter().skip(self.weights).copied();
        let rising: Vec<i64> = seen.filter(|weight| *weight > 0 && *weight != self.start.weight).collect();
        self.with.state == Some(State::Healthy) && self.with.stable == self.start.wanted && rising == expected
    }

    /// The last weight that the steps done at first ask for.
    fn weight_done(&self) -> i64 {
        let steps = steps();
        let done = self.start.step.map_or(usize::MAX, |step| step as usize);
        steps.iter().take(done).rev().find_map(|step| step["setWeight"].as_i64()).unwrap_or(0)
    }

    /// The first pause after the step that it was at.
    fn next_pause(&self) -> Option<usize> {
        let next = self.start.step.map_or(usize::MAX, |step| step as usize + 1);
        steps().iter().enumerate().skip(next).find(|(_, step)| step["pause"].is_object()).map(|(at, _)| at)
    }

    /// The share that there is belongs to an older canary.
    fn starts_at_0(&self) -> bool {
        self.state == State::Superseding
    }

    /// Every pod of stable and canary is younger than the request.
    fn pods_are_new(&self) -> bool {
        let status = &self.life.rollout()["status"];
        let in_use = [&status["stableRS"], &status["currentPodHash"]];
        let pods = self.life.world.all(Kind::Pod);
        let mut pods = pods.iter().filter(|pod| in_use.contains(&&pod["metadata"]["labels"][HASH]));
        pods.all(|pod| {
            let created: Timestamp = pod["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
            created.as_second() >= self.sent.as_second()
        })
    }

    fn is_removed(&self) -> bool {
        let world = &self.life.world;
        let released = |service: &str| world.get(Kind::Service, service)["spec"]["selector"][HASH].is_null();
        world.find(Kind::Rollout, NAME).is_none()
            && world.all(Kind::ReplicaSet).is_empty()
            && released("stable")
            && released("canary")
            // The weights are those that the route had before Serin.
            && (self.life.weight() == 50 || self.state == State::FirstDeploy)
    }
}

#[track_caller]
fn walk(state: State) {
    let moments = moments(state);
    let mut faults = Vec::new();
    for verb in Verb::ALL {
        let mut asked = 0;
        for moment in moments.iter().filter(|moment| can_be_asked(verb, state, moment)) {
            asked += 1;
            let trial = Trial::run(verb, state, moment.clone());
            faults.extend(trial.fault());
        }
        assert!(asked > 0, "{verb:?} in {state:?} was never asked");
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

macro_rules! states {
    ($($name:ident: $state:ident,)*) => {
        $(#[test]
        fn $name() {
            walk(State::$state);
        })*

        #[test]
        fn no_state_is_left_out() {
            assert_eq!([$(State::$state),*], State::ALL);
        }
    };
}

states! {
    every_verb_in_a_first_deploy: FirstDeploy,
    every_verb_while_stepping: Stepping,
    every_verb_in_a_pause: Paused,
    every_verb_while_committing: Committing,
    every_verb_in_a_hand_over: HandOver,
    every_verb_while_aborting: Aborting,
    every_verb_after_an_abort: Aborted,
    every_verb_while_superseding: Superseding,
    every_verb_when_healthy: Healthy,
    every_verb_when_degraded: Degraded,
}

#[test]
fn every_verb_when_pods_are_missing_answers_as_when_healthy() {
    let mut faults = Vec::new();
    for verb in Verb::ALL {
        let trial = Trial::run(verb, State::Healthy, degraded_at_rest());
        // The pod that is missing makes a difference to what it rests in, not to what the verb does.
        let is_mended = matches!(verb, Verb::Scale | Verb::Restart);
        faults.extend(trial.fault().filter(|_| !is_mended));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_cell_is_empty() {
    for state in State::ALL {
        for verb in Verb::ALL {
            let outcome = outcome(verb, state);
            assert!(outcome.what.ends_with('.') && outcome.why.ends_with('.'), "{verb:?} in {state:?}");
        }
    }
}
