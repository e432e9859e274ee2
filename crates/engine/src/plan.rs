//! The plan: one screen of ordered rules.

use jiff::Timestamp;
use serde_json::Value;
use serin_api::status::RolloutStatus;

use crate::action::Action;
use crate::course::Course;
use crate::draft::Draft;
use crate::events::{self, After, Event};
use crate::snapshot::{CurrentRevision, Snapshot};
use crate::{
    abort, capacity, deletion, gates, handover, history, references, restart, revision, roles, status,
    traffic,
};

/// What is safe to do now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Safe together, in this order; at most one of them moves traffic.
    pub actions: Vec<Action>,
    /// The changes of status to record after the actions, as a merge patch.
    pub status: Option<Value>,
    /// What to tell, each when that which it tells has succeeded.
    pub events: Vec<Event>,
    /// The names of the rules of [`status::rules::RULES`] that apply, the one that decides phase and message first. None
    /// during a deletion, and while it is asked what the template means.
    pub rules: Vec<&'static str>,
    /// When to plan again although nothing has happened.
    pub wake_at: Option<Timestamp>,
    /// The whole status as it should be, for metrics.
    pub report: RolloutStatus,
    /// The report differs from what is recorded, and its changes wait for others that may follow.
    pub status_pending: bool,
}

impl Plan {
    /// Nothing to do.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.status.is_none()
    }
}

/// Decides what is safe to do `now`.
pub fn plan(world: &Snapshot, now: Timestamp) -> Plan {
    let mut draft = Draft::new(world, now);
    if let Some(deleted_at) = world.rollout.deleted_at {
        deletion::proceed(&mut draft, deleted_at);
        return finish(draft);
    }
    // What the template means decides everything else; the answer is one question to the server away.
    if world.current == CurrentRevision::Unclear && revision::may_ask(&draft) {
        revision::compare(&mut draft);
        return finish(draft);
    }
    let aborted = abort::judge(&mut draft);
    let course = Course::of(world, aborted);
    let releasing = references::manage(&mut draft, &course);
    gates::advance(&mut draft, &course);
    revision::ensure(&mut draft, &course);
    handover::commit(&mut draft, &course);
    if !releasing {
        traffic::steer(&mut draft, &course);
    }
    capacity::scale(&mut draft, &course);
    capacity::await_pods(&mut draft, &course);
    restart::proceed(&mut draft, &course);
    history::trim(&mut draft);
    roles::converge(&mut draft);
    status::report(&mut draft, &course);
    finish(draft)
}

fn finish(mut draft: Draft<'_>) -> Plan {
    if draft.record_first {
        draft.actions.clear();
    }
    keep_one_traffic_action(&mut draft.actions);
    // Traffic does not wait for anything that is done beside it.
    draft.actions.sort_by_key(|action| !action.is_traffic());
    let (status, status_pending) = match due_status(&mut draft) {
        Due::Now(changes) => (Some(changes), false),
        Due::Later => (None, true),
        Due::Never => (None, false),
    };
    let mut events = std::mem::take(&mut draft.events);
    events.extend(events::of_actions(&draft.actions, draft.world));
    if status.is_none() {
        events.retain(|event| event.after != After::Status);
    }
    if draft.actions.is_empty() && status.is_none() {
        events.clear();
    }
    Plan {
        actions: draft.actions,
        status,
        events,
        rules: draft.rules,
        wake_at: draft.wake_at,
        report: draft.status,
        status_pending,
    }
}

/// The first one was decided first; what else is needed will still be needed after it. Weights of several routes are one
/// move.
fn keep_one_traffic_action(actions: &mut Vec<Action>) {
    let sets_weights = |action: &Action| matches!(action, Action::SetWeights { .. });
    let mut moved: Option<bool> = None;
    actions.retain(|action| {
        !action.is_traffic()
            || match moved {
                None => {
                    moved = Some(sets_weights(action));
                    true
                }
                Some(weights) => weights && sets_weights(action),
            }
    });
}

/// When a change of status is recorded.
enum Due {
    Now(Value),
    Later,
    Never,
}

/// Status is recorded when nothing is left to do, so that one write tells of many, or when what follows builds on it.
fn due_status(draft: &mut Draft<'_>) -> Due {
    let Some(urgency) = status::urgency(&draft.world.recorded, &draft.status) else { return Due::Never };
    if !draft.record_first {
        if !draft.actions.is_empty() {
            return Due::Later;
        }
        // Of times to come, the clock has been set back since, and nobody knows how long ago they were.
        let past = |at: Timestamp| if at <= draft.now { at } else { Timestamp::MIN };
        let recall = &draft.world.recall;
        let differs_since = recall.status_differs_since.map_or(draft.now, past);
        let due = urgency.due(differs_since, recall.status_written_at.map(past));
        if due > draft.now {
            draft.wake(due);
            return Due::Later;
        }
    }
    Due::Now(status::patch(&draft.world.recorded, &draft.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Map;

    #[test]
    fn of_two_actions_that_move_traffic_the_first_is_kept() {
        let select = |service: &str| Action::Select {
            service: service.to_owned(),
            before: Map::new(),
            hash: None,
            drift: None,
        };
        let beside = Action::RemoveResume { request: Value::Null };
        let mut actions = vec![select("a"), beside.clone(), select("b")];
        keep_one_traffic_action(&mut actions);
        assert_eq!(actions, [select("a"), beside]);
    }
}
