//! The conditions beside the verdict, each from one line of a list, and how all of them are recorded.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::conditions::{Condition, ConditionStatus, ConditionType, reason};
use serin_api::validate::FieldError;

use super::facts::Facts;
use crate::course::Course;
use crate::draft::Draft;
use crate::events::{Reason, reasons};
use crate::preflight::Verdict;

/// Every condition but `Progressing`, which the rules of the verdict decide.
pub const CONDITIONS: &[Beside] = &[
    Beside {
        kind: ConditionType::InvalidSpec,
        reason: reason::INVALID_SPEC,
        presence: Presence::WhileTrue,
        meaning: "The message names each field and what to do.",
        // The rule of the verdict tells it.
        event: None,
        finds: |facts| facts.invalid().map(|message| (true, message)),
    },
    Beside {
        kind: ConditionType::Available,
        reason: reason::AVAILABLE,
        presence: Presence::Always,
        meaning: "At least `replicas` pods of all revisions together are available.",
        event: None,
        finds: |facts| {
            let enough = facts.status().available_replicas.unwrap_or(0) >= facts.world().rollout.replicas;
            let (yes, no) =
                ("Rollout has minimum availability", "Rollout does not have minimum availability");
            Some(either(enough, yes, no))
        },
    },
    Beside {
        kind: ConditionType::Paused,
        reason: reason::ROLLOUT_PAUSED,
        presence: Presence::Always,
        meaning: "A step or `spec.paused` pauses.",
        event: None,
        finds: |facts| Some(either(facts.is_paused(), "Rollout is paused", "Rollout is not paused")),
    },
    Beside {
        kind: ConditionType::Completed,
        reason: reason::ROLLOUT_COMPLETED,
        presence: Presence::Always,
        meaning: "The wanted revision is the stable one.",
        event: None,
        finds: |facts| {
            let completed = matches!(facts.course, Course::Settled { .. });
            Some(either(completed, reason::ROLLOUT_COMPLETED, reason::ROLLOUT_COMPLETED))
        },
    },
    Beside {
        kind: ConditionType::Healthy,
        reason: reason::ROLLOUT_HEALTHY,
        presence: Presence::Always,
        meaning: "The rule `healthy` applies, even where `spec.paused` decides the phase.",
        event: None,
        finds: |facts| Some(either(facts.is_healthy(), "Rollout is healthy", "Rollout is not healthy")),
    },
    Beside {
        kind: ConditionType::ReplicaFailure,
        reason: "FailedCreate",
        presence: Presence::WhileTrue,
        meaning: "A ReplicaSet cannot create or delete pods; the message is its own.",
        event: None,
        finds: |facts| {
            let world = facts.world();
            let mut revisions = world.current().into_iter().chain(&world.revisions);
            revisions.find_map(|revision| revision.failure.clone()).map(|message| (true, message))
        },
    },
    Beside {
        kind: ConditionType::RolesConverged,
        reason: reason::ROLES_CONVERGED,
        presence: Presence::Always,
        meaning: "Every pod of stable and canary carries its role's metadata; the message has the numbers.",
        event: None,
        finds: roles,
    },
    Beside {
        kind: ConditionType::RoleMetadataFrozen,
        reason: reason::ROLE_METADATA_FROZEN,
        presence: Presence::WhileTrue,
        meaning: "The template reads role labels or annotations in an environment variable or a `subPath` mount, \
                  where they never change; the message has the field. Pods run all the same.",
        event: Some(reasons::ROLE_METADATA_FROZEN),
        finds: frozen,
    },
    Beside {
        kind: ConditionType::RouteContested,
        reason: reason::ROUTE_CONTESTED,
        presence: Presence::WhileTrue,
        meaning: "Another writer keeps changing what Serin writes: \
                  [RouteContested](../operations.md#routecontested).",
        event: Some(reasons::ROUTE_CONTESTED),
        finds: |facts| {
            let (subject, _) = facts.contested()?;
            let message = format!("another writer keeps changing {subject}; corrections are slowed down");
            Some((true, message))
        },
    },
    Beside {
        kind: ConditionType::Preflight,
        reason: reason::PREFLIGHT_PASSED,
        presence: Presence::Always,
        meaning: "Nothing was found that will not work; the message has what was, and what could not be checked: \
                  [preflight](preflight.md). The reason is `PreflightWarnings` where something may not do what it means, \
                  and `PreflightFailed` where the condition is False. It holds nothing up.",
        event: None,
        finds: |facts| {
            preflight(facts).map(|verdict| (verdict.status == ConditionStatus::True, verdict.message))
        },
    },
];

