//! An abort wins: the canary's share goes to nothing in the first write of weights, and stays there.

use super::verdict::Verdict;
use super::view::View;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    let status = was.status();
    let Some(hash) = status["abortedPodHash"].as_str().filter(|_| status["abort"] == true) else { return };
    // The record goes with the first status; only a revision that is still aborted after this write counts.
    // With no stable revision there is nothing to go back to.
    let nothing_to_abort = is.stable().is_none_or(|stable| stable == hash);
    if is.status()["abort"] != true || nothing_to_abort || !was.status_is_current() {
        return;
    }
    let (before, after) = (was.share_of_revision(hash), is.share_of_revision(hash));
    verdict.require(after <= before, || {
        format!("the share of the aborted {hash} rose from {before} to {after}; {}", is.traffic())
    });
    // Of several routes, one after the other.
    let changed = is.changed_routes(was);
    let left = is.shares_of_revision(hash).into_iter().filter(|((route, _), _)| changed.contains(route));
    let left = left.map(|(_, share)| share).max().unwrap_or(0);
    verdict.require(left == 0, || format!("the aborted {hash} was left a share of {left}; {}", is.traffic()));
}
