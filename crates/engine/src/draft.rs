//! A plan under construction.

use jiff::Timestamp;
use serin_api::status::RolloutStatus;

use crate::action::Action;
use crate::events::Event;
use crate::snapshot::Snapshot;
use crate::verification::{self, Verified};

/// What the rules write into, one after the other.
#[derive(Debug)]
pub struct Draft<'w> {
    pub world: &'w Snapshot,
    pub now: Timestamp,
    pub actions: Vec<Action>,
    /// The status that should be recorded.
    pub status: RolloutStatus,
    /// Events of decisions and of the status; those of actions are derived from these.
    pub events: Vec<Event>,
    /// The names of the rules of `status` that apply, the deciding one first.
    pub rules: Vec<&'static str>,
    /// When to look again although nothing has happened.
    pub wake_at: Option<Timestamp>,
    /// The status has to be recorded before anything that follows from it may be done.
    pub record_first: bool,
    /// How far each route has come with the weights that it carries; nothing while they are not all there.
    pub verified: Vec<Verified>,
    /// Something waits until they are verified.
    pub awaits_verification: bool,
    /// Steps and commit must not go on: the spec cannot be carried out, or is paused.
    pub hold: bool,
}

impl<'w> Draft<'w> {
    /// A draft that starts from the recorded status.
    pub fn new(world: &'w Snapshot, now: Timestamp) -> Self {
        let mut status = world.recorded.clone();
        status.waiting_for.clear();
        Self {
            world,
            now,
            actions: Vec::new(),
            status,
            events: Vec::new(),
            rules: Vec::new(),
            wake_at: None,
            record_first: false,
            verified: verification::of(world, now),
            awaits_verification: false,
            hold: world.rollout.paused || !world.is_valid(),
        }
    }

    /// Asks for an action, unless the server refused it a moment ago.
    pub fn act(&mut self, action: Action) {
        match self.world.recall.refused.get(&action.subject()) {
            Some(refusal) if refusal.stands(self.now) => self.wake(refusal.retry_at),
            _ => self.actions.push(action),
        }
    }

    /// Asks to look again at `at`, or earlier.
    pub fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |before| before.min(at)));
    }

    /// The time as the API can carry it: whole seconds, rounded up so that no timer ends early.
    pub fn now_in_seconds(&self) -> Timestamp {
        let whole = self.now.as_second();
        let up = if self.now.subsec_nanosecond() > 0 { whole + 1 } else { whole };
        Timestamp::from_second(up).unwrap_or(self.now)
    }
}
