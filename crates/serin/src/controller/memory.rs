//! What the controller remembers of each Rollout between reconciles.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serin_engine::Recall;
use serin_process::rest::Rest;

use crate::preflight::desk::Notes;
use crate::triggers::Key;

/// What is remembered of each Rollout between reconciles: only what may be forgotten. Cheap to clone.
#[derive(Clone, Default)]
pub struct Memories(Arc<Mutex<HashMap<Key, Memory>>>);

/// What is remembered of one Rollout.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub recall: Recall,
    pub preflight: Notes,
    /// Failed reconciles in a row.
    pub failures: u32,
    /// The objects of the last plan that was empty, and when to look again: until one of them changes, or that time
    /// comes, the next plan would be empty too.
    pub rest: Option<Rest>,
}

impl Memories {
    /// Forgets a Rollout that is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Takes out what is remembered, for a reconcile to work with.
    pub fn take(&self, key: &Key) -> Memory {
        self.lock().remove(key).unwrap_or_default()
    }

    /// Puts back what a reconcile has made of it.
    pub fn put(&self, key: &Key, memory: Memory) {
        self.lock().insert(key.clone(), memory);
    }

    /// Counts a failed reconcile, and tells how many it were in a row.
    pub fn failed(&self, key: &Key) -> u32 {
        let mut memories = self.lock();
        let memory = memories.entry(key.clone()).or_default();
        memory.failures = memory.failures.saturating_add(1);
        memory.failures
    }

    // Nothing but moves of whole values happens under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
