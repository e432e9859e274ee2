//! The verdict: one ordered list of rules decides phase, message, the condition `Progressing`, what a person is waited
//! for, and the Events that tell of all this.
//!
//! The order is the peer's, as far as it has the rule. Each rule asks what the rules of the plan have decided, and none
//! decides anything itself: what people read is what is done.

mod failures;
mod holds;
mod progress;

use serin_api::conditions::{ConditionStatus, ConditionType, reason};
use serin_api::status::Phase;

use super::conditions::Said;
use super::facts::Facts;
use crate::events::Reason;
use crate::waits::Wait;

/// Every rule. The first that applies decides phase and message; the first that applies and speaks of `Progressing`
/// decides that. The last one always applies.
pub const RULES: &[Rule] = &[
    failures::INVALID_SPEC,
    failures::ABORTED,
    failures::TEMPLATE_REFUSED,
    failures::OUT_OF_TIME,
    failures::WEIGHTS_UNVERIFIED,
    holds::HELD,
    holds::STEP_PAUSES,
    progress::RESTARTING,
    progress::HEALTHY,
    progress::PODS_MISSING,
    progress::PODS_NOT_AVAILABLE,
    progress::HANDING_OVER,
    progress::STEPPING,
];

/// What is said, and when.
pub struct Rule {
    /// Its name in tests and documentation.
    pub name: &'static str,
    /// When it applies, in one sentence.
    pub when: &'static str,
    /// What a person does then, in Markdown, with links as seen from `docs/reference`.
    pub advice: &'static str,
    pub phase: Phase,
    /// `status.message`; `…` stands for the words of the finding.
    pub message: &'static str,
    /// Status and reason of `Progressing`, or nothing where the next rule that applies speaks of it.
    pub progressing: Option<(ConditionStatus, &'static str)>,
    /// While it decides the phase and no action is left, at least one of these is waited for. Empty where any may be.
    pub waits: &'static [Wait],
    /// What is told when it begins to decide phase or `Progressing`.
    pub event: Option<Announcement>,
    /// Whether it applies, and what it has found.
    finds: fn(&Facts<'_, '_>) -> Option<Finding>,
}

/// An Event that a rule sends.
pub struct Announcement {
    pub reason: Reason,
    /// Nothing recorded says so yet.
    is_new: fn(&Facts<'_, '_>, &Finding) -> bool,
    note: fn(&Facts<'_, '_>, &Finding) -> String,
}

/// What a rule that applies has found.
struct Finding {
    /// The message of its condition, and what `…` stands for.
    words: String,
    /// What it waits for beyond what the plan's rules have noted, with what would let it go on.
    wait: Option<(Wait, String, Option<String>)>,
}

impl Finding {
    fn saying(words: impl Into<String>) -> Self {
        Self { words: words.into(), wait: None }
    }
}

/// What all rules together say.
#[derive(Default)]
pub(super) struct Verdict {
    /// The names of all rules that apply, the deciding one first.
    pub rules: Vec<&'static str>,
    pub phase: Option<Phase>,
    pub message: Option<String>,
    pub progressing: Option<Said>,
    pub waits: Vec<(Wait, String, Option<String>)>,
    pub events: Vec<(Reason, String)>,
}

/// Asks every rule.
pub(super) fn judge(facts: &Facts<'_, '_>) -> Verdict {
    let mut verdict = Verdict::default();
    for rule in RULES {
        let Some(finding) = (rule.finds)(facts) else { continue };
        verdict.rules.push(rule.name);
        let mut decides = verdict.phase.is_none();
        if decides {
            verdict.phase = Some(rule.phase);
            let message = rule.message.replace('…', &finding.words);
            verdict.message = (!message.is_empty()).then_some(message);
        }
        if let Some((status, reason)) = rule.progressing.filter(|_| verdict.progressing.is_none()) {
            let message = finding.words.clone();
            verdict.progressing = Some(Said { kind: ConditionType::Progressing, status, reason, message });
            decides = true;
        }
        let event = rule.event.as_ref().filter(|event| decides && (event.is_new)(facts, &finding));
        verdict.events.extend(event.map(|event| (event.reason, (event.note)(facts, &finding))));
        verdict.waits.extend(finding.wait);
    }
    verdict
}

/// `Progressing` says something else than these words for this reason.
fn progressing_differs(facts: &Facts<'_, '_>, reason: &str, words: &str) -> bool {
    let recorded = facts.recorded(ConditionType::Progressing);
    recorded.is_none_or(|condition| condition.reason != reason || condition.message != words)
}

const UPDATING: Option<(ConditionStatus, &str)> = Some((ConditionStatus::True, reason::REPLICA_SET_UPDATED));

const PAUSED: Option<(ConditionStatus, &str)> = Some((ConditionStatus::Unknown, reason::ROLLOUT_PAUSED));

const fn failed(reason: &'static str) -> Option<(ConditionStatus, &'static str)> {
    Some((ConditionStatus::False, reason))
}
