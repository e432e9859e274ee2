//! Traffic: at most one move in a plan, a weight or a selector, and only where it cannot fail a request.
//!
//! A Service is moved between revisions only while its share is 0. So every change of version is a walk: weights to
//! the Service that is right, the other one over, weights back. `settle` walks towards one revision on both Services,
//! `step` towards the canary's share.

mod writes;

use serin_api::spec::AtRest;

use crate::action::Action;
use crate::capacity;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::gates;
use crate::roles;
use crate::snapshot::{self, Revision, ServiceView, TrafficView};
use crate::verification;
use crate::waits::Wait;

use writes::ask;
pub use writes::{restoring, restoring_again_at};

/// The next move.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Move {
    /// Give the canary Service this share.
    Share(i32),
    /// Take the canary Service's share down to this where it is larger.
    Lower(i32),
    /// Give the routes the user's own weights back.
    Restore,
    /// Let the stable Service select a revision.
    SelectStable(String),
    /// Let the canary Service select a revision.
    SelectCanary(String),
}

/// Asks for the next traffic move, if one is needed and safe.
pub fn steer(draft: &mut Draft<'_>, course: &Course<'_>) {
    let Some(traffic) = draft.world.traffic.as_ref() else { return };
    if !traffic.recorded || draft.world.yields {
        return;
    }
    // What the stable Service serves becomes stable again: the course of this plan is no longer the Rollout's.
    if hand_over_is_taken_back(draft, traffic) {
        return;
    }
    if let Some(stable) = course.stable().filter(|stable| needs_refuge(draft, traffic, stable)) {
        return take_refuge(draft, traffic, stable);
    }
    let next = match course {
        Course::FirstDeploy { target: Some(target) } if target.available >= draft.world.rollout.replicas => {
            settle(draft, traffic, target)
        }
        Course::FirstDeploy { .. } => None,
        Course::Settled { stable } | Course::Aborted { stable, .. } => {
            restore(draft, traffic, stable).or_else(|| settle(draft, traffic, stable))
        }
        Course::Stepping { stable, .. } if hand_over_unfinished(draft, stable) => {
            settle(draft, traffic, stable)
        }
        Course::Stepping { stable, canary } => step(draft, traffic, stable, *canary),
    };
    if let Some(next) = next {
        ask(draft, traffic, next);
    }
}

fn hand_over_is_taken_back(draft: &Draft<'_>, traffic: &TrafficView) -> bool {
    let is_stable = |hash: &str| draft.world.stable().is_some_and(|stable| stable.hash == hash);
    draft.actions.iter().any(|action| {
        matches!(action, Action::RecordStable { hash, .. } if traffic.stable.selects(hash) && !is_stable(hash))
    })
}

/// Both Services can select the stable revision, and only the canary Service reaches pods of it: somebody has taken the
/// other one's endpoints away.
fn needs_refuge(draft: &Draft<'_>, traffic: &TrafficView, stable: &Revision) -> bool {
    let both = traffic.stable.reaches(&stable.hash) && traffic.canary.selects(&stable.hash);
    both && traffic.stable.ready.is_empty() && traffic.canary.ready_of(&stable.hash) > 0 && !is_at_rest(draft)
}

fn take_refuge(draft: &mut Draft<'_>, traffic: &TrafficView, stable: &Revision) {
    let (empty, refuge) = (&traffic.stable.name, &traffic.canary.name);
    let message = format!(
        "Service {empty} has no ready endpoints: Service {refuge} serves all traffic, with pods of {}",
        stable.name
    );
    draft.wait(Wait::StableEndpoints, message, None);
    if !traffic.routes.is_at(100) {
        ask(draft, traffic, Move::Share(100));
    }
}

/// Moves towards both Services selecting `target` at weights 100/0, as a deletion does too.
pub fn settle_on(draft: &mut Draft<'_>, target: &Revision) {
    if let Some(traffic) = draft.world.traffic.as_ref()
        && let Some(next) = settle(draft, traffic, target)
    {
        ask(draft, traffic, next);
    }
}

