//! Which Rollouts exist: told to the controller, and forgotten everywhere when they are gone.

use serin_api::Rollout;
use tokio::sync::mpsc::UnboundedSender;

use super::{Memories, Root, RootEvent};
use crate::metrics::Metrics;
use crate::triggers::Key;
use serin_process::cache::Changed;
use serin_process::caches::Caches;

/// Follows which Rollouts exist. Cheap to clone.
#[derive(Clone)]
pub struct Roster {
    pub roots: UnboundedSender<RootEvent>,
    pub memories: Memories,
    pub metrics: Metrics,
}

impl Roster {
    /// Tells the controller which Rollouts there are; it begins with this list.
    pub fn announce(&self, caches: &Caches) {
        let existing = caches.rollouts.all().into_iter().map(|rollout| Key::of(&*rollout));
        self.tell(RootEvent::Init);
        existing.for_each(|key| self.tell(RootEvent::InitApply(Root::from(key))));
        self.tell(RootEvent::InitDone);
    }

    /// Takes in a change. Before the first complete list nothing is told: `announce` tells it all at once.
    pub fn follow(&self, caches: &Caches, changed: &Changed<Rollout>) {
        if !caches.rollouts.is_synced() {
            return;
        }
        for change in changed.iter() {
            match (&change.before, &change.after) {
                (None, Some(after)) => self.tell(RootEvent::Apply(Root::from(Key::of(&**after)))),
                (Some(before), None) => self.forget(&Key::of(&**before)),
                _ => {}
            }
        }
    }

    /// Forgets a Rollout that is gone.
    pub fn forget(&self, key: &Key) {
        self.memories.forget(key);
        self.metrics.forget_rollout(&key.namespace, &key.name);
        self.tell(RootEvent::Delete(Root::from(key.clone())));
    }

    fn tell(&self, event: RootEvent) {
        // The receiver lives as long as the controller; without it there is nobody to tell.
        let _ = self.roots.send(event);
    }
}
