//! What each parent of a route says of the weights, and when all of them have come so far.

use jiff::Timestamp;
use serin_api::status::{ParentState, RouteParent, RouteWeights};
use serin_api::validate::Verification;

use super::settle;
use crate::objects::{Report, Reported};
use crate::routes::{ParentView, RouteView};

/// The longest message of a gateway that is kept.
const MESSAGE: usize = 256;

/// Judges every parent by whether it has accepted `generation` or a later one. Who has reported before is recorded in
/// `earlier`.
pub(super) fn judge(route: &RouteView, generation: i64, earlier: Option<&RouteWeights>) -> Vec<RouteParent> {
    let judge = |parent: &ParentView| {
        // An entry that a former controller has left behind must not speak for the present one.
        let reports =
            parent.reports.iter().map(|report| (report, of_report(report, generation, route.generation)));
        let best = reports.min_by_key(|(_, (state, _))| *state);
        let known = earlier.into_iter().flat_map(|record| &record.parents);
        let known =
            known.filter(|known| known.name == parent.name).find_map(|known| known.controller.clone());
        let (state, told) = match &best {
            Some((_, (state, told))) => (*state, *told),
            // It has reported on this route, or its predecessor: it will again.
            None if known.is_some() => (ParentState::Pending, None),
            None => (ParentState::Silent, None),
        };
        let text = |text: &str| (!text.is_empty()).then(|| text.chars().take(MESSAGE).collect());
        RouteParent {
            name: parent.name.clone(),
            controller: best.map(|(report, _)| report.controller.clone()).or(known),
            state,
            reason: told.and_then(|told| text(&told.reason)),
            message: told.and_then(|told| text(&told.message)),
        }
    };
    route.parents.iter().map(judge).collect()
}

/// What one report means, and the condition that it is because of.
fn of_report(report: &Report, generation: i64, newest: i64) -> (ParentState, Option<&Reported>) {
    // A generation that the route does not have yet is that of another route, which this status was copied from.
    let is_of_now =
        |reported: &&Reported| reported.generation.is_none_or(|of| (generation..=newest).contains(&of));
    let refused = |reported: &Option<Reported>, status: &str| {
        reported.as_ref().filter(is_of_now).is_some_and(|reported| reported.status == status)
    };
    for (condition, status) in
        [(&report.accepted, "False"), (&report.resolved_refs, "False"), (&report.partially_invalid, "True")]
    {
        if refused(condition, status) {
            return (ParentState::Refused, condition.as_ref());
        }
    }
    let both = [&report.accepted, &report.resolved_refs];
    if both.iter().all(|condition| condition.as_ref().is_some_and(|told| told.generation.is_none())) {
        return (ParentState::Unverifiable, None);
    }
    let arrived = |condition: &&Option<Reported>| {
        let reported = condition.as_ref().filter(is_of_now);
        reported.is_some_and(|reported| reported.status == "True" && reported.generation.is_some())
    };
    match both.into_iter().find(|condition| !arrived(condition)) {
        Some(missing) => {
            // Only what is said of this generation explains anything.
            let told = missing.as_ref().filter(|told| told.status != "True" && is_of_now(told));
            (ParentState::Pending, told)
        }
        None => (ParentState::Accepted, None),
    }
}

/// When all parents have come so far, each as far as it can be known; nothing while one of them still has to report.
pub(super) fn arrival(
    wanted: &Verification,
    parents: &[RouteParent],
    seen_at: Timestamp,
    accepted_at: Timestamp,
) -> Option<Timestamp> {
    let nobody_reports = parents.iter().all(|parent| parent.state == ParentState::Silent);
    if nobody_reports {
        return Some(seen_at);
    }
    let arrives = |parent: &RouteParent| match parent.state {
        ParentState::Accepted => {
            settle::after(accepted_at, settle::of_controller(wanted, parent.controller.as_deref()))
        }
        ParentState::Unverifiable | ParentState::Silent => {
            settle::after(seen_at, settle::without_report(wanted, std::slice::from_ref(parent)))
        }
        ParentState::Pending | ParentState::Refused => None,
    };
    parents.iter().try_fold(seen_at, |latest, parent| Some(latest.max(arrives(parent)?)))
}
