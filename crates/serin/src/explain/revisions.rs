//! The revisions of a Rollout: which is which, how many pods each has, and which share of the traffic reaches it.

use serde::Serialize;
use serin_engine::Snapshot;
use serin_engine::snapshot::{Revision, ServiceView};

/// One revision at one moment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionNow {
    pub role: &'static str,
    pub number: i64,
    pub replica_set: String,
    /// Pods that are wanted, exist, are ready, and are available.
    pub wanted: i32,
    pub existing: i32,
    pub ready: i32,
    pub available: i32,
    /// Why pods cannot be created, if they cannot.
    pub failure: Option<String>,
    /// Of the route, in percent, by way of the Services that select it; unknown where the route holds none of them.
    pub share: Option<i32>,
    pub services: Vec<ServiceNow>,
}

/// A Service that selects a revision.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceNow {
    pub name: String,
    /// Ready endpoints that are pods of the revision, and others.
    pub ready_endpoints: i32,
    pub other_endpoints: i32,
}

/// The revisions that matter, stable first, and how many others have no pods.
pub fn of(world: &Snapshot) -> (Vec<RevisionNow>, usize) {
    let is =
        |which: Option<&Revision>, revision: &Revision| which.is_some_and(|found| found.uid == revision.uid);
    let mut shown = Vec::new();
    let mut resting = 0;
    for revision in world.revisions.iter().filter(|revision| revision.owned) {
        let role = match (is(world.stable(), revision), is(world.current(), revision)) {
            (true, _) => "stable",
            (false, true) if world.stable().is_none() => "first",
            (false, true) => "canary",
            (false, false) if revision.replicas > 0 || revision.existing > 0 => "older",
            (false, false) => {
                resting += 1;
                continue;
            }
        };
        shown.push(now(world, revision, role));
    }
    shown.sort_by_key(|revision| (revision.role != "stable", std::cmp::Reverse(revision.number)));
    (shown, resting)
}

fn now(world: &Snapshot, revision: &Revision, role: &'static str) -> RevisionNow {
    let mut share = None;
    let mut services = Vec::new();
    if let Some(traffic) = &world.traffic {
        let canary = traffic.routes.canary_percent();
        let is_routed = traffic.routes.holds_pairs();
        for (service, percent) in [(&traffic.stable, 100 - canary), (&traffic.canary, canary)] {
            if service.selects(&revision.hash) {
                share = is_routed.then(|| share.unwrap_or(0) + percent);
                services.push(service_now(service, revision));
            }
        }
    }
    RevisionNow {
        role,
        number: revision.number,
        replica_set: revision.name.clone(),
        wanted: revision.replicas,
        existing: revision.existing,
        ready: revision.ready,
        available: revision.available,
        failure: revision.failure.clone(),
        share,
        services,
    }
}

fn service_now(service: &ServiceView, revision: &Revision) -> ServiceNow {
    ServiceNow {
        name: service.name.clone(),
        ready_endpoints: service.ready_of(&revision.hash),
        other_endpoints: service.ready_of_others(&revision.hash),
    }
}
