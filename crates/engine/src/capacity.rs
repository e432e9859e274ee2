//! Pods: how many each revision has, and when those that traffic has left may go.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::status::Drain;
use serin_api::validate::{DEFAULT_MAX_POD_LOAD, DEFAULT_SCALE_DOWN_DELAY_SECONDS, Step};

use crate::acknowledgement;
use crate::action::Action;
use crate::course::Course;
use crate::draft::Draft;
use crate::gates;
use crate::handover;
use crate::restart;
use crate::roles;
use crate::snapshot::Revision;
use crate::verification;
use crate::waits::Wait;

/// How long pods stay where the strategy cannot be read.
const DEFAULT_DELAY: SignedDuration = SignedDuration::from_secs(DEFAULT_SCALE_DOWN_DELAY_SECONDS as i64);

/// The pods that carry a share: rounded up, and never none, because clients pinned to the canary Service and the first
/// request of a share need one. None at all only where no replicas are wanted.
pub fn pods_for(percent: i32, replicas: i32) -> i32 {
    if replicas == 0 {
        return 0;
    }
    let exact = i64::from(percent) * i64::from(replicas);
    i32::try_from((exact + 99) / 100).unwrap_or(replicas).clamp(1, replicas)
}

/// The largest share that so many ready pods can carry.
pub fn carried_by(ready: i32, replicas: i32) -> i32 {
    let exact = i64::from(ready) * 100 / i64::from(replicas.max(1));
    i32::try_from(exact).unwrap_or(100).min(100)
}

/// The largest share that so many ready canary pods may have: past that, each would have to carry too much.
pub fn tolerated_by(draft: &Draft<'_>, ready: i32) -> i32 {
    let strategy = draft.world.strategy.as_ref();
    let load = strategy.map_or(DEFAULT_MAX_POD_LOAD, |strategy| strategy.max_pod_load);
    let replicas = i64::from(draft.world.rollout.replicas.max(1));
    i32::try_from(i64::from(ready) * i64::from(load) / replicas).unwrap_or(100).min(100)
}

/// The pods that a canary begins with.
pub fn first_pods(draft: &Draft<'_>) -> i32 {
    let Ok(strategy) = &draft.world.strategy else { return 0 };
    let index = gates::index(draft);
    canary_pods(draft, &strategy.steps, index).unwrap_or(0)
}

/// Whether `spec.paused` holds a canary that has not begun, so that it keeps the pods that it has, whatever they are.
pub fn keeps_its_pods(draft: &Draft<'_>, steps: &[Step]) -> bool {
    canary_pods(draft, steps, gates::index(draft)).is_none()
}

/// The canary's pods at `index`: those of the largest weight so far, because lowering a weight must not remove pods
/// that still serve. Before weight 100, and after the last step, all of them. While steps are held by `spec.paused`,
/// those of the steps that are done; a canary that has not begun gets none, and keeps those that it has: `None`.
fn canary_pods(draft: &Draft<'_>, steps: &[Step], index: usize) -> Option<i32> {
    let replicas = draft.world.rollout.replicas;
    if index >= steps.len() {
        return (!draft.world.rollout.paused || !steps.is_empty()).then_some(replicas);
    }
    let reached = if draft.world.rollout.paused { index } else { index + 1 };
    let weights = steps.iter().take(reached).filter_map(|step| match step {
        Step::SetWeight(percent) => Some(*percent),
        Step::Pause(_) => None,
    });
    match weights.max() {
        Some(percent) => Some(pods_for(percent, replicas)),
        None if draft.world.rollout.paused => None,
        None => Some(pods_for(0, replicas)),
    }
}

/// Brings every ReplicaSet to the number of pods that it should have.
pub fn scale(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    let drains_before =
        world.recorded.canary.as_ref().map(|canary| canary.drains.clone()).unwrap_or_default();
    let mut drains = Vec::new();
    let is_ours = |revision: &&Revision| revision.owned || world.rollout.deleted_at.is_some();
    for revision in world.revisions.iter().filter(is_ours).filter(|revision| !revision.deleting) {
        let (wanted, unchanged) = match wanted_pods(draft, course, revision) {
            Some(wanted) => (wanted, None),
            // It may be wanted again, stable, or ready since it was looked at.
            None => {
                let kept = drain(draft, course, revision, &drains_before, &mut drains);
                (kept, Some(revision.resource_version.clone()))
            }
        };
        let drained = |drain: &Drain| drain.pod_template_hash == revision.hash;
        if wanted > 0 && drains_before.iter().any(drained) && !drains.iter().any(drained) {
            // Traffic has come back. Were that not recorded, a second drain would count from the first one's beginning.
            draft.record_first = true;
        }
        match wanted.cmp(&revision.replicas) {
            Ordering::Equal => continue,
            Ordering::Greater if !roles::template_has_role(world, revision) => continue,
            // Its pods of before are what tells that the canary's may go.
            Ordering::Less if is_stable(course, revision) && canary_shrinks(draft, course) => continue,
            Ordering::Greater | Ordering::Less => {}
        }
        draft.act(Action::Scale {
            replica_set: revision.name.clone(),
            uid: revision.uid.clone(),
            revision: revision.number,
            unchanged,
            from: revision.replicas,
            to: wanted,
        });
    }
    draft.status.canary.get_or_insert_default().drains = drains;
}

