//! Two verbs at once: both are sent before the next plan, and end as the rule says.

use jiff::SignedDuration;
use serin_engine::verbs::{State, Verb, Winner, winner};

use crate::life::{End, Life};
use crate::send::send_as_seen;
use crate::states::{can_be_asked, moments};

/// How it ends when these are sent by somebody who sees it as it is now, one after the other, each when the one before has come to rest.
fn in_turn(life: &Life, verbs: &[Verb]) -> End {
    let mut life = life.clone();
    let seen = life.snapshot().unwrap();
    for verb in verbs {
        send_as_seen(&mut life, *verb, &seen);
        life = life.rest();
    }
    life.end()
}

fn at_once(life: &Life, first: Verb, second: Verb) -> End {
    let mut life = life.clone();
    let seen = life.snapshot().unwrap();
    for verb in [first, second] {
        send_as_seen(&mut life, verb, &seen);
    }
    life.rest().end()
}

/// Why the rule is wrong about these two, if it is. `a` is sent first.
fn fault(life: &Life, a: Verb, b: Verb) -> Option<String> {
    let contest = winner(a, b);
    let other = |verb: Verb| if verb == a { b } else { a };
    let expected = match contest.winner {
        Winner::Only(verb) => in_turn(life, &[verb]),
        Winner::BothEndingWith(last) => in_turn(life, &[other(last), last]),
        Winner::TheLater => in_turn(life, &[b]),
    };
    let ends = at_once(life, a, b);
    (ends != expected).then(|| {
        format!("{a:?}, then {b:?}: {:?}\n  expected {expected:?}\n  ends     {ends:?}", contest.winner)
    })
}

fn walk(state: State) {
    // A moment in which status tells of everything, so that each of them could be asked for.
    let told = |life: &Life| can_be_asked(Verb::PromoteFull, state, life);
    let mut life = moments(state).into_iter().rfind(told).expect("a moment of which status tells");
    life.world.advance(SignedDuration::from_secs(1));
    let mut faults = Vec::new();
    for (place, a) in Verb::ALL.into_iter().enumerate() {
        for b in Verb::ALL.into_iter().skip(place + 1) {
            faults.extend(fault(&life, a, b));
            // Only the last value of a field is there to be read, so the order matters.
            if winner(a, b).winner == Winner::TheLater {
                faults.extend(fault(&life, b, a));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn two_at_once_while_stepping() {
    walk(State::Stepping);
}

#[test]
fn two_at_once_in_a_pause() {
    walk(State::Paused);
}

#[test]
fn two_at_once_when_healthy() {
    walk(State::Healthy);
}

#[test]
fn the_order_of_the_two_makes_no_difference_to_the_rule() {
    for a in Verb::ALL {
        for b in Verb::ALL {
            assert_eq!(winner(a, b), winner(b, a), "{a:?} and {b:?}");
        }
    }
}