/// A condition beside the verdict.
pub struct Beside {
    pub kind: ConditionType,
    pub reason: &'static str,
    pub presence: Presence,
    /// What it means when it is true, in Markdown, with links as seen from `docs/reference`.
    pub meaning: &'static str,
    /// What is told when it becomes true, or says something new.
    pub event: Option<Reason>,
    /// Whether it holds, and its message; nothing where it is left out.
    finds: fn(&Facts<'_, '_>) -> Option<(bool, String)>,
}

/// When a condition is in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// As True or as False.
    Always,
    /// As True, else not at all.
    WhileTrue,
}

/// A condition without its times.
pub(super) struct Said {
    pub kind: ConditionType,
    pub status: ConditionStatus,
    pub reason: &'static str,
    pub message: String,
}

/// What all conditions beside the verdict say, and what is told of them.
#[derive(Default)]
pub(super) struct Besides {
    pub conditions: Vec<Said>,
    pub events: Vec<(Reason, String)>,
}

/// Judges every condition of the list.
pub(super) fn judge(facts: &Facts<'_, '_>) -> Besides {
    let mut besides = Besides::default();
    for Beside { kind, reason, event, finds, .. } in CONDITIONS {
        let Some((holds, message)) = finds(facts) else { continue };
        let reason = match kind {
            ConditionType::Preflight => preflight(facts).map_or(*reason, |verdict| verdict.reason),
            _ => *reason,
        };
        let is_new = facts.recorded(*kind).is_none_or(|before| before.message != message);
        besides.events.extend(event.filter(|_| holds && is_new).map(|event| (event, message.clone())));
        besides.conditions.push(Said { kind: *kind, status: holds.into(), reason, message });
    }
    besides
}

/// Records what the conditions say, in the order of their types; `Progressing` with the time of the last progress.
pub(super) fn record(draft: &mut Draft<'_>, progressing: Option<(Said, Timestamp)>, beside: Vec<Said>) {
    let progressing = progressing.into_iter().map(|(said, last)| with_times(draft, said, Some(last)));
    let beside = beside.into_iter().map(|said| with_times(draft, said, None));
    let mut conditions: Vec<Condition> = progressing.chain(beside).collect();
    conditions.sort_by_key(|condition| condition.kind);
    draft.status.conditions = conditions;
}

/// Times stay where nothing changes: the transition with the status, the update with status, reason and message. The
/// update time of `Progressing` is that of the last progress.
fn with_times(draft: &Draft<'_>, said: Said, progress: Option<Timestamp>) -> Condition {
    let Said { kind, status, reason, message } = said;
    let now = Time(draft.now_in_seconds());
    let recorded = draft.world.recorded.conditions.iter().find(|before| before.kind == kind);
    let last_transition_time = recorded
        .filter(|before| before.status == status)
        .map_or_else(|| now.clone(), |before| before.last_transition_time.clone());
    let unchanged = recorded
        .filter(|before| before.status == status && before.reason == reason && before.message == message);
    let last_update_time = match progress {
        Some(progress) => Time(progress),
        None => unchanged.map_or(now, |before| before.last_update_time.clone()),
    };
    Condition { kind, status, reason: reason.to_owned(), message, last_update_time, last_transition_time }
}

fn either(holds: bool, yes: &str, no: &str) -> (bool, String) {
    (holds, if holds { yes } else { no }.to_owned())
}

fn roles(facts: &Facts<'_, '_>) -> Option<(bool, String)> {
    let roles = facts.status().roles.as_ref()?;
    let (active, preview) = (&roles.active, &roles.preview);
    let converged = active.labelled == active.wanted && preview.labelled == preview.wanted;
    let message = format!(
        "{} of {} active and {} of {} preview pods carry their role's metadata",
        active.labelled, active.wanted, preview.labelled, preview.wanted
    );
    Some((converged, message))
}

/// What preflight said last, or what was recorded of it before this process began.
fn preflight(facts: &Facts<'_, '_>) -> Option<Verdict> {
    let recorded = || {
        let recorded = facts.recorded(ConditionType::Preflight)?;
        Verdict::recorded(&recorded.reason, &recorded.message)
    };
    facts.world().recall.preflight.clone().or_else(recorded)
}

/// Said as long as it is so: an application that never learns of its promotion fails long after it.
fn frozen(facts: &Facts<'_, '_>) -> Option<(bool, String)> {
    let frozen = facts.world().strategy.as_ref().map_or(&[][..], |strategy| &strategy.frozen);
    let message = frozen.iter().map(FieldError::to_string).collect::<Vec<_>>().join("; ");
    (!message.is_empty()).then_some((true, message))
}
