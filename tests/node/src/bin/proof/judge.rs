//! Answers against history: who was allowed to answer, how soon the gateway followed, and how the requests were split.

mod aborts;
mod foreign;
mod split;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serin_node::traffic::{Answer, Host};

pub use self::aborts::aborts;
pub use self::foreign::{Foreign, foreign};
pub use self::split::{Split, needed, splits};
use crate::history::{History, State};

/// How long a gateway may take to follow what was written, in microseconds. How long it took is measured.
pub const SETTLE: i64 = 2_000_000;

/// By whom requests to one host were answered.
#[derive(Debug, Default)]
pub struct Served {
    pub requests: usize,
    /// The longest that the gateway went on with what was over, in microseconds.
    pub lag: i64,
    /// Answers of a version that the host did not lead to.
    pub wrong: Vec<Answer>,
}

/// Each host by name.
pub fn served(history: &History, answers: &[Answer]) -> BTreeMap<&'static str, Served> {
    let mut hosts: BTreeMap<&'static str, Served> = BTreeMap::new();
    for answer in answers {
        let Ok(version) = &answer.got else { continue };
        let served = hosts.entry(answer.host.name()).or_default();
        served.requests += 1;
        match lag(history, answer, *version) {
            Some(lag) if lag <= SETTLE => served.lag = served.lag.max(lag),
            _ => served.wrong.push(answer.clone()),
        }
    }
    hosts
}

/// How long, when a request was sent, its host had no longer led to the version that answered; 0 if it still did or
/// may have begun to, none if it never had.
fn lag(history: &History, answer: &Answer, version: u32) -> Option<i64> {
    let newest = history.last_asked_by(answer.answered)?;
    let mut before = (0..=newest).rev();
    let state = before.find(|index| leads_to(&history.states[*index], answer.host, version))?;
    Some((answer.sent - history.over(state)).max(0))
}

fn leads_to(state: &State, host: Host, version: u32) -> bool {
    let is = |selected: Option<u32>| selected.is_none_or(|selected| selected == version);
    match host {
        Host::App => state.share < 1000 && is(state.stable) || state.share > 0 && is(state.canary),
        Host::Old => is(state.stable),
        Host::New => is(state.canary),
    }
}
