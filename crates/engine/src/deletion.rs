//! Deletion: the traffic is made safe, the canary goes, the Services get their own selectors back, and only then the
//! Rollout is let go. It never takes longer than a minute.

use jiff::{SignedDuration, Timestamp};
use serin_api::names::POD_TEMPLATE_HASH;

use crate::action::Action;
use crate::capacity;
use crate::course::Course;
use crate::draft::Draft;
use crate::events::{Event, reasons};
use crate::references;
use crate::snapshot::{Revision, ServiceView, TrafficView};
use crate::status;
use crate::traffic;

/// After this time the Rollout is let go whatever is left.
const LIMIT: SignedDuration = SignedDuration::from_secs(60);

/// So long before the limit the Services get their selectors back, whatever still drains.
const LAST_CALL: SignedDuration = SignedDuration::from_secs(10);

/// Takes the next step of the deletion.
pub fn proceed(draft: &mut Draft<'_>, deleted_at: Timestamp) {
    let world = draft.world;
    let finalizers = world.rollout.finalizers.as_deref().unwrap_or_default();
    let Some(index) = finalizers.iter().position(|finalizer| *finalizer == world.names.finalizer) else {
        // It is let go, and others may still hold it: nothing is told of it any more.
        draft.status = world.recorded.clone();
        return;
    };
    let let_go = Action::RemoveFinalizer { index, finalizer: world.names.finalizer.clone() };
    let limit = deleted_at.checked_add(LIMIT).unwrap_or(deleted_at);
    if world.rollout.namespace_terminating {
        draft.act(let_go);
        return;
    }
    if draft.now >= limit {
        let note = "Deletion took longer than 60 s: let go with routes, Services and pods as they are";
        draft.events.push(Event::seen(reasons::DELETION_TIMEOUT, note));
        draft.act(let_go);
        return;
    }
    if is_safe(draft, limit) {
        draft.act(let_go);
    } else {
        draft.wake(limit);
    }
}

/// Everything is as it should be left behind; otherwise asks for the next step towards that.
fn is_safe(draft: &mut Draft<'_>, limit: Timestamp) -> bool {
    let Some(traffic) = draft.world.traffic.as_ref().filter(|traffic| traffic.recorded) else { return true };
    if is_left_as_found(draft, traffic) {
        return true;
    }
    // Of several routes, some may have their own weights already.
    if is_released(traffic) && only_stable_is_left(draft) && traffic.routes.each_rests() {
        return !give_weights_back(draft, traffic);
    }
    if let Some(stable) = draft.world.stable() {
        let course = Course::Settled { stable };
        status::stable(draft, &course);
        // A hand-over goes on from what is recorded of the Services.
        status::managed(draft, &course);
        if !traffic::is_settled_or_released(traffic, stable) {
            traffic::settle_on(draft, stable);
            return false;
        }
        // Pods that drain for longer than that are left to drain by themselves: a Service that has its own selector back
        // reaches them.
        let last_call = limit.checked_sub(LAST_CALL).unwrap_or(limit);
        if draft.now < last_call && !others_are_gone(draft, stable) {
            draft.wake(last_call);
            return false;
        }
    }
    let ours =
        |name: &str| [&traffic.stable, &traffic.canary].into_iter().find(|service| service.name == name);
    // The canary Service first: it has no share, so a mistake there would harm nobody.
    for name in [&traffic.canary.name, &traffic.stable.name] {
        if let Some(service) = ours(name).filter(|service| service.selector.contains_key(POD_TEMPLATE_HASH)) {
            draft.act(references::release(service));
            return false;
        }
    }
    !give_weights_back(draft, traffic)
}

/// Both Services select what the user said, the route has the user's weights, and nothing but the stable revision is left.
fn is_left_as_found(draft: &Draft<'_>, traffic: &TrafficView) -> bool {
    is_released(traffic) && only_stable_is_left(draft) && traffic.routes.is_restored()
}

fn is_released(traffic: &TrafficView) -> bool {
    let is_own = |service: &ServiceView| !service.selector.contains_key(POD_TEMPLATE_HASH);
    is_own(&traffic.stable) && is_own(&traffic.canary)
}

fn only_stable_is_left(draft: &Draft<'_>) -> bool {
    let Some(stable) = draft.world.stable() else { return false };
    let mut others = draft.world.revisions.iter().filter(|other| other.uid != stable.uid && !other.deleting);
    others.all(|other| other.replicas == 0 && other.existing == 0)
}

/// The last act: with their own selectors both Services have the same pods, so that it makes no difference which of them
/// a request goes to. True while it is not done; where it cannot be done, the weights stay at 100 and 0.
fn give_weights_back(draft: &mut Draft<'_>, traffic: &TrafficView) -> bool {
    let acts = traffic::restoring(draft, traffic);
    if acts.is_empty() || !only_stable_is_left(draft) {
        return false;
    }
    if let Some(at) = traffic::restoring_again_at(draft, traffic) {
        draft.wake(at);
        return true;
    }
    // The EndpointSlices of one Service may be behind those of the other.
    if traffic.canary.ready.len() == traffic.stable.ready.len() {
        acts.into_iter().for_each(|act| draft.act(act));
    }
    true
}

/// The canary and everything older drain as they would after a promotion. Under `--cascade=orphan` their owner
/// references may be gone already; they go all the same.
fn others_are_gone(draft: &mut Draft<'_>, stable: &Revision) -> bool {
    capacity::scale(draft, &Course::Settled { stable });
    only_stable_is_left(draft)
}
