//! No share without endpoints, and none raised before its pods are there.

use super::subject::Subject;
use super::verdict::Verdict;
use super::view::View;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let subject = is.subject;
    if was.pairs() == is.pairs() || subject.replicas == 0 {
        return;
    }
    let changed = is.changed_routes(was);
    for (service, other) in subject.services() {
        let after = is.share_in(service, &changed);
        let (ready, ready_elsewhere) = (is.ready_count(service), is.ready_count(other));
        verdict.require(after == 0 || ready > 0 || ready_elsewhere == 0, || {
            format!("{service} has a share of {after} and no ready endpoint; {}", is.traffic())
        });
        if was_raised(was, is, service) {
            raised(verdict, was, is, (service, other), after);
        }
    }
}

/// In any rule.
fn was_raised(was: &View<'_>, is: &View<'_>, service: &str) -> bool {
    let before = was.shares(service);
    is.shares(service).into_iter().any(|(rule, after)| after > before.get(&rule).copied().unwrap_or(0))
}

fn raised(
    verdict: &mut Verdict<'_>,
    was: &View<'_>,
    is: &View<'_>,
    (service, other): (&str, &str),
    after: i64,
) {
    let Subject { in_force, replicas, .. } = is.subject;
    // A first deploy, and a Service with a selector of its own, have no revision meant.
    let Some(hash) = is.selected(service) else { return };
    let ready = is.ready_count(service);
    let of_revision = is.ready(service).get(hash).copied().unwrap_or(0);
    // What the other one lists and does not select is about to leave it.
    let stays = |of: &&str| is.selected(other).is_none_or(|selected| *of == selected);
    let is_refuge = !is.live(other).iter().any(stays);
    verdict.require(of_revision > 0 || is_refuge, || {
        format!("{service} was raised to {after} without pods of {hash}; {}", is.traffic())
    });
    let is_way_back =
        service == in_force.stable && is.selected(&in_force.canary) != is.selected(&in_force.stable);
    // Somebody has taken the traffic away altogether: anything is better.
    let changed = is.changed_routes(was);
    let mut before = was.pairs().into_iter().filter(|pair| changed.contains(&pair.route));
    let was_nowhere = before.all(|pair| pair.stable + pair.canary == 0);
    if is_refuge || was_nowhere {
        return;
    }
    let needed = (after * replicas + 99) / 100;
    if is_way_back {
        let is_enough = of_revision >= needed || is.stable() != Some(hash) || goes_back_at_once(is);
        verdict.require(is_enough, || {
            format!("{service} took {after} back with {of_revision} of {needed} ready pods; {}", is.traffic())
        });
        return;
    }
    verdict.require(of_revision == ready, || {
        format!("{service} was raised while it lists other pods than those of {hash}; {}", is.traffic())
    });
    if service == in_force.canary && is.stable().is_some_and(|stable| stable != hash) {
        verdict.require(of_revision >= needed, || {
            format!("weight {after} with {of_revision} of {needed} ready pods; {}", is.traffic())
        });
    }
}

/// Somebody wants no canary any more: an abort, also one by a change of references, the stable template again, or a
/// deletion. A newer canary is none of these.
pub(super) fn goes_back_at_once(is: &View<'_>) -> bool {
    let subject = is.subject;
    let is_aborted = is.status()["abort"] == true || subject.wanted != subject.in_force;
    let asked = is.rollout["metadata"]["annotations"][&subject.names.abort].is_string();
    let stable_is_wanted =
        is.stable().and_then(|stable| is.set(stable)).is_some_and(|set| is.may_be_wanted(set));
    is_aborted || asked || stable_is_wanted || is.is_deleting()
}
