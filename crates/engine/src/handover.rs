//! The commit: the moment a revision is recorded as stable. What follows it is `traffic::settle` towards it.

use crate::action::Action;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::gates;
use crate::snapshot::Revision;
use crate::traffic;
use crate::verification;

/// Records a revision as stable once it has everything: pods, Services, traffic, and all steps done.
pub fn commit(draft: &mut Draft<'_>, course: &Course<'_>) {
    let ready = match course {
        Course::FirstDeploy { target: Some(target) } => is_deployed(draft, target).then_some(*target),
        Course::Stepping { stable, canary: Some(canary) } => {
            let is_ready = !draft.hold && !hand_over_unfinished(draft, stable) && has_all(draft, canary);
            (is_ready && is_verified(draft)).then_some(*canary)
        }
        _ => None,
    };
    // A record that was lost is made again, from what status or the Services still tell.
    let unrecorded = course.stable().filter(|stable| stable.stable_ordinal.is_none());
    let recorded = ready.or(unrecorded).or_else(|| still_serving(draft, course));
    let Some(revision) = recorded.filter(|revision| revision.owned) else { return };
    let unchanged = ready.map(|ready| ready.resource_version.clone());
    let subject = format!("ReplicaSet/{}", revision.name);
    if unchanged.is_some() && draft.actions.iter().any(|action| action.subject() == subject) {
        // It is about to have another version: the next plan commits.
        return;
    }
    let recorded = draft.world.revisions.iter().filter_map(|revision| revision.stable_ordinal);
    // Of one whose ReplicaSet is gone, status still tells.
    let reported = draft.world.recorded.canary.as_ref().and_then(|canary| canary.stable_ordinal);
    let newest = recorded.chain(reported).max().unwrap_or(0);
    draft.act(Action::RecordStable {
        replica_set: revision.name.clone(),
        uid: revision.uid.clone(),
        unchanged,
        hash: revision.hash.clone(),
        has_annotations: revision.has_annotations,
        before: revision.records.stable.clone(),
        ordinal: newest + 1,
    });
}

/// Where no pods are wanted there is no traffic to verify.
fn is_verified(draft: &mut Draft<'_>) -> bool {
    draft.world.rollout.replicas == 0 || verification::holds(draft)
}

/// Whether this is the stable revision, and the plan records another one: what it gets now would only be taken away.
pub fn is_replaced(draft: &Draft<'_>, revision: &Revision) -> bool {
    let is_stable = draft.world.stable().is_some_and(|stable| stable.uid == revision.uid);
    let mut actions = draft.actions.iter();
    is_stable
        && actions.any(|action| matches!(action, Action::RecordStable { uid, .. } if *uid != revision.uid))
}

/// A first revision is stable when it has all its pods and all the traffic.
fn is_deployed(draft: &Draft<'_>, target: &Revision) -> bool {
    let Some(traffic) = &draft.world.traffic else { return false };
    let complete = traffic.stable.found && traffic.canary.found && traffic.routes.all_found();
    target.available >= draft.world.rollout.replicas
        && draft.world.is_valid()
        && traffic.recorded
        && complete
        && traffic::is_settled(traffic, target)
}

fn has_all(draft: &Draft<'_>, canary: &Revision) -> bool {
    let (Some(traffic), Ok(strategy)) = (&draft.world.traffic, &draft.world.strategy) else { return false };
    let replicas = draft.world.rollout.replicas;
    if replicas == 0 {
        return gates::are_needless(draft.world);
    }
    gates::all_steps_done(draft, &strategy.steps)
        && traffic.recorded
        && traffic.canary.selects(&canary.hash)
        && traffic.routes.is_at(100)
        && traffic.canary.ready_of(&canary.hash) > 0
        && canary.available >= replicas
}

/// The revision before a hand-over that cannot finish, while another one is wanted already: the recorded one has no pod
/// that is ready, and the stable Service still serves everything from the one before. A commit at zero replicas that came
/// too late leaves this behind, and the newer template would wait for ever.
fn still_serving<'w>(draft: &Draft<'w>, course: &Course<'w>) -> Option<&'w Revision> {
    let Course::Stepping { stable, .. } = course else { return None };
    if draft.world.rollout.replicas == 0 {
        return None;
    }
    let traffic =
        draft.world.traffic.as_ref().filter(|traffic| traffic.recorded && traffic.routes.is_at(0))?;
    let mut revisions = draft.world.revisions.iter().filter(|revision| !revision.deleting);
    let serving = revisions.find(|revision| traffic.stable.selects(&revision.hash))?;
    let serves = serving.uid != stable.uid && serving.ready > 0 && traffic.stable.ready_of(&serving.hash) > 0;
    (serves && stable.ready == 0).then_some(serving)
}
