//! Whether the requests were split as the route's weights say.

use serin_node::traffic::{Answer, Host};

use super::SETTLE;
use crate::history::History;

/// How far the split may be off, as a part of all requests.
pub const TOLERANCE: f64 = 0.03;

/// So many standard deviations are the tolerance of a sample that is large enough: if each request were drawn by lot, one
/// sample in ten thousand would be off by chance.
const DEVIATIONS: f64 = 3.89;

/// The requests at one weight between one pair of versions, without those that were sent while the gateway may not yet
/// have followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub stable: u32,
    pub canary: u32,
    /// What the route says, in a thousand.
    pub share: u32,
    pub requests: usize,
    pub of_canary: usize,
}

impl Split {
    fn wanted(&self) -> f64 {
        f64::from(self.share) / 1000.0
    }

    /// How far the share that was seen is off, as a part of all requests.
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    pub fn deviation(&self) -> f64 {
        (self.of_canary as f64 / self.requests.max(1) as f64 - self.wanted()).abs()
    }

    /// Whether there are enough requests to tell.
    pub fn tells(&self) -> bool {
        self.requests >= needed(self.share)
    }

    pub fn holds(&self) -> bool {
        self.deviation() <= TOLERANCE
    }
}

/// How many requests tell a share from one that is off by more than the tolerance.
pub fn needed(share: u32) -> usize {
    let wanted = f64::from(share) / 1000.0;
    let requests = wanted * (1.0 - wanted) * (DEVIATIONS / TOLERANCE).powi(2);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "thousands")]
    let requests = requests.ceil() as usize;
    requests
}

/// One for each weight that the operator wrote while the Services led to two versions. Where somebody else wrote another
/// weight in between, what comes before and after is one.
pub fn splits(history: &History, answers: &[Answer]) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::new();
    let mut answers = answers.iter().filter(|answer| answer.host == Host::App).peekable();
    for (index, state) in history.states.iter().enumerate() {
        let (Some(stable), Some(canary)) = (state.stable, state.canary) else { continue };
        if !state.own || stable == canary || state.share == 0 || state.share >= 1000 {
            continue;
        }
        let from = state.done + SETTLE;
        let until = history.states.get(index + 1).map_or(i64::MAX, |next| next.asked);
        while answers.next_if(|answer| answer.sent < from).is_some() {}
        let goes_on = |last: &Split| (last.stable, last.canary, last.share) == (stable, canary, state.share);
        if !splits.last().is_some_and(goes_on) {
            splits.push(Split { stable, canary, share: state.share, requests: 0, of_canary: 0 });
        }
        let Some(split) = splits.last_mut() else { continue };
        while let Some(answer) = answers.next_if(|answer| answer.sent < until) {
            // Under way when the next state was asked for: it may belong to that one.
            if answer.answered > until {
                continue;
            }
            if let Ok(version) = answer.got {
                split.requests += 1;
                split.of_canary += usize::from(version == canary);
            }
        }
    }
    splits
}
