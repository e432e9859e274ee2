//! In which order a plan is carried out, and how far.

use jiff::SignedDuration;
use serin_engine::{Action, Plan};

/// A Rollout that is not at rest after so many rounds lets others have their turn.
pub const MAX_ROUNDS: usize = 32;

/// When it goes on.
pub const NEXT_TURN: SignedDuration = SignedDuration::from_millis(100);

/// Metadata of so many pods is written between two plans, so that traffic waits for one batch at most.
pub const BATCH: usize = 16;

/// The actions that are carried out one after the other, with their numbers.
pub fn in_sequence(plan: &Plan) -> impl Iterator<Item = (usize, &Action)> {
    plan.actions.iter().enumerate().filter(|(_, action)| !action.is_parallel())
}

/// Whether an action is left to the next plan because another one has failed: a share is raised on all routes or on none.
pub fn is_left_out(action: &Action, failed: &Action) -> bool {
    matches!(failed, Action::SetWeights { .. })
        && matches!(action, Action::SetWeights { from, percent, .. } if percent > from)
}

/// The actions that follow them, all at once.
pub fn in_parallel(plan: &Plan) -> impl Iterator<Item = (usize, &Action)> {
    plan.actions.iter().enumerate().filter(|(_, action)| action.is_parallel()).take(BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serin_api::route::{RouteId, RouteKind};

    fn weights(name: &str, from: i32, percent: i32) -> Action {
        let route = RouteId { kind: RouteKind::Http, namespace: "ns".into(), name: name.into() };
        let (version, subject) = ("v1".to_owned(), format!("HTTPRoute/{name}"));
        Action::SetWeights { route, version, subject, from, percent, changes: Vec::new(), drift: None }
    }

    #[test]
    fn no_share_is_raised_after_another_could_not_be_written_and_any_is_lowered() {
        let failed = weights("a", 10, 50);
        assert!(is_left_out(&weights("b", 10, 50), &failed));
        assert!(!is_left_out(&weights("b", 60, 50), &failed));
        assert!(!is_left_out(&Action::RemoveResume { request: serde_json::Value::Null }, &failed));
        let other = Action::RemoveResume { request: serde_json::Value::Null };
        assert!(!is_left_out(&weights("b", 10, 50), &other));
    }
}
