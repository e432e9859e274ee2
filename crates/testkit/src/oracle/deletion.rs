//! A Rollout that is deleted is let go when what it leaves behind serves by itself.

use jiff::{SignedDuration, Timestamp};

use super::verdict::Verdict;
use super::view::View;

/// A deletion never takes longer, whatever is left to do then.
const LIMIT: SignedDuration = SignedDuration::from_secs(60);

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let deleted_at: Option<Timestamp> =
        was.rollout["metadata"]["deletionTimestamp"].as_str().and_then(|time| time.parse().ok());
    let Some(deleted_at) = deleted_at.filter(|_| is_held(was) && !is_held(is)) else { return };
    // Without a record nothing was ever written to Services or routes.
    let never_managed = was.status()["canary"]["managed"].is_null();
    if never_managed || was.now.duration_since(deleted_at) >= LIMIT {
        return;
    }
    for (service, _) in was.subject.services() {
        let selected = was.selected(service);
        verdict.require(selected.is_none(), || format!("let go while {service} selects {selected:?}"));
    }
    let canary = &was.subject.in_force.canary;
    let share = if was.stable().is_some() { was.share(canary) } else { 0 };
    verdict
        .require(share == 0 || has_own_weights(was), || format!("let go while {canary} has share {share}"));
}

/// The weights are those that were there before the first write.
fn has_own_weights(view: &View<'_>) -> bool {
    let managed = &view.status()["canary"]["managed"]["routes"];
    view.pairs().iter().all(|pair| {
        let own = managed[pair.route]["originalWeights"].as_array();
        own.into_iter().flatten().any(|own| {
            (own["rule"].as_u64(), own["stable"].as_i64(), own["canary"].as_i64())
                == (u64::try_from(pair.rule).ok(), Some(pair.stable), Some(pair.canary))
        })
    })
}

fn is_held(view: &View<'_>) -> bool {
    let finalizers = view.rollout["metadata"]["finalizers"].as_array().into_iter().flatten();
    finalizers.into_iter().any(|finalizer| *finalizer == *view.subject.names.finalizer)
}
