//! Everything that was found, and what could not be looked at.

use serde::Serialize;

use super::finding::{Finding, Severity};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// The errors first.
    pub findings: Vec<Finding>,
    pub unseen: Vec<Unseen>,
}

/// Something that could not be looked at, so that nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unseen {
    pub what: String,
    pub why: String,
}

impl Report {
    pub(super) fn find(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    pub(super) fn unseen(&mut self, what: impl Into<String>, why: impl Into<String>) {
        let unseen = Unseen { what: what.into(), why: why.into() };
        if !self.unseen.contains(&unseen) {
            self.unseen.push(unseen);
        }
    }

    pub(super) fn in_order(mut self) -> Self {
        self.findings.sort_by_key(|finding| finding.severity);
        self
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}