/// Whether nothing is left for `settle` to do. What is missing counts as done.
pub fn is_settled(traffic: &TrafficView, target: &Revision) -> bool {
    let right = |service: &ServiceView| !service.found || service.selects(&target.hash);
    right(&traffic.stable) && right(&traffic.canary) && is_at_rest_weights(traffic, target)
}

fn is_at_rest_weights(traffic: &TrafficView, target: &Revision) -> bool {
    traffic.routes.is_at(0) || traffic.rests_restored(&target.hash)
}

/// The same, where a Service may have got its own selector back already.
pub fn is_settled_or_released(traffic: &TrafficView, target: &Revision) -> bool {
    let right = |service: &ServiceView| !service.found || service.reaches(&target.hash);
    let is_at_rest = traffic.routes.is_at(0) || traffic.rests_restored_or_released(&target.hash);
    right(&traffic.stable) && right(&traffic.canary) && is_at_rest
}

/// The user's own weights, where they are wanted at rest: as soon as both Services list the same pods, and that is
/// recorded, so that a foreign selector can be told.
fn restore(draft: &mut Draft<'_>, traffic: &TrafficView, target: &Revision) -> Option<Move> {
    let TrafficView { stable, canary, routes, .. } = traffic;
    let has_all = |service: &ServiceView| {
        service.selects(&target.hash)
            && service.recorded.as_ref() == Some(&target.hash)
            && service.ready_of_others(&target.hash) == 0
    };
    let is_wanted = traffic.at_rest == AtRest::Restore && draft.world.is_valid();
    let same = has_all(stable) && has_all(canary) && stable.ready.len() == canary.ready.len();
    let differs = routes.restoring().is_some_and(|changes| !changes.is_empty());
    if let Some(at) = restoring_again_at(draft, traffic).filter(|_| is_wanted && traffic.routes.0.len() > 1) {
        draft.wake(at);
        return None;
    }
    (is_wanted && same && differs).then_some(Move::Restore)
}

