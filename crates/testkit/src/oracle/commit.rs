//! A canary is recorded as stable only with all its pods, all the traffic, and all steps done.

use super::Object;
use super::gates::{self, Used};
use super::names::replicas_of;
use super::verdict::Verdict;
use super::view::View;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>, used: &mut Used) {
    let (Some(before), Some(after)) = (was.stable(), is.stable()) else { return };
    let subject = is.subject;
    if before == after || subject.replicas == 0 {
        return;
    }
    // A write that takes the record away is judged elsewhere: this one has to have added it.
    let ordinal = |view: &View<'_>| view.set(after).and_then(|set| view.ordinal(set));
    if ordinal(was) == ordinal(is) {
        return;
    }
    // Somebody has deleted the stable ReplicaSet, and it was made again.
    if was.was_reported_stable(after) {
        return;
    }
    // A hand-over that cannot finish is taken back: all is served by this one, and the recorded one has nobody ready who
    // stays.
    let in_force = &subject.in_force;
    let ready = |set: &Object| set["status"]["readyReplicas"].as_i64().unwrap_or(0).min(replicas_of(set));
    let none_is_ready = was.set(before).is_none_or(|set| ready(set) == 0);
    let serves_all = is.selected(&in_force.stable) == Some(after)
        && is.ready(&in_force.stable).contains_key(after)
        && is.shares(&in_force.canary).into_values().all(|share| share == 0);
    if none_is_ready && serves_all {
        return;
    }
    let canary = &subject.in_force.canary;
    let available = is.set(after).and_then(|set| set["status"]["availableReplicas"].as_i64()).unwrap_or(0);
    verdict.require(is.shares(canary).into_values().all(|share| share == 100), || {
        format!("{after} was committed without all the traffic; {}", is.traffic())
    });
    verdict.require(is.selected(canary) == Some(after), || {
        format!("{after} was committed unselected; {}", is.traffic())
    });
    verdict.require(available >= subject.replicas, || {
        format!("{after} was committed with {available} of {} pods", subject.replicas)
    });
    gates::judge_commit(verdict, was, after, used);
}
