//! Every verdict, once where the promise holds and once where it is broken.

use super::{SETTLE, aborts, foreign, needed, served, splits};
use crate::history::{History, State};
use serin_node::traffic::{Answer, Host};

const SECOND: i64 = 1_000_000;

/// A state that was asked for at a second, and done a hundredth later.
fn state(second: i64, share: u32, own: bool, stable: u32, canary: u32) -> State {
    let asked = second * SECOND;
    State { asked, done: asked + SECOND / 100, share, own, stable: Some(stable), canary: Some(canary) }
}

/// A canary of version 2 beside 1: Service, weight 10, all, promoted, back to the stable Service.
fn canary() -> History {
    let states = vec![
        state(0, 0, true, 1, 1),
        state(10, 0, true, 1, 2),
        state(20, 100, true, 1, 2),
        state(60, 1000, true, 1, 2),
        state(70, 1000, true, 2, 2),
        state(80, 0, true, 2, 2),
    ];
    History { states, aborts: vec![], starts: vec![] }
}

fn answer(host: Host, sent: i64, version: u32) -> Answer {
    Answer { number: 0, host, fresh: true, sent, answered: sent + 2000, got: Ok(version) }
}

fn wrong(host: Host, sent: i64, version: u32) -> usize {
    served(&canary(), &[answer(host, sent, version)])[host.name()].wrong.len()
}

#[test]
fn a_version_may_answer_from_when_its_write_was_asked_for() {
    for (host, from) in [(Host::New, 10), (Host::App, 20), (Host::Old, 70)] {
        assert_eq!(wrong(host, from * SECOND - 10_000, 2), 1, "{host:?} before");
        assert_eq!(wrong(host, from * SECOND - 1000, 2), 0, "{host:?} under way");
        assert_eq!(wrong(host, from * SECOND + SECOND, 2), 0, "{host:?} after");
    }
}

#[test]
fn a_version_may_answer_no_longer_than_the_gateway_may_take_to_follow() {
    for (host, over) in [(Host::New, 10), (Host::App, 60), (Host::Old, 70)] {
        let done = over * SECOND + SECOND / 100;
        assert_eq!(wrong(host, done - 5000, 1), 0, "{host:?} before");
        assert_eq!(wrong(host, done + SETTLE, 1), 0, "{host:?} just in time");
        assert_eq!(wrong(host, done + SETTLE + 1, 1), 1, "{host:?} too late");
    }
}

#[test]
fn a_version_that_was_never_there_may_not_answer() {
    for host in Host::ALL {
        assert_eq!(wrong(host, 30 * SECOND, 3), 1, "{host:?}");
    }
}

#[test]
fn the_longest_lag_is_told() {
    let done = 70 * SECOND + SECOND / 100;
    let answers =
        [answer(Host::Old, done + 300, 1), answer(Host::Old, done + 70, 1), answer(Host::Old, done, 2)];
    let hosts = served(&canary(), &answers);
    assert_eq!((hosts[Host::Old.name()].lag, hosts[Host::Old.name()].requests), (300, 3));
}

/// Requests to the split host, evenly from second to second, of which the first so many are answered by version 2.
fn requests(from: i64, until: i64, count: i64, of_canary: i64) -> Vec<Answer> {
    let at = |number| from * SECOND + number * (until - from) * SECOND / count;
    (0..count).map(|number| answer(Host::App, at(number), if number < of_canary { 2 } else { 1 })).collect()
}

#[test]
fn a_split_that_is_three_percent_off_holds_and_one_that_is_more_does_not() {
    for (of_canary, holds) in [(1000, true), (1300, true), (1301, false), (700, true), (699, false)] {
        let splits = splits(&canary(), &requests(23, 59, 10_000, of_canary));
        let [split] = splits.as_slice() else { panic!("{splits:?}") };
        assert_eq!((split.requests, split.of_canary), (10_000, usize::try_from(of_canary).unwrap()));
        assert!(split.tells());
        assert_eq!(split.holds(), holds, "{of_canary}");
    }
}

#[test]
fn requests_around_a_change_tell_nothing() {
    let mut answers = requests(20, 21, 100, 100);
    answers.extend(requests(23, 59, 5000, 500));
    answers.push(answer(Host::App, 60 * SECOND - 1000, 2));
    answers.extend(requests(60, 61, 100, 100));
    let splits = splits(&canary(), &answers);
    assert_eq!(splits.iter().map(|split| split.requests).collect::<Vec<_>>(), [5000]);
}

#[test]
fn few_requests_tell_nothing() {
    let few = i64::try_from(needed(100)).unwrap() - 1;
    assert!(!splits(&canary(), &requests(23, 59, few, few))[0].tells());
    assert!((1500..1530).contains(&needed(100)), "{}", needed(100));
    assert!((4190..4230).contains(&needed(500)), "{}", needed(500));
}

/// At weight 10 somebody writes 50 from second 30 to 31.
fn disturbed() -> History {
    let mut history = canary();
    history.states.splice(3..3, [state(30, 500, false, 1, 2), state(31, 100, true, 1, 2)]);
    history
}

#[test]
fn before_and_after_a_foreign_weight_is_one_sample_without_it() {
    let mut answers = requests(23, 29, 1000, 100);
    answers.extend(requests(30, 31, 100, 100));
    answers.extend(requests(34, 59, 1000, 100));
    let splits = splits(&disturbed(), &answers);
    assert_eq!(
        splits.iter().map(|split| (split.requests, split.of_canary)).collect::<Vec<_>>(),
        [(2000, 200)]
    );
}

#[test]
fn a_foreign_weight_stands_until_the_operator_writes() {
    let [found] = foreign(&disturbed(), 0).try_into().unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!((found.since, found.stood, found.matters), (30 * SECOND + SECOND / 100, SECOND, true));
    assert!(foreign(&disturbed(), 40 * SECOND).is_empty(), "before the time that is asked about");

    let mut harmless = canary();
    harmless.states.splice(1..1, [state(5, 500, false, 1, 1), state(6, 0, true, 1, 1)]);
    assert!(!foreign(&harmless, 0)[0].matters, "both Services lead to the same version");
}

#[test]
fn an_abort_is_over_with_the_last_answer_of_the_canary() {
    let mut history = canary();
    history.states.truncate(3);
    history.states.extend([state(41, 0, true, 1, 2), state(42, 0, true, 1, 1), state(50, 100, true, 1, 3)]);
    history.aborts = vec![40 * SECOND];
    let answers = [
        answer(Host::App, 41 * SECOND, 2),
        answer(Host::App, 43 * SECOND, 1),
        answer(Host::New, 44 * SECOND, 2),
    ];
    let [abort] = aborts(&history, &answers).try_into().unwrap_or_else(|found| panic!("{found:?}"));
    assert_eq!((abort.written, abort.last_answer), (SECOND + SECOND / 100, SECOND + 2000));

    history.aborts = vec![15 * SECOND];
    assert!(aborts(&history, &answers).is_empty(), "the canary had no share");
}
