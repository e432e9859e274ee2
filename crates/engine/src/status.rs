//! The status that a plan records: what its rules have decided, in words and in numbers.

pub mod conditions;
pub mod rules;

mod counters;
mod facts;
mod patch;
mod progress;
mod traffic;
mod urgency;

use crate::course::Course;
use crate::draft::Draft;
use crate::events::{After, Event};
use crate::recall::Refusal;
use crate::waits::Wait;

use facts::Facts;
use progress::Progress;

pub use patch::patch;
pub use traffic::managed;
pub use urgency::{Urgency, urgency};

/// Fills in everything that is only a report. Comes last: it reads what the rules of the plan have decided.
pub fn report(draft: &mut Draft<'_>, course: &Course<'_>) {
    draft.status.observed_generation = Some(draft.world.rollout.generation);
    stable(draft, course);
    draft.status.selector = Some(counters::selector_text(draft));
    counters::count(draft);
    traffic::weights(draft, course);
    traffic::managed(draft, course);
    explain_refusals(draft);
    let Progress { last, exceeded } = progress::measure(draft, course);
    let facts = Facts { draft, course, is_late: exceeded };
    let contested_until = facts.contested().map(|(_, until)| until);
    let verdict = rules::judge(&facts);
    let beside = conditions::judge(&facts);
    draft.wake_at = draft.wake_at.into_iter().chain(contested_until).min();
    draft.status.phase = verdict.phase;
    draft.status.message = verdict.message;
    draft.rules = verdict.rules;
    for (wait, message, unblock) in verdict.waits {
        draft.wait(wait, message, unblock);
    }
    conditions::record(draft, verdict.progressing.map(|condition| (condition, last)), beside.conditions);
    let events = verdict.events.into_iter().chain(beside.events);
    draft.events.extend(events.map(|(reason, note)| Event::after(After::Status, reason, note)));
}

/// Which revision is stable, and by which promotion. One whose ReplicaSet somebody has deleted stays it while it is made
/// again: without that, the next plan would take an older one for stable.
pub fn stable(draft: &mut Draft<'_>, course: &Course<'_>) {
    let (recorded, wanted) = (&draft.world.recorded, &draft.world.template.hash);
    let made_again =
        || recorded.stable_rs.clone().filter(|stable| course.stable().is_none() && stable == wanted);
    let hash = course.stable().map(|stable| stable.hash.clone()).or_else(made_again);
    let before = recorded.canary.as_ref().and_then(|canary| canary.stable_ordinal);
    let ordinal = course.stable().and_then(|stable| stable.stable_ordinal);
    let is_same = hash.is_some() && hash == recorded.stable_rs;
    draft.status.canary.get_or_insert_default().stable_ordinal = ordinal.or(before.filter(|_| is_same));
    draft.status.stable_rs = hash;
}

fn explain_refusals(draft: &mut Draft<'_>) {
    let standing: Vec<(String, Refusal)> = draft
        .world
        .recall
        .refused
        .iter()
        .filter(|(_, refusal)| refusal.stands(draft.now))
        .map(|(subject, refusal)| (subject.clone(), refusal.clone()))
        .collect();
    for (subject, Refusal { message, retry_at }) in standing {
        // What is not asked for any more is not tried again, and told no longer either.
        draft.wake(retry_at);
        draft.wait(
            Wait::RefusedWrite,
            format!("the API server refused a write to {subject}: {message}"),
            None,
        );
    }
}
