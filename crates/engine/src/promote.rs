//! Requests to promote in full: every pause that is left is passed, every weight still waits for its pods.

use crate::course::Course;
use crate::draft::Draft;
use crate::events::{After, Event, Reason, reasons};

/// Whether no pause holds the canary. A request that cannot be meant for it is dropped, and an Event says why.
pub fn judge(draft: &mut Draft<'_>, course: &Course<'_>, starts_over: bool) -> bool {
    let recorded = &draft.world.recorded;
    if !recorded.promote_full {
        return false;
    }
    let why = match course {
        Course::Stepping { .. } if !starts_over => return true,
        Course::Stepping { .. } => "it was for another template or other steps",
        Course::Aborted { .. } => "the update is aborted: retry it first",
        Course::FirstDeploy { .. } => "no revision is stable yet, and a first deploy has no steps",
        Course::Settled { stable } => {
            draft.status.promote_full = false;
            // Status still tells of the time before the commit: this is what it was for.
            if recorded.stable_rs.as_ref().is_some_and(|before| *before != stable.hash) {
                return false;
            }
            "the wanted revision is the stable one"
        }
    };
    draft.status.promote_full = false;
    tell(draft, reasons::PROMOTE_FULL_REFUSED, format!("Nothing is promoted in full: {why}"));
    false
}

/// Tells that the pause of a step was passed because of the request.
pub fn passed(draft: &mut Draft<'_>, step: usize) {
    let note = format!("The pause of step {step} is passed: the Rollout is promoted in full");
    tell(draft, reasons::ROLLOUT_RESUMED, note);
}

/// With the status that forgets the request, or notes the step: before that it may be decided once more.
fn tell(draft: &mut Draft<'_>, reason: Reason, note: String) {
    draft.events.push(Event::after(After::Status, reason, note));
}