fn settle(draft: &mut Draft<'_>, traffic: &TrafficView, target: &Revision) -> Option<Move> {
    let TrafficView { stable, canary, routes, .. } = traffic;
    let hash = &target.hash;
    let canary_right = canary.selects(hash);
    let must_move_canary = canary.found && !canary_right;
    // A foreign write is put back whatever the share: the recorded value is where the traffic was.
    if stable.found && !stable.selects(hash) && stable.recorded.as_ref() == Some(hash) {
        return Some(Move::SelectStable(hash.clone()));
    }
    if must_move_canary && canary.recorded.as_ref() == Some(hash) && selects_nobody(draft, canary) {
        return Some(Move::SelectCanary(hash.clone()));
    }
    if stable.selects(hash) {
        if !is_at_rest_weights(traffic, target) {
            return to_stable(draft, traffic, target);
        }
        return must_move_canary.then(|| Move::SelectCanary(hash.clone()));
    }
    if !stable.found {
        return (must_move_canary && routes.canary_is_zero()).then(|| Move::SelectCanary(hash.clone()));
    }
    // Where nobody is served there is nothing to protect, and a hand-over that does not finish would hold up the newer
    // template that mends it.
    let indifferent = is_at_rest(draft) || stable.ready.is_empty() && canary.ready.is_empty();
    if must_move_canary && !routes.is_at(0) {
        let is_served = !indifferent && !canary.ready.is_empty() && !routes.stable_is_zero();
        if is_served && stable.lists_what_it_left() {
            let message =
                format!("Service {} still lists pods that it does not select any more", stable.name);
            draft.wait(Wait::StableEndpoints, message, None);
            return None;
        }
        // A Service without share that still lists what it selected before is moved on, before anybody relies on it.
        let is_moving = routes.stable_is_zero() && !stable.lists_what_it_selects();
        if indifferent || !stable.ready.is_empty() && !is_moving {
            return Some(Move::Share(0));
        }
        // All that is served is served by the canary Service. Once it has all traffic, the stable one can be moved.
        if !routes.stable_is_zero() {
            draft.wait(
                Wait::StableEndpoints,
                format!("Service {} has no ready endpoints", stable.name),
                None,
            );
            return (!draft.status.abort).then_some(Move::Share(100));
        }
    }
    if target.available == 0 && !indifferent {
        draft.wait(Wait::AvailablePods, format!("no pod of {} is available", target.name), None);
        // Until then whoever is there serves.
        return match (stable.ready.is_empty(), canary.ready.is_empty()) {
            (false, true) if canary_right && !routes.is_at(0) => Some(Move::Share(0)),
            (true, false) if !draft.status.abort && !routes.is_at(100) => Some(Move::Share(100)),
            _ => None,
        };
    }
    let narrows = stable.reaches(hash) && stable.ready_of_others(hash) == 0;
    if routes.stable_is_zero() || narrows && (!stable.ready.is_empty() || is_at_rest(draft)) {
        return Some(Move::SelectStable(hash.clone()));
    }
    if !canary_right {
        return must_move_canary.then(|| Move::SelectCanary(hash.clone()));
    }
    // The stable Service still has a share and lists other pods: the canary Service carries all of it meanwhile.
    let needed = draft.world.rollout.replicas.min(target.available).max(1);
    // So it does at once where the stable Service has nobody.
    let is_refuge = stable.ready.is_empty() && canary.ready_of(hash) > 0;
    let is_enough = canary.ready_of(hash) >= needed && canary.ready_of_others(hash) == 0;
    if indifferent || is_refuge || is_enough {
        return Some(Move::Share(100));
    }
    let (ready, name) = (canary.ready_of(hash), &canary.name);
    draft.wait(
        Wait::Endpoints,
        format!("Service {name} lists {ready} of {needed} ready pods of {}", target.name),
        None,
    );
    None
}

/// The selector names no revision of ours, so it was not we who wrote it.
fn selects_nobody(draft: &Draft<'_>, service: &ServiceView) -> bool {
    !draft.world.revisions.iter().any(|revision| service.selects(&revision.hash))
}

/// All weight to the stable Service, which selects `target`, as soon as that can serve it.
fn to_stable(draft: &mut Draft<'_>, traffic: &TrafficView, target: &Revision) -> Option<Move> {
    let TrafficView { stable, canary, .. } = traffic;
    let hash = &target.hash;
    // Where neither Service can serve, weights harm nobody, and the way on must not be blocked.
    // With nobody behind the canary Service nothing is lost, whoever is behind the other one.
    if is_at_rest(draft) || canary.ready.is_empty() {
        return Some(Move::Share(0));
    }
    // After a commit both Services select the same revision, and the stable one must have caught up with the one that
    // carries the load. Otherwise this is a way back, and any ready pod is better than the revision that is left.
    let hands_over = canary.selects(hash) && !traffic.routes.canary_is_zero();
    let needed = if hands_over { canary.ready_of(hash).min(draft.world.rollout.replicas).max(1) } else { 1 };
    let ready = stable.ready_of(hash);
    let only_ours = !hands_over || stable.ready_of_others(hash) == 0;
    let remembered = !hands_over || stable.recorded.as_ref() == Some(hash);
    if ready >= needed && only_ours && remembered {
        return Some(Move::Share(0));
    }
    let name = &stable.name;
    let message =
        format!("Service {name} lists {ready} of {needed} ready pods of the stable revision {}", target.name);
    draft.wait(Wait::StableEndpoints, message, None);
    None
}

fn step(
    draft: &mut Draft<'_>,
    traffic: &TrafficView,
    stable: &Revision,
    canary: Option<&Revision>,
) -> Option<Move> {
    let revision = canary.filter(|revision| traffic.canary.selects(&revision.hash));
    match (revision, canary) {
        (Some(revision), _) => share_of(draft, traffic, stable, revision),
        (None, canary) => take_over(draft, traffic, stable, canary),
    }
}

