//! A pod is let go only for a restart that somebody has asked for, and only when it is not missed.

use jiff::Timestamp;
use serde_json::Value;

use super::changes::Changes;
use super::names::{controller_of, is_deleting, name_of, replicas_of};
use super::verdict::Verdict;
use super::view::View;
use serin_world::world::Kind;

/// The time before which pods are old, once it has come.
fn due(was: &View<'_>) -> Option<Timestamp> {
    let at: Timestamp = was.rollout["spec"]["restartAt"].as_str()?.parse().ok()?;
    (at <= was.now && !was.is_deleting()).then_some(at)
}

/// Whether a restart has been asked for, and nothing says that it is done.
pub fn is_asked(was: &View<'_>) -> bool {
    due(was).is_some() && was.rollout["spec"]["restartAt"] != was.rollout["status"]["restartedAt"]
}

fn is_old(pod: &Value, at: Timestamp) -> bool {
    let created = pod["metadata"]["creationTimestamp"].as_str();
    created.and_then(|created| created.parse().ok()).is_some_and(|created: Timestamp| created < at)
}

pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// How many pods more than wanted a ReplicaSet may have: one, while it has pods that are to be replaced.
pub fn surge(was: &View<'_>, set: &Value) -> i64 {
    let mine = |pod: &&super::Object| controller_of(pod) == set["metadata"]["uid"].as_str();
    let has_old = |at| was.pods().iter().filter(mine).any(|pod| !is_deleting(pod) && is_old(pod, at));
    i64::from(due(was).is_some_and(has_old))
}

/// Whether the write has let this pod go: what it was and what it is now, if it is still there.
pub fn lets_go(before: &Value, after: Option<&Value>) -> bool {
    !is_deleting(before) && after.is_none_or(is_deleting)
}

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, changes: &Changes) {
    for change in changes.of(Kind::Pod) {
        let Some(pod) = change.before.as_ref().filter(|pod| lets_go(pod, change.after.as_deref())) else {
            continue;
        };
        let Some(set) = was.sets.iter().find(|set| set["metadata"]["uid"].as_str() == controller_of(pod))
        else {
            continue;
        };
        let name = name_of(pod);
        let asked = due(was).is_some_and(|at| is_old(pod, at));
        verdict.require(asked, || format!("{name} was let go, and no restart asks for that"));
        let is_left = |other: &&super::Object| {
            controller_of(other) == controller_of(pod)
                && name_of(other) != name
                && !is_deleting(other)
                && is_ready(other)
        };
        let left = i64::try_from(was.pods().iter().filter(is_left).count()).unwrap_or(i64::MAX);
        // A revision that no Service selects serves nobody.
        let serves = super::names::hash_of(set).is_some_and(|hash| !was.selecting(hash).is_empty());
        let needed = if serves { was.subject.replicas.min(replicas_of(set) - 1) } else { 0 };
        verdict.require(!is_ready(pod) || left >= needed, || {
            format!("{name} was let go with {left} ready pods left, and {needed} are needed")
        });
    }
}
