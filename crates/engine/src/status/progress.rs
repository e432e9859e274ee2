//! Progress and its deadline: a revision that does not come nearer for too long gets a verdict.

use jiff::{SignedDuration, Timestamp};
use serin_api::conditions::ConditionType;
use serin_api::status::{Phase, RolloutStatus};

use crate::course::Course;
use crate::draft::Draft;
use crate::snapshot::Revision;

/// How the wanted revision comes along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When it last came nearer.
    pub last: Timestamp,
    /// It has not come nearer within the deadline.
    pub exceeded: bool,
}

/// Measures progress. The draft's counters and step must be final.
pub fn measure(draft: &mut Draft<'_>, course: &Course<'_>) -> Progress {
    let recorded = &draft.world.recorded;
    let before = recorded.conditions.iter().find(|condition| condition.kind == ConditionType::Progressing);
    let last = match before {
        Some(condition) if !has_progressed(recorded, &draft.status) && !was_held(draft) => {
            condition.last_update_time.0
        }
        _ => draft.now_in_seconds(),
    };
    if !can_be_late(draft, course) {
        return Progress { last, exceeded: false };
    }
    let deadline = SignedDuration::from_secs(draft.world.rollout.progress_deadline_seconds);
    let until = last.checked_add(deadline).unwrap_or(Timestamp::MAX);
    let exceeded = draft.now >= until;
    if !exceeded {
        draft.wake(until);
    }
    Progress { last, exceeded }
}

/// Whether anything came nearer since status was recorded.
fn has_progressed(before: &RolloutStatus, after: &RolloutStatus) -> bool {
    before.current_pod_hash != after.current_pod_hash
        || before.stable_rs != after.stable_rs
        || before.current_step_index != after.current_step_index
        || before.current_step_hash != after.current_step_hash
        || before.pause_conditions != after.pause_conditions
        || before.abort != after.abort
        || before.updated_replicas != after.updated_replicas
        || after.ready_replicas > before.ready_replicas
        || after.available_replicas > before.available_replicas
}

/// Until now it was held by a person or by a spec that could not be used: that time does not count.
fn was_held(draft: &Draft<'_>) -> bool {
    let recorded = &draft.world.recorded;
    let paused = recorded.phase == Some(Phase::Paused) && !draft.world.rollout.paused;
    let invalid = recorded.conditions.iter().any(|condition| condition.kind == ConditionType::InvalidSpec);
    paused && draft.status.pause_conditions.is_empty() || invalid && draft.world.is_valid()
}

/// Time counts only while pods are awaited: not in a pause, not after an abort, not at rest.
fn can_be_late(draft: &Draft<'_>, course: &Course<'_>) -> bool {
    if draft.world.rollout.paused || !draft.status.pause_conditions.is_empty() {
        return false;
    }
    let lacks_pods =
        |revision: &Revision| revision.available < revision.replicas || revision.failure.is_some();
    match course {
        Course::FirstDeploy { target } => target.is_some_and(lacks_pods),
        Course::Stepping { canary, .. } => canary.is_some_and(lacks_pods),
        Course::Aborted { .. } | Course::Settled { .. } => false,
    }
}