/// The canary Service still serves another revision: its share goes first, then it is moved.
fn take_over(
    draft: &mut Draft<'_>,
    traffic: &TrafficView,
    stable: &Revision,
    canary: Option<&Revision>,
) -> Option<Move> {
    let service = &traffic.canary;
    // What status records may be older than a selector that we wrote; what never carries its role is not selected.
    let was_ours = canary.filter(|revision| {
        service.recorded.as_ref() == Some(&revision.hash) && roles::template_has_role(draft.world, revision)
    });
    if let Some(revision) = was_ours
        && service.found
        && !traffic.routes.canary_is_zero()
    {
        return Some(Move::SelectCanary(revision.hash.clone()));
    }
    if !traffic.routes.is_at(0) {
        let back = withdraw(draft, traffic, stable, canary);
        // Where the share is 0 already, nothing has to be waited for: a stable revision that is not ready must not keep
        // its own repair from being taken over.
        if back.is_some() || !traffic.routes.canary_is_zero() {
            return back;
        }
    }
    let revision = canary?;
    if is_at_rest(draft) && draft.hold {
        // It has no pods yet, and gets none before it may go on, however many are wanted by then.
        return None;
    }
    let needed = capacity::first_pods(draft).max(i32::from(!is_at_rest(draft)));
    if revision.available < needed {
        let message = format!("{} of {needed} pods of {} are available", revision.available, revision.name);
        draft.wait(Wait::AvailablePods, message, None);
        return None;
    }
    let ready_to_serve =
        service.found && draft.world.is_valid() && roles::template_has_role(draft.world, revision);
    // Until the gateways are known to send nothing here, requests would reach pods that nobody has decided to test.
    let is_quiet = is_at_rest(draft) || ready_to_serve && verification::holds(draft);
    (ready_to_serve && is_quiet).then(|| Move::SelectCanary(revision.hash.clone()))
}

/// An older canary loses its share as fast as the stable pods can take it on. It keeps what it has until there is a newer
/// one to make room for: the server may refuse that.
fn withdraw(
    draft: &mut Draft<'_>,
    traffic: &TrafficView,
    stable: &Revision,
    newer: Option<&Revision>,
) -> Option<Move> {
    let TrafficView { routes, canary: service, .. } = traffic;
    if is_at_rest(draft) || service.selects(&stable.hash) || service.ready.is_empty() {
        return to_stable(draft, traffic, stable);
    }
    let replicas = draft.world.rollout.replicas;
    let carried = capacity::carried_by(snapshot::count(service.ready.iter()), replicas);
    let wanted = if newer.is_some() { 0 } else { routes.canary_percent().min(carried) };
    let safe = within_reach(draft, traffic, stable, wanted);
    if safe > wanted {
        tell_what_stable_lacks(draft, traffic, stable, wanted);
    }
    // With no stable pod ready, there is nobody else to serve.
    if safe > wanted && traffic.stable.ready_of(&stable.hash) == 0 {
        return (!routes.is_at(safe)).then_some(Move::Share(safe));
    }
    (routes.canary_percent() > safe).then_some(Move::Lower(safe))
}

/// The share that the canary Service can have on the way to `wanted`: the stable pods are given no more than the ready
/// ones carry, and with none ready the canary takes everything.
pub fn within_reach(draft: &Draft<'_>, traffic: &TrafficView, stable: &Revision, wanted: i32) -> i32 {
    let now_at = traffic.routes.canary_percent();
    let ready = traffic.stable.ready_of(&stable.hash);
    if ready == 0 {
        return 100;
    }
    let lowest = wanted.max(100 - capacity::carried_by(ready, draft.world.rollout.replicas));
    let is_expressible = |share: &i32| traffic.routes.changes_for(*share).is_ok();
    if wanted >= now_at { wanted } else { (lowest..now_at).find(is_expressible).unwrap_or(now_at) }
}

