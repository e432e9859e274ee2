//! What a failed write means for the next round.

use jiff::SignedDuration;
use serin_engine::Action;
use serin_engine::api_call::Verb;

use crate::error::Category;

/// How long a write is left alone that the server refuses for what it is.
const REFUSED_FOR: SignedDuration = SignedDuration::from_secs(10);

/// How long a write is left alone that was overtaken twice, or that is only metadata of a pod: nothing waits for long.
const OVERTAKEN_FOR: SignedDuration = SignedDuration::from_millis(500);

/// The shortest and the longest time between two tries of a reconcile that failed.
const BACKOFF: (SignedDuration, SignedDuration) =
    (SignedDuration::from_millis(100), SignedDuration::from_secs(10));

/// How long a reconcile waits that has failed so many times in a row.
pub fn backoff(failures: u32) -> SignedDuration {
    let (shortest, longest) = BACKOFF;
    // More doublings than these are beyond the longest.
    (shortest * (1 << failures.saturating_sub(1).min(16))).min(longest)
}

/// How to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Read the object afresh and plan again.
    Refresh,
    /// Leave the write alone for so long, tell of it in status, and plan the rest.
    PutOff(SignedDuration),
    /// End this reconcile; the next comes after a delay that grows.
    GiveUp,
}

/// What follows from a failed action. The first refusal for a precondition is a stale view, and is answered by a fresh
/// one; a second refusal in the same reconcile is final for a while.
pub fn recovery(action: &Action, verb: Verb, category: Category, is_first: bool) -> Recovery {
    let is_eviction = matches!(action, Action::Evict { .. });
    let is_rejected_object = verb == Verb::Create && category == Category::Invalid;
    if is_stale(category) && !is_rejected_object && is_first {
        return Recovery::Refresh;
    }
    match category {
        Category::Forbidden => Recovery::PutOff(REFUSED_FOR),
        // So a PodDisruptionBudget says that the pod may not go now. Whatever else keeps one pod is no reason to stop.
        _ if is_eviction && category != Category::NotLeading => Recovery::PutOff(REFUSED_FOR),
        Category::Invalid if is_rejected_object => Recovery::PutOff(REFUSED_FOR),
        _ if is_stale(category) => Recovery::PutOff(OVERTAKEN_FOR),
        // Metadata of one pod must hold up neither traffic nor the other pods.
        _ if action.is_parallel() && category != Category::NotLeading => Recovery::PutOff(OVERTAKEN_FOR),
        _ => Recovery::GiveUp,
    }
}

/// The call was decided on facts that no longer hold, or is not allowed by the object's schema: both are answered
/// alike.
pub fn is_stale(category: Category) -> bool {
    matches!(category, Category::Conflict | Category::Invalid | Category::NotFound)
}
