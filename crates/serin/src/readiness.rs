//! Whether the process is ready, gate by gate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The gates of a process that is ready when all of them are open. Cheap to clone.
///
/// A process that stands by for the lease has no gate to pass: it is as ready as it can be.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, bool>>>);

impl Readiness {
    /// Adds a gate, closed.
    pub fn close(&self, gate: &'static str) {
        self.lock().insert(gate, false);
    }

    /// Opens a gate.
    pub fn open(&self, gate: &'static str) {
        self.lock().insert(gate, true);
    }

    /// Whether every gate is open, and one line for each: `[+] name` or `[-] name`.
    pub fn report(&self) -> (bool, String) {
        let gates = self.lock();
        let lines = gates.iter().map(|(gate, open)| format!("[{}] {gate}\n", if *open { '+' } else { '-' }));
        (gates.values().all(|open| *open), lines.collect())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
