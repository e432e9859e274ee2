//! Of status, people own the abort, the promotion in full and the step; and the stable revision is what the ReplicaSets say.

use serde_json::Value;

use super::verdict::Verdict;
use super::view::View;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    if was.status() == is.status() || is.rollout.is_null() {
        return;
    }
    stable(verdict, was, is);
    abort(verdict, was, is);
    promote_full(verdict, was, is);
}

/// The record on the ReplicaSets wins over status, and what was ever stable is not forgotten.
fn stable(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let Some(recorded) = is.stable() else { return };
    // A stable ReplicaSet that somebody has deleted is made again; until then no older one takes its place.
    let before = was.status()["stableRS"].as_str().filter(|before| was.was_reported_stable(before));
    let is_made_again =
        before.is_some_and(|before| is.set(before).is_none_or(|set| is.ordinal(set).is_none()));
    let told = is.status()["stableRS"].as_str();
    verdict.require(told == Some(recorded) || is_made_again, || {
        format!("status tells that {told:?} is stable, and the ReplicaSets that {recorded} is")
    });
}

fn abort(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let (before, after) = (was.status(), is.status());
    let stood = before["abort"] == true;
    if after["abort"] == true && !stood {
        let asked = was.rollout["metadata"]["annotations"][&was.subject.names.abort].is_string();
        verdict.require(asked || was.subject.wanted != was.subject.in_force, || "aborted unasked".to_owned());
    }
    if after["abort"] != true && stood {
        // One that names no revision yet is for the one that the person saw.
        let meant = before["abortedPodHash"].as_str().or(before["currentPodHash"].as_str());
        let names_another = |status: &Value| status["currentPodHash"].as_str() != meant;
        let is_other = meant.is_none() || names_another(before) || names_another(after);
        let nothing_to_abort = is.stable().is_none() || is.stable() == meant;
        verdict.require(is_other || nothing_to_abort, || format!("lifted the abort of {meant:?} unasked"));
    }
}

/// It is for one walk along the steps, and nobody but a person asks for it.
fn promote_full(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let (before, after) = (was.status(), is.status());
    if after["promoteFull"] == true {
        verdict.require(before["promoteFull"] == true, || "promotes in full unasked".to_owned());
    } else if before["promoteFull"] == true {
        let other = |field: &str| before[field] != after[field];
        let is_over = is.stable().is_none() || is.stable() == after["currentPodHash"].as_str();
        let meant_other = other("currentPodHash") || other("currentStepHash");
        verdict.require(is_over || meant_other || after["abort"] == true, || {
            "forgot to promote in full".to_owned()
        });
    }
}
