//! The cluster in memory, measured by a real one.
//!
//! The audit log of a real control plane is a sequence of worlds, each with the write that led to the next. Such a
//! sequence is one that the simulator allows if each write could have been made in the simulator, and would have had the
//! same effect there:
//!
//! - **The server.** The request, made of a [`World`](serin_testkit::World) that stands where the real one stood, is
//!   answered alike, and leaves the same object. Requests that were refused are refused with the same code.
//! - **The controllers.** A controller of the simulator that sees a world of the last few seconds makes the same write.
//!   A real one reads through watches, which lag; so what it sees may be older than what it writes to.
//! - **The operator.** A process of the simulator that starts in a world of the last few seconds sends the same call,
//!   body included, before it next rests.
//!
//! People's writes are free. And where reality rests, the simulator rests: see [`rest`].

mod alike;
mod controllers;
pub mod facts;
mod history;
mod process;
pub mod rest;
mod server;
pub mod stage;
mod told;

use std::collections::BTreeMap;

use self::history::History;

/// What came of a comparison.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How many writes of each part were compared, by the part's name.
    pub compared: BTreeMap<&'static str, usize>,
    /// How many of them the simulator makes only of a world that is older than the one written to.
    pub late: BTreeMap<&'static str, usize>,
    /// What the simulator does not allow, each with the write and what the simulator does instead.
    pub refused: Vec<String>,
}

impl Report {
    fn count(&mut self, part: &'static str, lag: usize) {
        *self.compared.entry(part).or_default() += 1;
        *self.late.entry(part).or_default() += usize::from(lag > 0);
    }

    fn refuse(&mut self, part: &str, history: &History, index: usize, instead: &str) {
        let entry = &history.moments[index].entry;
        let (brief, at, audit) = (&entry.brief, entry.at, &entry.audit_id);
        self.refused.push(format!(
            "{part}: {brief} by {} at {at} (auditID {audit}):\n  {instead}\n  asked: {}",
            entry.user, entry.line["requestObject"]
        ));
    }
}

/// Compares all that happened in a namespace with what the simulator allows; `rollout` is what the operator works on.
pub fn check(log: &str, namespace: &str, operator: &str, rollout: &str) -> Report {
    let history = History::of(log, namespace);
    let mut report = Report::default();
    server::check(&history, &mut report);
    for index in 0..history.moments.len() {
        controllers::check(&history, index, &mut report);
        if history.moments[index].entry.user == operator {
            process::check(&history, index, rollout, &mut report);
        }
    }
    report
}
