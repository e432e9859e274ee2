//! Which Rollouts exist: those that are gone are forgotten everywhere.

use serin_api::Rollout;

use super::Memories;
use crate::metrics::Metrics;
use crate::triggers::Key;
use serin_process::cache::Changed;

/// Follows which Rollouts exist. Cheap to clone.
#[derive(Clone)]
pub struct Roster {
    pub memories: Memories,
    pub metrics: Metrics,
}

impl Roster {
    /// Takes in a change.
    pub fn follow(&self, changed: &Changed<Rollout>) {
        for change in changed.iter() {
            if let (Some(before), None) = (&change.before, &change.after) {
                self.forget(&Key::of(&**before));
            }
        }
    }

    /// Forgets a Rollout that is gone.
    pub fn forget(&self, key: &Key) {
        self.memories.forget(key);
        self.metrics.forget_rollout(&key.namespace, &key.name);
    }
}
