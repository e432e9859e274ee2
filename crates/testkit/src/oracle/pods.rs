//! Pods that a Service selects, or that still drain, are not taken away; and there are never too many.

use jiff::Timestamp;

use super::Object;
use super::drains::Served;
use super::names::{hash_of, is_deleting, name_of, replicas_of};
use super::restarts;
use super::verdict::Verdict;
use super::view::View;

/// `served` is what was seen before, where times tell anything.
pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>, served: Option<&Served>) {
    let mut grew = false;
    for set in &is.sets {
        let before = was.sets.iter().find(|before| before["metadata"]["uid"] == set["metadata"]["uid"]);
        let from = before.map_or(0, |before| replicas_of(before));
        let to = replicas_of(set);
        if to > from {
            grew = true;
            let wanted = is.subject.replicas;
            let allowed = wanted + restarts::surge(was, set);
            verdict.require(to <= allowed, || {
                format!("{} went from {from} to {to}, for {wanted} replicas", name_of(set))
            });
        }
        if to < from && is.subject.replicas > 0 {
            shrunk(verdict, was, is, served, set, (from, to));
        }
    }
    if grew {
        not_too_many(verdict, is);
    }
}

fn shrunk(
    verdict: &mut Verdict<'_>,
    was: &View<'_>,
    is: &View<'_>,
    served: Option<&Served>,
    set: &Object,
    (from, to): (i64, i64),
) {
    let (Some(hash), name) = (hash_of(set), name_of(set)) else { return };
    let wanted = is.subject.replicas;
    let selecting = is.selecting(hash);
    // Nothing is stable, and this one serves nobody: another takes its place.
    let is_ready = |pod: &Object| hash_of(pod) == Some(hash) && !is_deleting(pod) && restarts::is_ready(pod);
    // The ReplicaSet may tell of pods that are gone, or not yet of one that has just become ready.
    let none_available = set["status"]["availableReplicas"].as_i64().unwrap_or(0) == 0;
    let serves_nobody = is.stable().is_none() && (none_available || !is.pods().iter().any(is_ready));
    if !selecting.is_empty() && !serves_nobody {
        let share = is.share_of_revision(hash).min(100);
        let is_stable = is.stable() == Some(hash);
        // Clients that are pinned to it would meet each pod that ends.
        let needed = if is_stable || !may_shrink(was) {
            from.min(wanted)
        } else {
            ((share * wanted + 99) / 100).max(1)
        };
        verdict.require(to >= needed, || {
            format!("{name} went from {from} to {to} while {selecting:?} select it at share {share}")
        });
        return;
    }
    // Until a first revision is stable the Services select all pods, and the newest complete one takes over for all.
    let was_serving = set["status"]["availableReplicas"].as_i64().unwrap_or(0) > 0;
    if to > 0 || is.stable().is_none() || !was_serving {
        return;
    }
    let reaching: Vec<&str> = is
        .subject
        .services()
        .into_iter()
        .map(|(service, _)| service)
        .filter(|s| is.reaches(s, hash))
        .collect();
    verdict.require(reaching.is_empty(), || format!("{name} lost its pods while {reaching:?} reach it"));
    drained(verdict, was, served, (name, hash));
}

/// Whether a revision that a Service selects may lose pods: the Rollout is scaled down, which the stable ReplicaSet still
/// shows, or its pods are replaced on request.
fn may_shrink(was: &View<'_>) -> bool {
    let is_stable = |set: &&Object| hash_of(set).is_some() && hash_of(set) == was.stable();
    let stable = was.sets.iter().find(is_stable);
    restarts::is_asked(was) || stable.is_some_and(|set| replicas_of(set) > was.subject.replicas)
}

/// The delay has passed since what is recorded, and since what was seen.
fn drained(verdict: &mut Verdict<'_>, was: &View<'_>, served: Option<&Served>, (name, hash): (&str, &str)) {
    let (status, now) = (was.status(), was.now);
    let delay = match delay_of(was, hash) {
        Some(0) => return,
        Some(delay) => delay,
        None => {
            verdict
                .require(false, || format!("{name} is aborted with a delay of 0 and has to keep its pods"));
            return;
        }
    };
    let drains = status["canary"]["drains"].as_array().into_iter().flatten();
    let recorded = drains.into_iter().find(|drain| drain["podTemplateHash"] == hash);
    let since: Option<Timestamp> = recorded.and_then(|drain| drain["since"].as_str()?.parse().ok());
    let is_over = |since: Timestamp| now.duration_since(since).as_secs() >= delay;
    verdict.require(since.is_some_and(is_over), || {
        format!("{name} lost its pods before the delay of {delay} s was over ({since:?}, {now})")
    });
    let last = served.and_then(|served| served.last(hash));
    verdict.require(last.is_none_or(is_over), || {
        format!(
            "{name} lost its pods {delay} s after {since:?}, but a Service reached them at {last:?} ({now})"
        )
    });
}

/// How long the pods of a revision stay after traffic has left them; none means for ever.
fn delay_of(was: &View<'_>, hash: &str) -> Option<i64> {
    let (subject, status) = (was.subject, was.status());
    let aborted = status["abort"] == true && status["abortedPodHash"] == hash;
    let abort_delay = (subject.abort_drain_seconds > 0).then_some(subject.abort_drain_seconds);
    match (aborted, was.status_is_current()) {
        (false, _) => Some(subject.drain_seconds),
        (true, true) => abort_delay,
        // A new template ends an abort, and status may not say so yet.
        (true, false) => Some(abort_delay.unwrap_or(subject.drain_seconds).min(subject.drain_seconds)),
    }
}

/// Stable and canary have as many as they are wanted each; others are on their way out and only shrink.
fn not_too_many(verdict: &mut Verdict<'_>, is: &View<'_>) {
    let wanted = is.subject.replicas;
    let drains = is.status()["canary"]["drains"].as_array().cloned().unwrap_or_default();
    let newest = is.sets.iter().filter_map(|set| is.revision(set)).max();
    let counts = |set: &&Object| {
        let hash = hash_of(set);
        let drains = drains.iter().any(|drain| drain["podTemplateHash"].as_str() == hash);
        // Neither stable nor newest: a canary that another one is to follow.
        let superseded = hash != is.stable() && is.revision(set) < newest;
        !drains && !superseded
    };
    // Whatever somebody had before is taken back at its own pace.
    // The one more that a restart needs is allowed where it is asked for.
    let sum: i64 = is.sets.iter().filter(counts).map(|set| replicas_of(set).min(wanted)).sum();
    verdict.require(sum <= 2 * wanted, || {
        format!("{sum} pods besides those that drain, for {wanted} replicas: {:?}", is.wanted_pods())
    });
}
