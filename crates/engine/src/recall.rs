//! What the shell has learnt about one Rollout and may forget at any time.
//!
//! Nothing here decides what is safe: a plan made without it does the same things, only with one more question to the
//! server, one more Event, or one more try. What must survive is in status (docs/design/state.md).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::action::Action;
use crate::drift::Contest;
use crate::objects::TemplateProjection;
use crate::plan::Plan;
use crate::preflight::Verdict;

/// Hints from earlier rounds and earlier plans.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// Templates as the server defaults them, by the identity of the user's text. Only the newest is worth keeping.
    pub defaulted: Option<(String, TemplateProjection)>,
    /// Writes that the server refused for good, by what they were about.
    pub refused: BTreeMap<String, Refusal>,
    /// Other writers of the managed objects, by subject.
    pub contests: BTreeMap<String, Contest>,
    /// The value that was last written to each subject, to tell drift from progress.
    pub written: BTreeMap<String, String>,
    /// The pod that was last let go, by uid, and when: until it is seen to end, it is not asked for again.
    pub evicted: Option<(String, Timestamp)>,
    /// What preflight last said. Without it the condition stays as it was recorded.
    pub preflight: Option<Verdict>,
    /// When status was last written.
    pub status_written_at: Option<Timestamp>,
    /// Since when status has differed from what is recorded, while that is not urgent.
    pub status_differs_since: Option<Timestamp>,
}

impl Recall {
    /// Notes what a plan has left for later.
    pub fn planned(&mut self, plan: &Plan, now: Timestamp) {
        self.status_differs_since = plan.status_pending.then(|| self.status_differs_since.unwrap_or(now));
    }

    /// Notes that an action succeeded.
    pub fn applied(&mut self, action: &Action, now: Timestamp) {
        let subject = action.subject();
        self.refused.remove(&subject);
        match action {
            Action::SetWeights { percent, .. } => {
                drop(self.written.insert(subject.clone(), percent.to_string()))
            }
            Action::Select { hash, .. } => {
                self.written.insert(subject.clone(), hash.clone().unwrap_or_default());
            }
            Action::Evict { uid, .. } => self.evicted = Some((uid.clone(), now)),
            // Whoever writes the same request again and again is answered ever more slowly.
            Action::RemoveResume { .. } | Action::RemoveAnnotation { .. } => {
                self.contests.entry(subject.clone()).or_default().corrected(None, now);
            }
            _ => {}
        }
        if let Some(drift) = action.drift() {
            self.contests.entry(subject).or_default().corrected(drift.writer.as_deref(), now);
        }
    }

    /// Notes that the server refused an action for good, so that it is not tried again before `retry_at`.
    pub fn refused(&mut self, action: &Action, message: String, retry_at: Timestamp) {
        self.refused.insert(action.subject(), Refusal { message, retry_at });
    }
}

/// A write that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The server's own words.
    pub message: String,
    /// When it may be tried again.
    pub retry_at: Timestamp,
}

/// No write is put off for longer.
const LONGEST: SignedDuration = SignedDuration::from_secs(10);

impl Refusal {
    /// Whether the write is still put off. If that is until a time further away than any, the clock has been set back since.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.retry_at > now && self.retry_at.duration_since(now) <= LONGEST
    }
}
