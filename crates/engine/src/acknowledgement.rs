//! Promoted pods that say they have read their new role, and old pods that wait for it.

use jiff::Timestamp;

use crate::capacity::pods_for;
use crate::course::Course;
use crate::draft::Draft;
use crate::events::{Event, reasons};
use crate::snapshot::{Revision, count};
use crate::waits::Wait;

/// What an application writes when it has read that its pod is stable.
const SEEN_ACTIVE: &str = "active";

/// Whether `old`, which traffic left at `since`, keeps its pods because too few pods of the stable revision have
/// acknowledged their role. It holds nothing else, and nothing longer than the timeout.
pub fn holds(draft: &mut Draft<'_>, course: &Course<'_>, old: &Revision, since: Timestamp) -> bool {
    let world = draft.world;
    let wanted = world.strategy.as_ref().ok().and_then(|strategy| strategy.acknowledgement);
    let (Some(wanted), Some(stable)) = (wanted, course.stable()) else { return false };
    // A canary that was aborted or superseded has handed no work over, and nobody takes it on.
    let was_stable = old.stable_ordinal.is_some() && !matches!(course, Course::Aborted { .. });
    if !was_stable || world.rollout.deleted_at.is_some() {
        return false;
    }
    let has_seen = |annotations: &crate::objects::Map| {
        annotations.get(&world.names.role_seen).is_some_and(|seen| seen == SEEN_ACTIVE)
    };
    let pods = count(stable.pods.iter());
    let needed = pods_for(wanted.percent, pods);
    let seen = count(stable.pods.iter().filter(|pod| pod.annotations.as_ref().is_some_and(has_seen)));
    if seen >= needed {
        return false;
    }
    let until = since.checked_add(wanted.timeout).unwrap_or(Timestamp::MAX);
    let counted = format!("{seen} of {pods} pods of {} have acknowledged the role active", stable.name);
    if draft.now >= until {
        let note = format!("{counted}; {needed} were wanted by {until}: {} is scaled down without", old.name);
        draft.events.push(Event::seen(reasons::ROLE_ACKNOWLEDGEMENT_TIMEOUT, note));
        return false;
    }
    let annotation = &world.names.role_seen;
    draft.wake(until);
    draft.wait(
        Wait::RoleAcknowledgement,
        format!("{counted}; {} keeps its pods until {needed} have, or until {until}", old.name),
        Some(format!("the application sets the annotation {annotation}={SEEN_ACTIVE} on its own pod")),
    );
    true
}
