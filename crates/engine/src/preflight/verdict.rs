//! What the condition `Preflight` says of a report.

use serin_api::conditions::{ConditionStatus, reason};

use super::finding::Severity;
use super::report::Report;

/// No longer message is recorded, in bytes.
pub const LONGEST: usize = 1500;

/// Kept free for how many findings and unseen subjects are left out.
const REST: usize = 100;

/// Status, reason and message of the condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub status: ConditionStatus,
    pub reason: &'static str,
    pub message: String,
}

impl Verdict {
    /// Sums a report up.
    pub fn of(report: &Report) -> Self {
        let errors = report.count(Severity::Error);
        let reason = match (errors, report.findings.len()) {
            (0, 0) => reason::PREFLIGHT_PASSED,
            (0, _) => reason::PREFLIGHT_WARNINGS,
            _ => reason::PREFLIGHT_FAILED,
        };
        Self { status: (errors == 0).into(), reason, message: message(report) }
    }

    /// The verdict that a condition with this reason records.
    pub fn recorded(recorded: &str, message: &str) -> Option<Self> {
        let reasons = [reason::PREFLIGHT_PASSED, reason::PREFLIGHT_WARNINGS, reason::PREFLIGHT_FAILED];
        let reason = reasons.into_iter().find(|known| *known == recorded)?;
        Some(Self {
            status: (reason != reason::PREFLIGHT_FAILED).into(),
            reason,
            message: message.to_owned(),
        })
    }
}

fn message(report: &Report) -> String {
    let mut parts: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    if parts.is_empty() {
        parts.push("Nothing is wrong".to_owned());
    }
    let unseen = report.unseen.iter().map(|unseen| format!("not checked: {} ({})", unseen.what, unseen.why));
    parts.extend(unseen);
    let mut message = String::new();
    for (index, part) in parts.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        if index > 0 && message.len() + separator.len() + part.len() > LONGEST - REST {
            let left = parts.len() - index;
            message += &format!("; and {left} more: see them all with `serin preflight`");
            break;
        }
        message += separator;
        message += shortened(part, LONGEST - REST);
    }
    message
}

/// The server's own words can be of any length.
fn shortened(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Finding, Name};
    use super::super::kinds;
    use super::*;

    fn report(findings: usize, length: usize) -> Report {
        let object = Name::new("Rollout", "shop", "web");
        let finding = |index: usize| {
            let problem = format!("{index} {}", "ä".repeat(length));
            Finding::new(&kinds::SERVICE_MISSING, &object, "spec", problem, "create it")
        };
        Report { findings: (0..findings).map(finding).collect(), unseen: Vec::new() }
    }

    #[test]
    fn the_message_is_bounded_and_says_how_much_is_left_out() {
        for (findings, length) in [(1, 5), (3, 100), (60, 30), (2, 5000)] {
            let verdict = Verdict::of(&report(findings, length));
            assert!(verdict.message.len() <= LONGEST, "{findings} of {length}: {}", verdict.message.len());
            assert_eq!(verdict.status, ConditionStatus::False);
        }
        let message = Verdict::of(&report(60, 30)).message;
        let told = message.matches("SpecInvalid").count() + message.matches("ServiceMissing").count();
        assert!(message.ends_with(&format!("; and {} more: see them all with `serin preflight`", 60 - told)));
    }

    #[test]
    fn what_was_recorded_is_read_again() {
        for report in [report(1, 1), Report::default()] {
            let verdict = Verdict::of(&report);
            assert_eq!(Verdict::recorded(verdict.reason, &verdict.message), Some(verdict));
        }
        assert_eq!(Verdict::recorded("Another", "text"), None);
    }
}
