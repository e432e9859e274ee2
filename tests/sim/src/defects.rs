//! Defects on purpose: what a planner or a shell with an error in it would do. Each has to be found by a story, or the
//! stories prove nothing.
//!
//! They stand between the operator and the world ([`Decorate`]); the planner has no switch for them. Many are errors
//! that other operators have shipped.

mod calls;
mod plans;
mod requests;

use jiff::Timestamp;
use serin_engine::{ApiCall, Plan, Snapshot};
use serin_sim::Decorate;

use crate::judge::Violation;
use crate::run::play_with;
use crate::story::Story;

/// One error, and the rule that it breaks.
#[derive(Clone, Copy)]
pub struct Defect {
    /// What goes wrong, in a few words.
    pub name: &'static str,
    /// The rule that it breaks, as `docs/design/testing.md` counts them.
    pub breaks: u8,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Plan(fn(&Snapshot, &mut Plan)),
    Call(fn(&Snapshot, &mut ApiCall)),
    Again(fn(Timestamp) -> Option<Timestamp>),
}

impl Defect {
    const fn of_plan(breaks: u8, name: &'static str, change: fn(&Snapshot, &mut Plan)) -> Self {
        Self { name, breaks, kind: Kind::Plan(change) }
    }

    const fn of_call(breaks: u8, name: &'static str, change: fn(&Snapshot, &mut ApiCall)) -> Self {
        Self { name, breaks, kind: Kind::Call(change) }
    }
}

impl Decorate for Defect {
    fn again(&mut self, at: Timestamp) -> Option<Timestamp> {
        match self.kind {
            Kind::Again(change) => change(at),
            _ => Some(at),
        }
    }

    fn plan(&mut self, world: &Snapshot, plan: &mut Plan) {
        if let Kind::Plan(change) = self.kind {
            change(world, plan);
        }
    }

    fn call(&mut self, world: &Snapshot, call: &mut ApiCall) {
        if let Kind::Call(change) = self.kind {
            change(world, call);
        }
    }
}

/// What the shell does wrong after a call that failed.
const RECOVERY: &[Defect] =
    &[Defect { breaks: 11, name: "a call that failed is never tried again", kind: Kind::Again(|_| None) }];

/// The first story of at most so many that finds a defect, by its seed, and what it says.
pub fn find(defect: Defect, stories: u64, turns: u32) -> Option<(u64, Violation)> {
    find_among(defect, stories, |seed| Story::of(seed, turns))
}

/// The same among other stories.
pub fn find_among(defect: Defect, stories: u64, story: impl Fn(u64) -> Story) -> Option<(u64, Violation)> {
    (0..stories).find_map(|seed| {
        let outcome = play_with(&story(seed), Box::new(defect), false);
        outcome.violation.map(|violation| (seed, violation))
    })
}

/// Every defect.
pub fn all() -> impl Iterator<Item = Defect> {
    let known = plans::DEFECTS.iter().chain(calls::DEFECTS).chain(RECOVERY);
    known.chain(requests::DEFECTS).copied()
}

/// Those of them that do no harm where requests follow at once: they are found by what requests meet, or not at all.
pub fn of_requests() -> impl Iterator<Item = Defect> {
    requests::DEFECTS.iter().copied()
}
