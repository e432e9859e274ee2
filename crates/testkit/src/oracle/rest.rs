//! What holds whenever an operator that knows everything has nothing left to do.

use super::shares;
use super::verdict::Verdict;
use super::view::View;

/// No share stays on a backend without ready endpoints while the other one has some, unless status says what keeps it
/// there: a write that is refused or contested, or references that cannot be used.
pub fn judge(verdict: &mut Verdict<'_>, is: &View<'_>) {
    let (subject, status) = (is.subject, is.status());
    let is_managed = status["canary"]["managed"].is_object();
    if subject.replicas == 0 || is.is_deleting() || !is_managed || is.stable().is_none() {
        return;
    }
    let excuses = ["RefusedWrite", "ContestedWrite", "ValidSpec"];
    let waits = status["waitingFor"].to_string();
    let is_excused = excuses.iter().any(|wait| waits.contains(wait)) || waits.contains("references");
    for (service, other) in subject.services() {
        let share = is.share(service);
        let ready = is.ready_count(service);
        let is_served_elsewhere = is.stable().is_some_and(|stable| is.live(other).contains(&stable));
        // The wanted canary is a refuge, too, unless nobody wants one any more: an abort waits for the stable revision. An
        // older one is not: where the stable revision is broken, it would keep the newer one from taking over.
        let by_stable = is_served_elsewhere && is.selected(other) == is.stable();
        let selected = is.selected(other).filter(|selected| is.live(other).contains(selected));
        let is_wanted =
            selected.and_then(|selected| is.set(selected)).is_some_and(|set| is.may_be_wanted(set));
        let by_canary = is_wanted && !shares::goes_back_at_once(is);
        verdict.require(share == 0 || ready > 0 || is_excused || !(by_stable || by_canary), || {
            format!("{service} is left a share of {share} without a ready endpoint; {}", is.traffic())
        });
    }
}
