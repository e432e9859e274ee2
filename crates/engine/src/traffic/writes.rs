//! The writes of one move: to every route that differs, or to one Service.

use jiff::Timestamp;

use crate::action::Action;
use crate::capacity;
use crate::draft::Draft;
use crate::drift::Drift;
use crate::routes::{Inexpressible, RouteChange, RouteView};
use crate::snapshot::{self, ServiceView, TrafficView};
use crate::verification;
use crate::waits::Wait;

use super::Move;

/// Turns a move into actions, unless somebody undoes it faster than it makes sense to repeat it.
pub(super) fn ask(draft: &mut Draft<'_>, traffic: &TrafficView, next: Move) {
    let actions = match next {
        Move::Share(wanted) => {
            let percent = all_or_none(draft, traffic, wanted);
            match traffic.routes.changes_for(percent) {
                Ok(changes) => set_weights(draft, changes, Some(percent)),
                Err(error) => return tell_inexpressible(draft, percent, error),
            }
        }
        Move::Lower(percent) => match traffic.routes.changes_for(percent) {
            Ok(mut changes) => {
                changes.retain(|change| change.route.canary_percent() > percent);
                set_weights(draft, changes, Some(percent))
            }
            Err(error) => return tell_inexpressible(draft, percent, error),
        },
        Move::Restore => restoring(draft, traffic),
        Move::SelectStable(hash) => vec![select(draft, &traffic.stable, hash)],
        Move::SelectCanary(hash) => vec![select(draft, &traffic.canary, hash)],
    };
    for action in actions {
        let contest = action.drift().and_then(|drift| draft.world.recall.contests.get(&drift.subject));
        match contest.map(|contest| contest.next_at(draft.now)) {
            Some(at) if at > draft.now => {
                draft.wake(at);
                draft.wait(
                    Wait::ContestedWrite,
                    format!("another writer keeps changing {}", action.subject()),
                    None,
                );
            }
            _ => draft.act(action),
        }
    }
}

fn tell_inexpressible(draft: &mut Draft<'_>, percent: i32, (route, error): (&RouteView, Inexpressible)) {
    let route = route.id.beside(&draft.world.rollout.namespace);
    let message = format!("rule {} of {route} cannot express {percent} percent", error.rule);
    draft.wait(Wait::ValidSpec, message, Some(format!("multiply its weights by {}", error.factor)));
}

/// The share that all routes can have: where one refuses to be raised, the others are not raised either, and go back, if the
/// stable pods can take that on. A share is lowered wherever that can be done. What is refused is told as such, and when it
/// is tried again.
fn all_or_none(draft: &mut Draft<'_>, traffic: &TrafficView, percent: i32) -> i32 {
    let mut held = percent;
    for route in traffic.routes.0.iter().filter(|route| !route.is_at(percent)) {
        let refusal = draft.world.recall.refused.get(&subject(draft, route));
        if let Some(refusal) = refusal.filter(|refusal| refusal.stands(draft.now)) {
            held = held.min(route.canary_percent());
            draft.wake(refusal.retry_at);
        }
    }
    let needed = capacity::pods_for(100 - held, draft.world.rollout.replicas);
    let is_carried = snapshot::count(traffic.stable.ready.iter()) >= needed;
    if is_carried { held } else { percent }
}

/// Gives the routes the user's own weights back, where these are known.
pub fn restoring(draft: &Draft<'_>, traffic: &TrafficView) -> Vec<Action> {
    set_weights(draft, traffic.routes.restoring().unwrap_or_default(), None)
}

/// When a write that would give a route its own weights back may be tried again, where one was just refused: the routes get
/// them together, or else each plan would take back what the one before has given.
pub fn restoring_again_at(draft: &Draft<'_>, traffic: &TrafficView) -> Option<Timestamp> {
    let changes = traffic.routes.restoring().unwrap_or_default();
    let refusal = |change: &RouteChange<'_>| draft.world.recall.refused.get(&subject(draft, change.route));
    let standing = changes.iter().filter_map(refusal).filter(|refusal| refusal.stands(draft.now));
    standing.map(|refusal| refusal.retry_at).max()
}

/// What was refused before comes first, so that nothing else is changed for it in vain.
fn set_weights(draft: &Draft<'_>, mut changes: Vec<RouteChange<'_>>, percent: Option<i32>) -> Vec<Action> {
    let refused =
        |change: &RouteChange<'_>| draft.world.recall.refused.contains_key(&subject(draft, change.route));
    changes.sort_by_key(|change| !refused(change));
    let action = |change: RouteChange<'_>| {
        let percent = percent.unwrap_or_else(|| change.canary_percent());
        let route = change.route;
        let weights = draft.world.recorded_weights();
        let recorded = weights
            .and_then(|weights| weights.routes.iter().find(|record| verification::is_of(record, &route.id)));
        let recorded = recorded.map(|record| record.weight).or(weights.map(|weights| weights.canary.weight));
        let recorded = recorded.map(|weight| weight.to_string());
        let drift = drift(draft, subject(draft, route), &percent.to_string(), recorded, route.writer.clone());
        change.action(&draft.world.rollout.namespace, percent, drift)
    };
    changes.into_iter().map(action).collect()
}

fn subject(draft: &Draft<'_>, route: &RouteView) -> String {
    route.id.beside(&draft.world.rollout.namespace)
}

fn select(draft: &Draft<'_>, service: &ServiceView, hash: String) -> Action {
    let subject = format!("Service/{}", service.name);
    let drift = drift(draft, subject, &hash, service.recorded.clone(), service.writer.clone());
    Action::Select {
        service: service.name.clone(),
        before: service.selector.clone(),
        hash: Some(hash),
        drift,
    }
}

/// A write of what was already written is a repair: somebody has changed it since.
fn drift(
    draft: &Draft<'_>,
    subject: String,
    value: &str,
    recorded: Option<String>,
    writer: Option<String>,
) -> Option<Drift> {
    let written = draft.world.recall.written.get(&subject).cloned().or(recorded)?;
    let contest = draft.world.recall.contests.get(&subject);
    let announced =
        contest.is_some_and(|contest| contest.is_announced(writer.as_deref().unwrap_or_default(), draft.now));
    (written == value).then_some(Drift { subject, writer, announced })
}
