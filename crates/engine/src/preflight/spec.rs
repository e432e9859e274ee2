//! What the Rollout alone shows.

use serin_api::validate::{FieldError, validate};

use super::finding::Finding;
use super::kinds::{SERVICE_NAMED_TWICE, SPEC_INVALID};
use super::report::Report;
use super::subject::{CANARY, Subject};

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    let canary_service = format!("{CANARY}.canaryService");
    let twice = subject.strategy.is_some_and(|strategy| {
        !strategy.stable_service.is_empty() && strategy.stable_service == strategy.canary_service
    });
    if twice {
        let name = subject.strategy.map(|strategy| &*strategy.stable_service).unwrap_or_default();
        report.find(Finding::new(
            &SERVICE_NAMED_TWICE,
            &subject.name,
            &*canary_service,
            format!("names Service {name:?}, as stableService does"),
            "create a second Service with the same selector and ports, and name it",
        ));
    }
    let errors = validate(&subject.inputs.rollout).err().unwrap_or_default();
    for FieldError { path, problem } in subject.inputs.unserved.iter().cloned().chain(errors) {
        if twice && path == canary_service {
            continue;
        }
        let (problem, fix) = divided(&problem);
        report.find(Finding::new(&SPEC_INVALID, &subject.name, path, problem, fix));
    }
}

/// What is wrong, and what to do about it where the problem says so itself.
fn divided(problem: &str) -> (&str, &str) {
    let is_outside_of_code = |before: &str| before.matches('`').count().is_multiple_of(2);
    let parts = problem.split_once(": ").filter(|(before, _)| is_outside_of_code(before));
    parts.unwrap_or((problem, "correct this field"))
}
