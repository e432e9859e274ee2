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
    let Some(revision) = ready.or(unrecorded).filter(|revision| revision.owned) else { return };
    let newest =
        draft.world.revisions.iter().filter_map(|revision| revision.stable_ordinal).max().unwrap_or(0);
    draft.act(Action::RecordStable {
        replica_set: revision.name.clone(),
        uid: revision.uid.clone(),
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

/// A first revision is stable when it has all its pods and all the traffic.
fn is_deployed(draft: &Draft<'_>, target: &Revision) -> bool {
    let Some(traffic) = &draft.world.traffic else { return false };
    let complete = traffic.stable.found && traffic.canary.found && traffic.route.found;
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
        && traffic.route.is_at(100)
        && traffic.canary.ready_of(&canary.hash) > 0
        && canary.available >= replicas
}
