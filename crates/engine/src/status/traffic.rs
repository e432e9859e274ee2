//! What status says of the traffic: the weights that are wanted and written, and what is managed.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::status::{WeightDestination, Weights};

use crate::course::Course;
use crate::draft::Draft;
use crate::gates;
use crate::snapshot::{Revision, ServiceView};
use crate::verification;

/// Reports the weights that the steps ask for and that the route carries.
pub fn weights(draft: &mut Draft<'_>, course: &Course<'_>) {
    let Some(traffic) =
        draft.world.traffic.as_ref().filter(|traffic| traffic.recorded && traffic.routes.all_found())
    else {
        return;
    };
    let side = |service: &ServiceView, weight| WeightDestination {
        weight,
        service_name: Some(service.name.clone()),
        pod_template_hash: service.selector.get(POD_TEMPLATE_HASH).cloned(),
    };
    if let Some(at) = draft.verified.iter().filter_map(|verified| verified.at).min() {
        draft.wake(at);
    }
    let canary = traffic.routes.canary_percent();
    let desired = match (course, &draft.world.strategy) {
        (Course::Stepping { .. }, Ok(strategy)) => gates::wanted_percent(draft, &strategy.steps),
        (Course::Stepping { .. }, Err(_)) => {
            draft.world.recorded_weights().map_or(canary, |weights| weights.desired)
        }
        _ => 0,
    };
    let written_at = draft
        .world
        .recorded_weights()
        .filter(|before| before.canary.weight == canary)
        .map_or_else(|| Some(Time(draft.now_in_seconds())), |before| before.written_at.clone());
    let weights = Weights {
        canary: side(&traffic.canary, canary),
        stable: side(&traffic.stable, 100 - canary),
        desired,
        written_at,
        verified: verification::verdict(&draft.verified),
        routes: draft.verified.iter().map(|verified| verified.record.clone()).collect(),
    };
    draft.status.canary.get_or_insert_default().weights = Some(weights);
}

/// Remembers what the Services were made to select, so that a foreign write can be told from our own and put back.
pub fn managed(draft: &mut Draft<'_>, course: &Course<'_>) {
    let Some(traffic) = draft.world.traffic.as_ref().filter(|traffic| traffic.recorded) else { return };
    let target = match course {
        Course::FirstDeploy { target } => *target,
        _ => course.stable(),
    };
    let canary = course.canary();
    let Some(managed) = draft.status.canary.as_mut().and_then(|canary| canary.managed.as_mut()) else {
        return;
    };
    if managed.stable_service.name != traffic.stable.name {
        return;
    }
    if let Some(target) = target.filter(|target| traffic.stable.selects(&target.hash)) {
        managed.stable_service.pod_template_hash = Some(target.hash.clone());
    }
    let recorded = managed.canary_service.pod_template_hash.clone();
    let is_recorded = |revision: &&Revision| recorded.as_ref() == Some(&revision.hash);
    let selected =
        [canary, target].into_iter().flatten().find(|revision| traffic.canary.selects(&revision.hash));
    // While the canary's own Service is recorded to be its own, another selector is a foreign write, not a new fact.
    if let Some(selected) = selected
        && (canary.is_none_or(|canary| canary.hash == selected.hash) || canary.filter(is_recorded).is_none())
    {
        managed.canary_service.pod_template_hash = Some(selected.hash.clone());
    }
}
