//! In which order a plan is carried out, and how far.

use jiff::SignedDuration;
use serin_engine::{Action, Plan};

/// A Rollout that is not at rest after so many rounds lets others have their turn.
pub const MAX_ROUNDS: usize = 32;

/// When it goes on.
pub const NEXT_TURN: SignedDuration = SignedDuration::from_millis(100);

/// Metadata of so many pods is written between two plans, so that traffic waits for one batch at most.
pub const BATCH: usize = 16;

/// The actions that are carried out one after the other, with their numbers.
pub fn in_sequence(plan: &Plan) -> impl Iterator<Item = (usize, &Action)> {
    plan.actions.iter().enumerate().filter(|(_, action)| !action.is_parallel())
}

/// The actions that follow them, all at once.
pub fn in_parallel(plan: &Plan) -> impl Iterator<Item = (usize, &Action)> {
    plan.actions.iter().enumerate().filter(|(_, action)| action.is_parallel()).take(BATCH)
}
