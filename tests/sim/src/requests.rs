//! What requests meet, judged after every step by where the gateway's proxies send them.
//!
//! Weights, selectors and lists may be right, and requests fail all the same: the proxies follow later, and a pod that
//! is gone answers nobody. What is judged is what the operator can promise of a gateway that follows within the drain
//! delay, and of endpoints no later than of routes; `docs/design/testing.md` has it in words.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serin_testkit::controllers::Gateway;
use serin_testkit::controllers::gateway::Backend;
use serin_testkit::{Kind, World};

use crate::judge::Violation;
use crate::setting::{Setting, Trouble};
use crate::stage::{HASH, NAME};
use crate::turn::Turn;

/// Judges what requests meet.
#[derive(Clone, Debug)]
pub struct Requests {
    /// Somebody else has taken pods, Services or weights away: until the cluster has come to rest, a request that fails may
    /// not be the operator's doing.
    truce: bool,
    /// Clocks are set, so that no delay means anything.
    is_judged: bool,
    /// The pods that answer, by uid, each with its revision.
    answering: BTreeMap<String, String>,
    /// The pods that have gone when nothing selected their revision any more, by uid, each with its revision.
    left: BTreeMap<String, String>,
}

impl Requests {
    /// Before the first deploy nothing serves.
    pub fn of(setting: &Setting) -> Self {
        let is_judged = !setting.has(Trouble::Clocks);
        Self { truce: true, is_judged, answering: BTreeMap::new(), left: BTreeMap::new() }
    }

    /// Notes what is about to happen.
    pub fn expect(&mut self, turn: Turn, world: &World) {
        let wants_fewer = |pods: u32| i64::from(pods) < wanted(world);
        self.truce |= match turn {
            // Pods of a revision in use go as those of a Deployment do, and may still go when it is used no more.
            Turn::Scale { replicas } | Turn::Autoscale { replicas } => wants_fewer(replicas),
            turn => takes_something_away(turn),
        };
    }

    /// Time passes, and the operator has not heard of endpoints as they are: it counts delays by what it has heard.
    pub fn excuse_late_news(&mut self) {
        self.truce = true;
    }

    /// Judges the requests of this moment.
    pub fn judge(&mut self, world: &World, gateway: &Gateway) -> Result<(), Violation> {
        if !self.is_judged {
            return Ok(());
        }
        self.look(world);
        self.truce |= wanted(world) == 0 || is_restarting(world);
        let rules = gateway.data_plane().rules();
        let failures = rules.filter_map(|((_, route), rule)| {
            let used = rule.iter().filter(|backend| backend.weight > 0);
            let failure = used.filter_map(|backend| self.failure(gateway, backend)).next();
            failure.map(|failure| format!("a request through {route} fails: {failure}"))
        });
        let failure = failures.into_iter().next();
        match failure {
            Some(failure) if !self.truce => {
                Err(Violation(format!("{failure}; {}", serin_testkit::oracle::facts(world))))
            }
            _ => Ok(()),
        }
    }

    /// The world is at rest: what has gone wrong is over, unless pods are still missing.
    pub fn rest(&mut self, world: &World) {
        self.truce &= !is_complete(world);
    }

    fn look(&mut self, world: &World) {
        let before = std::mem::take(&mut self.answering);
        for pod in world.all(Kind::Pod) {
            let (Some(uid), Some(hash)) =
                (pod["metadata"]["uid"].as_str(), pod["metadata"]["labels"][HASH].as_str())
            else {
                continue;
            };
            let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
            let is_ready =
                conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            if is_ready && pod["metadata"]["deletionTimestamp"].is_null() {
                self.answering.insert(uid.to_owned(), hash.to_owned());
            }
        }
        // Not every one that did not answer was gone.
        self.left.retain(|uid, _| !self.answering.contains_key(uid));
        for (uid, hash) in before {
            if !self.answering.contains_key(&uid) && !is_selected(world, &hash) {
                self.left.insert(uid, hash);
            }
        }
    }

    /// Why a request fails that is sent to a backend, if it does.
    fn failure(&self, gateway: &Gateway, backend: &Backend) -> Option<String> {
        let (service, weight) = (&backend.service.name, backend.weight);
        let sent: Vec<&str> = gateway.data_plane().pods(&backend.service).collect();
        if !sent.iter().any(|pod| self.answering.contains_key(*pod)) {
            return Some(format!("{service} has weight {weight}, and none of {} pods answers", sent.len()));
        }
        // A revision that serves may shrink, as a Deployment does: which pods go is not the operator's choice.
        let revision = sent.iter().find_map(|pod| self.left.get(*pod))?;
        Some(format!("{service} has weight {weight} and leads to pods of {revision} that are gone"))
    }
}

/// Whether it takes away what serves, or what leads there.
fn takes_something_away(turn: Turn) -> bool {
    matches!(
        turn,
        Turn::Quota { .. }
            | Turn::Unready { .. }
            | Turn::DeletePod { .. }
            | Turn::ScaleSet { .. }
            | Turn::DeleteSet { .. }
            | Turn::ForeignWeights { .. }
            | Turn::ApplyRoute
            | Turn::ApplyService { .. }
            | Turn::DeleteService { .. }
            | Turn::CreateService { .. }
            | Turn::DeleteRoute
            | Turn::CreateRoute
            | Turn::DeleteRollout { .. }
            | Turn::CreateRollout
    )
}

fn wanted(world: &World) -> i64 {
    let rollout = world.find(Kind::Rollout, NAME);
    rollout.map_or(0, |rollout| rollout["spec"]["replicas"].as_i64().unwrap_or(1))
}

/// Pods are replaced on request, as those of a Deployment are, and end in their own time.
fn is_restarting(world: &World) -> bool {
    let asked = |rollout: &Value| {
        let (asked, done) = (&rollout["spec"]["restartAt"], &rollout["status"]["restartedAt"]);
        !asked.is_null() && asked != done
    };
    world.find(Kind::Rollout, NAME).is_some_and(asked)
}

fn is_selected(world: &World, revision: &str) -> bool {
    world.all(Kind::Service).iter().any(|service| {
        let selected = &service["spec"]["selector"][HASH];
        selected.is_null() || selected == revision
    })
}

/// Every ReplicaSet has the pods that it wants, all of them ready, and the stable one as many as the Rollout wants.
fn is_complete(world: &World) -> bool {
    let stable = world.find(Kind::Rollout, NAME).map(|rollout| rollout["status"]["stableRS"].clone());
    let sets = world.all(Kind::ReplicaSet);
    let of_stable = sets.iter().find(|set| Some(&set["metadata"]["labels"][HASH]) == stable.as_ref());
    let is_whole = |set: &Arc<Value>| {
        let wanted = set["spec"]["replicas"].as_i64().unwrap_or(0);
        wanted == set["status"]["readyReplicas"].as_i64().unwrap_or(0)
            && set["metadata"]["generation"] == set["status"]["observedGeneration"]
    };
    of_stable.is_some_and(|set| set["spec"]["replicas"].as_i64() == Some(wanted(world)))
        && sets.iter().all(is_whole)
}