fn tell_what_stable_lacks(draft: &mut Draft<'_>, traffic: &TrafficView, stable: &Revision, wanted: i32) {
    let (name, ready) = (&traffic.stable.name, traffic.stable.ready_of(&stable.hash));
    let needed = capacity::pods_for(100 - wanted, draft.world.rollout.replicas);
    let message = if ready == 0 {
        "no stable pod is ready: the canary takes all traffic".to_owned()
    } else {
        format!("Service {name} lists {ready} of the {needed} ready pods that weight {} needs", 100 - wanted)
    };
    draft.wait(Wait::StableEndpoints, message, None);
}

/// The canary Service selects the canary: its share follows the steps, as far as ready endpoints can carry it.
fn share_of(
    draft: &mut Draft<'_>,
    traffic: &TrafficView,
    stable: &Revision,
    canary: &Revision,
) -> Option<Move> {
    let TrafficView { routes, canary: service, .. } = traffic;
    let now_at = routes.canary_percent();
    let wanted = match &draft.world.strategy {
        Ok(strategy) => gates::wanted_percent(draft, &strategy.steps),
        // Steps that cannot be read: keep what was wanted when they could.
        Err(_) => {
            let weights = draft.world.recorded_weights();
            weights.map_or(now_at, |weights| weights.desired)
        }
    };
    let ready = service.ready_of(&canary.hash);
    let stable_ready = traffic.stable.ready_of(&stable.hash);
    let tolerated = capacity::tolerated_by(draft, ready);
    let safe = if is_at_rest(draft) || ready == 0 && stable_ready == 0 {
        return None;
    } else if ready == 0 {
        draft.wait(
            Wait::Endpoints,
            format!("Service {} has no ready pod of the canary: its weight is 0", service.name),
            None,
        );
        // Pods that are listed and not known, as those of a ReplicaSet that was deleted, serve for as long as they are there.
        if service.ready.is_empty() { 0 } else { within_reach(draft, traffic, stable, 0) }
    } else if stable_ready > 0 && wanted.min(now_at) > tolerated {
        let lower = (0..=tolerated).rev().find(|share| routes.changes_for(*share).is_ok()).unwrap_or(0);
        let message = format!(
            "Service {} lists {ready} ready pods, too few for weight {}: its weight is lowered",
            service.name,
            wanted.min(now_at)
        );
        draft.wait(Wait::Endpoints, message, None);
        within_reach(draft, traffic, stable, lower)
    } else if stable_ready == 0 || wanted <= now_at {
        let safe = within_reach(draft, traffic, stable, wanted);
        if stable_ready == 0 || safe > wanted {
            tell_what_stable_lacks(draft, traffic, stable, wanted);
        }
        safe
    } else {
        let needed = capacity::pods_for(wanted, draft.world.rollout.replicas);
        if ready >= needed && service.ready_of_others(&canary.hash) == 0 {
            wanted
        } else {
            let message =
                format!("Service {} lists {ready} of {needed} ready pods for weight {wanted}", service.name);
            draft.wait(Wait::Endpoints, message, None);
            now_at
        }
    };
    // Of several routes, one may have less than the largest share: its share is raised as any other.
    let needed = capacity::pods_for(safe, draft.world.rollout.replicas);
    let is_enough = ready >= needed && service.ready_of_others(&canary.hash) == 0;
    if stable_ready > 0 && !is_enough && routes.0.iter().any(|route| route.canary_percent() < safe) {
        let message =
            format!("Service {} lists {ready} of {needed} ready pods for weight {safe}", service.name);
        draft.wait(Wait::Endpoints, message, None);
        return (now_at > safe).then_some(Move::Lower(safe));
    }
    (!routes.is_at(safe)).then_some(Move::Share(safe))
}

fn is_at_rest(draft: &Draft<'_>) -> bool {
    draft.world.rollout.replicas == 0
}