/// Notes that the revision which gets all pods, in the end or for good, does not have them yet: a promotion waits for
/// them, and a verdict.
pub fn await_pods(draft: &mut Draft<'_>, course: &Course<'_>) {
    let awaited = match (course, &draft.world.strategy) {
        (Course::FirstDeploy { target }, _) => *target,
        (Course::Settled { stable }, _) => Some(*stable),
        (Course::Stepping { canary, .. }, Ok(strategy)) => {
            canary.filter(|_| gates::all_steps_done(draft, &strategy.steps))
        }
        (Course::Stepping { .. }, Err(_)) | (Course::Aborted { .. }, _) => None,
    };
    let wanted = draft.world.rollout.replicas;
    if let Some(revision) = awaited.filter(|revision| revision.available < wanted) {
        let message = format!("{} of {wanted} pods of {} are available", revision.available, revision.name);
        draft.wait(Wait::AvailablePods, message, None);
    }
}

/// The pods of a revision that has a place on the course, with the one more that a restart needs; `None` for one that is
/// on its way out.
fn wanted_pods(draft: &Draft<'_>, course: &Course<'_>, revision: &Revision) -> Option<i32> {
    let placed = placed_pods(draft, course, revision)?;
    // Pods that it gets now would only drain.
    if handover::is_replaced(draft, revision) {
        return Some(placed.min(revision.replicas));
    }
    let with_surge = placed.saturating_add(restart::surge(draft, course, revision));
    // After a commit in this very plan the turn may be another revision's.
    Some(if restart::must_wait(draft) { with_surge.min(placed.max(revision.replicas)) } else { with_surge })
}

/// The same without a restart.
fn placed_pods(draft: &Draft<'_>, course: &Course<'_>, revision: &Revision) -> Option<i32> {
    let is = |other: Option<&Revision>| other.is_some_and(|other| other.uid == revision.uid);
    if is_stable(course, revision) || matches!(course, Course::FirstDeploy { target } if is(*target)) {
        return Some(draft.world.rollout.replicas);
    }
    if let Some(canary) = course.canary().filter(|canary| is(Some(canary))) {
        return Some(canary_keeps(draft, course, canary));
    }
    // While it is unclear whether the wanted template is one of these, none of them loses a pod. Of what is deleted, none is
    // wanted.
    let is_unclear = draft.world.current == crate::snapshot::CurrentRevision::Unclear;
    if is_unclear && draft.world.rollout.deleted_at.is_none() {
        return Some(revision.replicas);
    }
    None
}

/// The pods that a canary cannot do without: those of its step, and those that carry a share until it is lowered.
pub fn canary_needs(draft: &Draft<'_>, canary: &Revision) -> i32 {
    let Ok(strategy) = &draft.world.strategy else { return canary.replicas };
    let replicas = draft.world.rollout.replicas;
    let wanted = canary_pods(draft, &strategy.steps, gates::index(draft));
    let wanted = wanted.unwrap_or_else(|| canary.replicas.min(replicas));
    match draft.world.traffic.as_ref().filter(|traffic| traffic.canary.selects(&canary.hash)) {
        Some(traffic) => {
            let share = traffic.routes.canary_percent().max(share_asked_for(draft));
            wanted.max(pods_for(share, replicas).min(canary.replicas))
        }
        None => wanted,
    }
}

/// What a canary needs, and the pods beyond that an earlier attempt left, or steps that have been edited: clients that
/// are pinned to its Service would meet each one that ends. They go at the end of a restart, with the one more that it
/// needed. Where the Rollout is scaled down, the canary is scaled with it; that the stable revision still has the pods of
/// before tells so.
fn canary_keeps(draft: &Draft<'_>, course: &Course<'_>, canary: &Revision) -> i32 {
    let needs = canary_needs(draft, canary);
    if restart::ends(draft, course) || is_scaled_down(draft, course) {
        return needs;
    }
    needs.max(canary.replicas.min(draft.world.rollout.replicas))
}

