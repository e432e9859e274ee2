//! Restarts: pods that are older than `spec.restartAt` are replaced one by one, without steps and without a gap.
//!
//! Everything follows from the pods that are there, so it goes on after whatever has happened in between.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::action::Action;
use crate::capacity;
use crate::course::Course;
use crate::draft::Draft;
use crate::snapshot::{PodView, Revision, Snapshot};

/// How long an eviction that was granted may take until the pod is seen to end. Then it is asked for again, which does
/// no harm.
const SEEN_WITHIN: SignedDuration = SignedDuration::from_secs(5);

/// The time before which pods are old, while a restart is due.
pub fn due(world: &Snapshot, now: Timestamp) -> Option<Timestamp> {
    let is_done = |at: &Timestamp| world.recorded.restarted_at.as_ref().is_some_and(|done| done.0 == *at);
    let at = world.rollout.restart_at.filter(|at| !is_done(at))?;
    (at <= now && world.rollout.deleted_at.is_none()).then_some(at)
}

/// How many pods more than wanted the revision has for the restart: one, while it is its turn and it has old pods.
pub fn surge(draft: &Draft<'_>, course: &Course<'_>, revision: &Revision) -> i32 {
    // A canary under steps that cannot be read, or that spec.paused holds before it has begun, keeps the pods that it has:
    // one more would be another one more in the next plan. One that has more pods than it needs has the one more.
    let has_a_size = |needs: i32| {
        let strategy = draft.world.strategy.as_ref();
        revision.replicas.min(draft.world.rollout.replicas) <= needs
            && strategy.is_ok_and(|strategy| !capacity::keeps_its_pods(draft, &strategy.steps))
    };
    let is_turn = |(turn, kept): (&Revision, i32)| {
        turn.uid == revision.uid
            && kept > 0
            && (course.stable().is_some_and(|stable| stable.uid == turn.uid) || has_a_size(kept))
    };
    i32::from(in_turn(draft, course).is_some_and(is_turn))
}

/// Whether a restart is due of which no old pod is left: what is left to do is to record that.
pub fn ends(draft: &Draft<'_>, course: &Course<'_>) -> bool {
    due(draft.world, draft.now).is_some() && !must_wait(draft) && in_turn(draft, course).is_none()
}

/// The plan records another revision as stable, and what comes after that is for the next one to say.
pub fn must_wait(draft: &Draft<'_>) -> bool {
    draft.actions.iter().any(|action| matches!(action, Action::RecordStable { .. }))
}

/// Lets the next old pod go when it is not missed, and notes when there is none left.
pub fn proceed(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    if let Some(at) = world.rollout.restart_at.filter(|at| *at > draft.now) {
        draft.wake(at);
    }
    let Some(at) = due(world, draft.now).filter(|_| !must_wait(draft)) else { return };
    let Some((revision, kept)) = in_turn(draft, course) else {
        // Afterwards, nothing would tell pods that only the restart needed.
        if !capacity::canary_shrinks(draft, course) {
            draft.status.restarted_at = Some(Time(at));
        }
        return;
    };
    let old = || revision.pods.iter().filter(|pod| pod.created < at);
    let available = revision.pods.iter().filter(|pod| is_available(draft, revision, pod)).count();
    // A pod that serves nobody is not missed.
    let unready = old().filter(|pod| pod.ready_since.is_none()).min_by(age);
    let spare = || old().min_by(age).filter(|_| i32::try_from(available).is_ok_and(|pods| pods > kept));
    // One by one: until its ReplicaSet has as many pods as it should, one is still on its way.
    let complete = i32::try_from(revision.pods.len()).is_ok_and(|pods| pods >= revision.replicas);
    let Some(pod) = unready.or_else(spare).filter(|_| complete) else {
        wake_when_available(draft, revision);
        return;
    };
    match &world.recall.evicted {
        Some((uid, asked)) if *uid == pod.uid && draft.now < later(*asked, SEEN_WITHIN) => {
            draft.wake(later(*asked, SEEN_WITHIN));
        }
        _ => draft.act(Action::Evict {
            pod: pod.name.clone(),
            uid: pod.uid.clone(),
            resource_version: pod.resource_version.clone(),
        }),
    }
}

/// The revision whose pods are replaced now, and how many available pods it keeps: the stable one first, then the canary.
fn in_turn<'w>(draft: &Draft<'w>, course: &Course<'w>) -> Option<(&'w Revision, i32)> {
    let at = due(draft.world, draft.now)?;
    let has_old = |revision: &&Revision| revision.owned && revision.pods.iter().any(|pod| pod.created < at);
    let first = match course {
        Course::FirstDeploy { target } => *target,
        _ => course.stable(),
    };
    if let Some(first) = first.filter(has_old) {
        return Some((first, draft.world.rollout.replicas));
    }
    let canary = course.canary().filter(has_old)?;
    let serves = draft.world.traffic.as_ref().is_some_and(|traffic| traffic.canary.selects(&canary.hash));
    // Before its Service selects it, none of its pods is missed.
    let kept = if serves { capacity::canary_needs(draft, canary) } else { 0 };
    Some((canary, kept))
}

fn is_available(draft: &Draft<'_>, revision: &Revision, pod: &PodView) -> bool {
    pod.ready_since.is_some_and(|since| later(since, min_ready(revision)) <= draft.now)
}

/// `minReadySeconds` run out without anything that could be seen.
fn wake_when_available(draft: &mut Draft<'_>, revision: &Revision) {
    let times = revision.pods.iter().filter_map(|pod| Some(later(pod.ready_since?, min_ready(revision))));
    if let Some(next) = times.filter(|at| *at > draft.now).min() {
        draft.wake(next);
    }
}

fn min_ready(revision: &Revision) -> SignedDuration {
    SignedDuration::from_secs(revision.min_ready_seconds.into())
}

fn later(time: Timestamp, delay: SignedDuration) -> Timestamp {
    time.checked_add(delay).unwrap_or(Timestamp::MAX)
}

/// The oldest first; the name decides between pods of one moment.
fn age(a: &&PodView, b: &&PodView) -> std::cmp::Ordering {
    (a.created, &a.name).cmp(&(b.created, &b.name))
}
