//! How soon a change of status has to be written.

use jiff::{SignedDuration, Timestamp};
use serin_api::status::{Phase, RolloutStatus};

/// How long a change of status that is not urgent waits for others that follow from the same cause.
const GATHERING: SignedDuration = SignedDuration::from_millis(250);

/// How long it waits at least after the last write.
const SPACING: SignedDuration = SignedDuration::from_secs(1);

/// How soon a change of status has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It goes on, or only counters moved: together with what follows, at most once a second.
    Coalesced,
    /// Something that people wait for, or that later plans build on.
    Now,
}

impl Urgency {
    /// When a change has to be written that was first seen at `since`, where `last` was the last write.
    pub fn due(self, since: Timestamp, last: Option<Timestamp>) -> Timestamp {
        let after = |time: Timestamp, delay| time.checked_add(delay).unwrap_or(time);
        match self {
            Self::Coalesced => {
                let gathered = after(since, GATHERING);
                last.map_or(gathered, |last| gathered.max(after(last, SPACING)))
            }
            Self::Now => since,
        }
    }
}

/// How urgent the difference is, or `None` where there is none.
pub fn urgency(before: &RolloutStatus, after: &RolloutStatus) -> Option<Urgency> {
    if before == after {
        return None;
    }
    let memory = |status: &RolloutStatus| {
        let canary = status.canary.clone().unwrap_or_default();
        let paused_step = canary.paused_step_index;
        let managed = canary
            .managed
            .map(|managed| (managed.routes, managed.stable_service, managed.canary_service.name));
        let pause = (
            status.pause_conditions.clone(),
            status.controller_pause,
            paused_step,
            status.judged_resume.clone(),
        );
        let asked =
            (status.abort, status.aborted_pod_hash.clone(), status.promote_full, status.collision_count);
        (managed, pause, asked)
    };
    // A pause that has merely run out is told with what follows from it.
    let ran_out =
        after.pause_conditions.is_empty() && after.judged_resume == before.judged_resume && !after.abort;
    let remembers = if ran_out {
        let without_pause = |status: &RolloutStatus| {
            let (managed, _, asked) = memory(status);
            (managed, asked)
        };
        without_pause(before) != without_pause(after)
    } else {
        memory(before) != memory(after)
    };
    let drains = |status: &RolloutStatus| {
        status.canary.as_ref().map(|canary| canary.drains.clone()).unwrap_or_default()
    };
    // A drain that begins must be remembered; one that is over is only no longer told.
    let drains_begin = drains(after).iter().any(|drain| !drains(before).contains(drain));
    // The settle time counts from what is recorded.
    let accepted = |status: &RolloutStatus| -> Vec<_> {
        let weights = status.canary.as_ref().and_then(|canary| canary.weights.as_ref());
        let routes = weights.map(|weights| &weights.routes[..]).unwrap_or_default();
        routes.iter().filter_map(|route| Some((route.name.clone(), route.accepted_at.clone()?))).collect()
    };
    let settles = |status: &RolloutStatus| {
        let weights = status.canary.as_ref().and_then(|canary| canary.weights.as_ref());
        weights.is_some_and(|weights| weights.verified == Some(false))
    };
    let begins_to_settle = settles(after) && accepted(after) != accepted(before);
    let verdict = after.phase != before.phase && after.phase != Some(Phase::Progressing);
    Some(if remembers || drains_begin || begins_to_settle || verdict {
        Urgency::Now
    } else {
        Urgency::Coalesced
    })
}