/// Whether a canary is to lose pods, which is what others wait for.
pub fn canary_shrinks(draft: &Draft<'_>, course: &Course<'_>) -> bool {
    let canary = course.canary().filter(|canary| canary.owned && !canary.deleting);
    // Of no replicas nothing is kept.
    draft.world.rollout.replicas > 0
        && canary.is_some_and(|canary| {
            wanted_pods(draft, course, canary).is_some_and(|wanted| wanted < canary.replicas)
        })
}

fn is_stable(course: &Course<'_>, revision: &Revision) -> bool {
    course.stable().is_some_and(|stable| stable.uid == revision.uid)
}

fn is_scaled_down(draft: &Draft<'_>, course: &Course<'_>) -> bool {
    course.stable().is_some_and(|stable| {
        stable.replicas > draft.world.rollout.replicas + restart::surge(draft, course, stable)
    })
}

/// The canary's share that this very plan asks for.
fn share_asked_for(draft: &Draft<'_>) -> i32 {
    let shares = draft.actions.iter().map(|action| match action {
        Action::SetWeights { percent, .. } => *percent,
        _ => 0,
    });
    shares.max().unwrap_or(0)
}

/// Counts the drain delay of a revision that traffic has left, and says how many pods it may keep.
fn drain(
    draft: &mut Draft<'_>,
    course: &Course<'_>,
    revision: &Revision,
    before: &[Drain],
    drains: &mut Vec<Drain>,
) -> i32 {
    if revision.replicas == 0 {
        return 0;
    }
    let is_listed = draft.world.traffic.as_ref().is_some_and(|traffic| {
        [&traffic.stable, &traffic.canary].iter().any(|service| service.ready_of(&revision.hash) > 0)
    });
    let is_ready = revision.available > 0 || revision.ready > 0 || is_listed;
    let serves_nobody = !is_ready && matches!(course, Course::FirstDeploy { .. });
    if serves_nobody {
        return 0;
    }
    let recorded = before.iter().find(|drain| drain.pod_template_hash == revision.hash);
    if !traffic_has_left(draft, course, revision, recorded.is_some()) {
        return revision.replicas;
    }
    if draft.world.rollout.replicas == 0 {
        return 0;
    }
    // Until the gateways are known to send them nothing, the drain does not begin.
    if recorded.is_none()
        && let Some(missing) = verification::missing(draft)
    {
        draft.wait(Wait::Drain, format!("{} keeps its pods until then: {missing}", revision.name), None);
        return revision.replicas;
    }
    let since = recorded.map_or_else(|| draft.now_in_seconds(), |drain| drain.since.0);
    drains.push(Drain { pod_template_hash: revision.hash.clone(), since: Time(since) });
    let Some(delay) = drain_delay(draft, course, revision) else { return revision.replicas };
    let until = since.checked_add(delay).unwrap_or(Timestamp::MAX);
    let drained = draft.now >= until && recorded.is_some() || delay.is_zero();
    if !drained {
        draft.wake(until);
        draft.wait(Wait::Drain, format!("{} keeps its pods until {until}", revision.name), None);
    } else if !acknowledgement::holds(draft, course, revision, since) {
        return 0;
    }
    revision.replicas
}

fn drain_delay(draft: &Draft<'_>, course: &Course<'_>, revision: &Revision) -> Option<SignedDuration> {
    let Ok(strategy) = &draft.world.strategy else { return Some(DEFAULT_DELAY) };
    let aborted =
        matches!(course, Course::Aborted { canary: Some(canary), .. } if canary.uid == revision.uid);
    if aborted { strategy.abort_scale_down_delay } else { Some(strategy.scale_down_delay) }
}

/// No Service can select the revision, none lists it, and no share is on its way from it. Where its drain has begun, the
/// share has been at zero: a weight that somebody else writes after that reaches other pods, and does not begin it anew.
fn traffic_has_left(draft: &Draft<'_>, course: &Course<'_>, revision: &Revision, drains: bool) -> bool {
    let Some(traffic) = &draft.world.traffic else { return true };
    let hash = &revision.hash;
    if !traffic.recorded {
        // Unless a selector says which revision is meant, the newest that is complete takes over for all.
        let is_selected = traffic.stable.selects(hash) || traffic.canary.selects(hash);
        return !is_selected
            && matches!(course, Course::FirstDeploy { target: Some(target) }
                if target.available >= draft.world.rollout.replicas);
    }
    let unreached = [&traffic.stable, &traffic.canary].iter().all(|service| {
        !service.reaches(hash) && service.ready_of(hash) == 0 && !service.ending.contains(hash)
    });
    let settles = matches!(course, Course::Settled { .. } | Course::Aborted { .. });
    let rests = traffic.routes.canary_is_zero()
        || course.stable().is_some_and(|stable| traffic.rests_restored(&stable.hash));
    unreached && (drains || !settles || rests)
}
