//! How soon an abort takes the canary away from its clients.

use serin_node::traffic::{Answer, Host};

use crate::history::History;

/// One that found the canary with a share. Times are microseconds since it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abort {
    /// When the route was written.
    pub written: i64,
    /// When the canary gave its last answer to a client of the split route; 0 if it gave none any more.
    pub last_answer: i64,
}

pub fn aborts(history: &History, answers: &[Answer]) -> Vec<Abort> {
    history.aborts.iter().filter_map(|&asked| abort(history, answers, asked)).collect()
}

fn abort(history: &History, answers: &[Answer], asked: i64) -> Option<Abort> {
    let found = history.last_asked_by(asked)?;
    let state = &history.states[found];
    let canary = state.canary.filter(|canary| state.share > 0 && state.stable != Some(*canary))?;
    let later = history.states.get(found + 1..)?;
    let at_zero = later.iter().find(|state| state.share == 0)?;
    // Until somebody gives it a share again: nobody does, unless it is tried again or the route is applied.
    let again = later.iter().find(|state| state.asked > at_zero.asked && state.share > 0);
    let until = again.map_or(i64::MAX, |state| state.asked);
    let last = answers.iter().filter(|answer| {
        answer.host == Host::App && answer.got == Ok(canary) && (asked..until).contains(&answer.sent)
    });
    let last_answer = last.map(|answer| answer.answered - asked).max().unwrap_or(0);
    Some(Abort { written: at_zero.done - asked, last_answer })
}
