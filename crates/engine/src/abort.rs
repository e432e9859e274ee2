//! Abort and retry: which revision an abort is meant for, and when it ends.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::action::Action;
use crate::draft::Draft;
use crate::events::{Event, reasons};
use crate::snapshot::Snapshot;

/// Judges requests to abort and to retry. True while the wanted revision counts as aborted.
pub fn judge(draft: &mut Draft<'_>) -> bool {
    let world = draft.world;
    let recorded = &world.recorded;
    let requested = by_annotation(draft);
    let by_references = references_changed(world);
    let aborted = can_abort(world) && (stands(world) || requested || by_references);
    if aborted {
        // Unlike a person's request, the reason for this one goes away with what it brings about.
        draft.record_first = by_references && !stands(world);
        draft.status.abort = true;
        draft.status.aborted_at =
            recorded.aborted_at.clone().filter(|_| stands(world)).or(Some(Time(draft.now_in_seconds())));
        draft.status.aborted_pod_hash = Some(world.current_hash().to_owned());
    } else {
        if recorded.abort && recorded.aborted_pod_hash.is_none() {
            let note = if !is_for_current(world) {
                "The abort was for a canary that is no longer wanted: abort again if the new one is meant"
            } else if world.stable().is_none() {
                "Nothing to abort: no revision is stable yet, so there is none to return to. Change spec.template instead"
            } else {
                "Nothing to abort: the wanted revision is the stable one"
            };
            draft.events.push(Event::seen(reasons::ABORT_REFUSED, note));
        }
        draft.status.abort = false;
        draft.status.aborted_at = None;
        draft.status.aborted_pod_hash = None;
    }
    aborted
}

/// Why the Rollout was aborted, beyond that it was.
pub fn cause(world: &Snapshot) -> Option<&'static str> {
    references_changed(world).then_some("the route or Services in its strategy were changed")
}

/// There is a stable revision to return to, and the wanted one is another.
fn can_abort(world: &Snapshot) -> bool {
    world.stable().is_some_and(|stable| stable.hash != world.current_hash())
}

/// An abort was recorded, by us or by a person, and no new template has come since.
fn stands(world: &Snapshot) -> bool {
    world.recorded.abort && is_for_current(world)
}

/// An abort that names no revision yet is for the one that the person saw in status. Who saw the stable one there has
/// aborted what was about to come: of the stable one there is nothing to abort.
fn is_for_current(world: &Snapshot) -> bool {
    let recorded = &world.recorded;
    let is_canary = |hash: &&str| world.stable().is_none_or(|stable| stable.hash != *hash);
    let seen = recorded.current_pod_hash.as_deref().filter(is_canary);
    let meant = recorded.aborted_pod_hash.as_deref().or(seen);
    meant.is_none_or(|hash| hash == world.current_hash())
}

/// A canary that is under way on references which the spec no longer names is taken back first.
fn references_changed(world: &Snapshot) -> bool {
    let Some(traffic) = &world.traffic else { return false };
    let canary_has_begun = world.current().is_some_and(|current| traffic.canary.selects(&current.hash))
        || !traffic.routes.canary_is_zero()
            && !world.stable().is_some_and(|stable| traffic.rests_restored(&stable.hash));
    traffic.recorded && traffic.wanted.is_some() && world.is_valid() && canary_has_begun
}

/// Judges the annotation. It stays until the abort is recorded in status, so that a crash loses nothing.
fn by_annotation(draft: &mut Draft<'_>) -> bool {
    let world = draft.world;
    let name = &world.names.abort;
    let Some(text) = world.rollout.annotations.get(name) else { return false };
    let remove = Action::RemoveAnnotation { name: name.clone(), value: text.clone() };
    if stands(world) && can_abort(world) {
        draft.act(remove);
        return true;
    }
    let number = world.current().map(|current| current.number);
    let is_meant = text == "current" || number.is_some_and(|number| *text == number.to_string());
    if can_abort(world) && is_meant {
        return true;
    }
    let why = if !can_abort(world) {
        "there is no canary to abort".to_owned()
    } else {
        format!("the canary is revision {}: write that number or `current`", number.unwrap_or(0))
    };
    draft
        .events
        .push(Event::seen(reasons::ABORT_REFUSED, format!("Request to abort {text:?} refused: {why}")));
    draft.act(remove);
    false
}
