//! Which routes and Services are managed: recorded before the first traffic write, and made safe before others take
//! their place.

use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::route::RouteId;
use serin_api::status::{ManagedRoute, ManagedService, ManagedTraffic};

use crate::action::Action;
use crate::course::Course;
use crate::draft::Draft;
use crate::routes::RouteView;
use crate::snapshot::{ServiceView, TrafficView};
use crate::traffic;

/// Records the references of the spec once they can be used, and the finalizer that keeps them safe before that. True
/// while references that the spec no longer names are being released: nothing else may then be done to them.
pub fn manage(draft: &mut Draft<'_>, course: &Course<'_>) -> bool {
    let world = draft.world;
    let Some(traffic) = &world.traffic else { return false };
    if !has_finalizer(draft) {
        if world.is_valid() {
            draft.act(Action::AddFinalizer { present: world.rollout.finalizers.clone() });
        }
        return false;
    }
    if !world.is_valid() {
        return false;
    }
    match &traffic.wanted {
        None if traffic.recorded => {
            record_original_weights(draft, traffic);
            false
        }
        None => {
            record(draft, traffic);
            false
        }
        Some(wanted) => {
            let is_safe =
                course.stable().is_none_or(|stable| traffic::is_settled_or_released(traffic, stable));
            if is_safe && release_selectors(draft, traffic) {
                let canary = draft.status.canary.get_or_insert_default();
                canary.managed = Some(wanted.clone());
                canary.weights = None;
                draft.record_first = true;
            }
            is_safe
        }
    }
}

fn has_finalizer(draft: &Draft<'_>) -> bool {
    let finalizers = draft.world.rollout.finalizers.iter().flatten();
    finalizers.into_iter().any(|finalizer| *finalizer == draft.world.names.finalizer)
}

fn record(draft: &mut Draft<'_>, traffic: &TrafficView) {
    let service = |view: &ServiceView| ManagedService {
        name: view.name.clone(),
        pod_template_hash: view.selector.get(POD_TEMPLATE_HASH).cloned(),
    };
    draft.status.canary.get_or_insert_default().managed = Some(ManagedTraffic {
        routes: traffic.routes.0.iter().map(|route| managed_route(draft, route)).collect(),
        stable_service: service(&traffic.stable),
        canary_service: service(&traffic.canary),
    });
}

fn managed_route(draft: &Draft<'_>, route: &RouteView) -> ManagedRoute {
    let RouteId { kind, namespace, name } = route.id.clone();
    ManagedRoute {
        kind: kind.kind().to_owned(),
        namespace,
        name,
        rules: route.only.clone(),
        // With a stable revision but no record of ours, ours was lost: the weights may be of our own making.
        original_weights: match draft.world.stable() {
            Some(_) => route.rest_weights(),
            None => route.original_weights(),
        },
    }
}

/// After a change of references the user's weights on the new routes are not known yet.
fn record_original_weights(draft: &mut Draft<'_>, traffic: &TrafficView) {
    let Some(managed) = draft.status.canary.as_mut().and_then(|canary| canary.managed.as_mut()) else {
        return;
    };
    for route in traffic.routes.0.iter().filter(|route| route.found && !route.pairs.is_empty()) {
        let is_new = |managed: &&mut ManagedRoute| {
            managed.original_weights.is_empty() && managed.id().as_ref() == Some(&route.id)
        };
        if let Some(managed) = managed.routes.iter_mut().find(is_new) {
            managed.original_weights = route.original_weights();
            draft.record_first = true;
        }
    }
}

/// Takes our key out of the selectors of Services that the spec no longer names; true when none has it.
fn release_selectors(draft: &mut Draft<'_>, traffic: &TrafficView) -> bool {
    let keeps = |name: &str| {
        let wanted = traffic.wanted.as_ref();
        wanted.is_some_and(|wanted| wanted.stable_service.name == name || wanted.canary_service.name == name)
    };
    let held = |service: &&ServiceView| {
        service.found && service.selector.contains_key(POD_TEMPLATE_HASH) && !keeps(&service.name)
    };
    match [&traffic.stable, &traffic.canary].into_iter().find(held) {
        Some(service) => {
            draft.act(release(service));
            false
        }
        None => true,
    }
}

/// Gives a Service its own selector back.
pub fn release(service: &ServiceView) -> Action {
    Action::Select {
        service: service.name.clone(),
        before: service.selector.clone(),
        hash: None,
        drift: None,
    }
}
