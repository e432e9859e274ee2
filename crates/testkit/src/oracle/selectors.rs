//! A Service moves between revisions only while its share is 0.

use serde_json::json;

use super::verdict::Verdict;
use super::view::View;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>) {
    for (service, _) in was.subject.services() {
        let (before, after) = (was.selected(service), is.selected(service));
        if before == after || was.share(service) == 0 {
            continue;
        }
        match after {
            Some(after) => {
                verdict.require(narrows(was, service, after) || restores(was, service, after), || {
                    format!("{service} was moved from {before:?} to {after} under share; {}", was.traffic())
                });
            }
            // Its own selector back, because the Rollout goes or names other Services now.
            None => {
                let is_released = was.is_deleting() || was.subject.wanted != was.subject.in_force;
                verdict.require(is_released, || {
                    format!("{service} was released under share; {}", was.traffic())
                });
            }
        }
    }
}

/// All pods that the Service lists are of the one revision already.
fn narrows(was: &View<'_>, service: &str, after: &str) -> bool {
    was.selected(service).is_none() && was.ready(service).keys().all(|hash| *hash == after)
}

/// What was recorded is put back.
fn restores(was: &View<'_>, service: &str, after: &str) -> bool {
    let managed = &was.status()["canary"]["managed"];
    let side = if service == was.subject.in_force.stable { "stableService" } else { "canaryService" };
    managed[side]["podTemplateHash"] == json!(after)
}
