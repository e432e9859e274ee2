//! Judges every write by what must always be true, from the objects alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use serin_engine::Action;
use serin_testkit::{Kind, World};

use crate::operator::NAME;

const HASH: &str = "rollouts-pod-template-hash";
const SERVICES: [&str; 2] = ["stable", "canary"];

/// Judges writes, and remembers what cannot be seen in one world.
#[derive(Default)]
pub struct Oracle {
    /// The canary's share when the standing abort was first seen, by revision.
    aborted: Option<(String, i64)>,
}

/// Shares in percent, hashes and endpoints, read from the objects by code that the planner does not share.
struct View<'w> {
    world: &'w World,
}

impl View<'_> {
    fn weights(&self) -> Option<(i64, i64)> {
        let route = self.world.find(Kind::HttpRoute, "route")?;
        let backends = route["spec"]["rules"][0]["backendRefs"].as_array()?;
        let weight = |service: &str| {
            backends
                .iter()
                .find(|backend| backend["name"] == service)
                .map_or(0, |backend| backend["weight"].as_i64().unwrap_or(1))
        };
        Some((weight("stable"), weight("canary")))
    }

    /// The share of a Service in percent, rounded up.
    fn share(&self, service: &str) -> i64 {
        let Some((stable, canary)) = self.weights() else { return 0 };
        let own = if service == "stable" { stable } else { canary };
        if stable + canary == 0 { 0 } else { (own * 100 + stable + canary - 1) / (stable + canary) }
    }

    fn selected(&self, service: &str) -> Option<String> {
        let service = self.world.find(Kind::Service, service)?;
        service["spec"]["selector"][HASH].as_str().map(str::to_owned)
    }

    /// Ready endpoints of a Service by the hash of their pods.
    fn ready(&self, service: &str) -> BTreeMap<String, i64> {
        let pods = self.world.all(Kind::Pod);
        let mut ready = BTreeMap::new();
        for slice in self.world.all(Kind::EndpointSlice) {
            if slice["metadata"]["labels"]["kubernetes.io/service-name"] != service {
                continue;
            }
            for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                if endpoint["conditions"]["ready"] != true {
                    continue;
                }
                let pod = pods.iter().find(|pod| pod["metadata"]["uid"] == endpoint["targetRef"]["uid"]);
                let hash = pod.and_then(|pod| pod["metadata"]["labels"][HASH].as_str()).unwrap_or("unknown");
                *ready.entry(hash.to_owned()).or_default() += 1;
            }
        }
        ready
    }

    fn ready_count(&self, service: &str) -> i64 {
        self.ready(service).values().sum()
    }

    fn replicas(&self) -> i64 {
        self.world
            .find(Kind::Rollout, NAME)
            .map_or(0, |rollout| rollout["spec"]["replicas"].as_i64().unwrap_or(1))
    }

    fn status(&self) -> Value {
        self.world.find(Kind::Rollout, NAME).map(|rollout| rollout["status"].clone()).unwrap_or_default()
    }

    /// The stable revision's hash, by the records on ReplicaSets.
    fn stable(&self) -> Option<String> {
        let sets = self.world.all(Kind::ReplicaSet);
        let ordinal =
            |set: &Value| set["metadata"]["annotations"]["serin.dev/stable"].as_str()?.parse::<i64>().ok();
        let newest = sets.iter().filter(|set| ordinal(set).is_some()).max_by_key(|set| ordinal(set))?;
        newest["metadata"]["labels"][HASH].as_str().map(str::to_owned)
    }

    /// The share of the traffic that reaches a revision, in percent.
    fn share_of_revision(&self, hash: &str) -> i64 {
        SERVICES
            .iter()
            .filter(|service| self.selected(service).as_deref() == Some(hash))
            .map(|service| self.share(service))
            .sum()
    }
}

impl Oracle {
    /// Judges one write of the operator.
    pub fn judge(&mut self, before: &World, after: &World, action: Option<&Action>) {
        let (was, is) = (View { world: before }, View { world: after });
        let what = || action.map_or_else(|| "status".to_owned(), Action::describe);
        only_ours(before, after, &what());
        shares(&was, &is, &what());
        for service in SERVICES {
            selector(&was, &is, service, &what());
        }
        replicas(&was, &is, &what());
        self.abort(&was, &is, &what());
        commit(&was, &is, &what());
    }

    /// An aborted revision's share never rises until a retry or a new template.
    fn abort(&mut self, was: &View<'_>, is: &View<'_>, what: &str) {
        let status = was.status();
        let hash = status["abortedPodHash"].as_str().filter(|_| status["abort"] == true).map(str::to_owned);
        let Some(hash) = hash else {
            self.aborted = None;
            return;
        };
        // The record goes with the first status; only a revision that is still aborted after this write counts.
        if is.status()["abort"] != true || is.stable().as_deref() == Some(&hash) {
            self.aborted = None;
            return;
        }
        let (before, after) = (was.share_of_revision(&hash), is.share_of_revision(&hash));
        assert!(after <= before, "{what}: the share of the aborted {hash} rose from {before} to {after}");
        self.aborted = Some((hash, after));
    }
}

/// Of the route only two weights change; nothing else than the Rollout's own objects is touched.
fn only_ours(before: &World, after: &World, what: &str) {
    let without_weights = |world: &World| {
        let mut route = world.find(Kind::HttpRoute, "route").cloned().unwrap_or_default();
        for backend in route["spec"]["rules"][0]["backendRefs"].as_array_mut().into_iter().flatten() {
            backend["weight"] = json!(null);
        }
        for field in ["resourceVersion", "generation", "managedFields"] {
            route["metadata"][field] = json!(null);
        }
        route
    };
    assert_eq!(without_weights(before), without_weights(after), "{what}: the route was damaged");
    let untouched = |world: &World| ["other-route"].map(|name| world.find(Kind::HttpRoute, name).cloned());
    assert_eq!(untouched(before), untouched(after), "{what}: a foreign route was written");
}

/// No share without endpoints, and none raised before its pods are there.
fn shares(was: &View<'_>, is: &View<'_>, what: &str) {
    if was.weights() == is.weights() || is.replicas() == 0 {
        return;
    }
    for (service, other) in [("stable", "canary"), ("canary", "stable")] {
        let (before, after) = (was.share(service), is.share(service));
        let (ready, ready_elsewhere) = (is.ready_count(service), is.ready_count(other));
        assert!(
            after == 0 || ready > 0 || ready_elsewhere == 0,
            "{what}: {service} has a share of {after} and no ready endpoint"
        );
        if after <= before {
            continue;
        }
        // A first deploy, and a Service with a selector of its own, have no revision meant.
        let Some(hash) = is.selected(service) else { continue };
        let of_revision = is.ready(service).get(&hash).copied().unwrap_or(0);
        assert!(
            of_revision > 0 || ready_elsewhere == 0,
            "{what}: {service} was raised to {after} without pods of {hash}"
        );
        let is_way_back = service == "stable" && is.selected("canary") != is.selected("stable");
        let is_refuge = ready_elsewhere == 0;
        // Somebody has taken the traffic away altogether: anything is better.
        let was_nowhere = was.weights() == Some((0, 0));
        if is_way_back || is_refuge || was_nowhere {
            continue;
        }
        assert_eq!(of_revision, ready, "{what}: {service} was raised while it lists other pods");
        if service == "canary" && is.stable().is_some_and(|stable| stable != hash) {
            let needed = (after * is.replicas() + 99) / 100;
            assert!(
                of_revision >= needed,
                "{what}: weight {after} with {of_revision} of {needed} ready pods"
            );
        }
    }
}

/// A Service moves between revisions only while its share is 0.
fn selector(was: &View<'_>, is: &View<'_>, service: &str, what: &str) {
    let (before, after) = (was.selected(service), is.selected(service));
    if before == after || was.share(service) == 0 {
        return;
    }
    let Some(after) = after else {
        let rollout = was.world.find(Kind::Rollout, NAME).cloned().unwrap_or_default();
        assert!(
            !rollout["metadata"]["deletionTimestamp"].is_null(),
            "{what}: {service} was released under share"
        );
        return;
    };
    let ready = was.ready(service);
    let narrows = before.is_none() && ready.keys().all(|hash| *hash == after);
    let recorded =
        was.status()["canary"]["managed"][format!("{service}Service")]["podTemplateHash"] == json!(after);
    assert!(
        narrows || recorded,
        "{what}: {service} was moved from {before:?} to {after} under a share of {}",
        was.share(service)
    );
}

/// Pods that a Service selects, or that still drain, are not taken away.
fn replicas(was: &View<'_>, is: &View<'_>, what: &str) {
    let wanted = is.replicas();
    for set in is.world.all(Kind::ReplicaSet) {
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let Some(before) = was.world.find(Kind::ReplicaSet, name) else { continue };
        let (from, to) =
            (before["spec"]["replicas"].as_i64().unwrap_or(0), set["spec"]["replicas"].as_i64().unwrap_or(0));
        if to >= from || wanted == 0 {
            continue;
        }
        let hash = set["metadata"]["labels"][HASH].as_str().unwrap_or_default();
        let selecting: Vec<&str> =
            SERVICES.into_iter().filter(|service| is.selected(service).as_deref() == Some(hash)).collect();
        if !selecting.is_empty() {
            let share = selecting.iter().map(|service| is.share(service)).max().unwrap_or(0);
            let needed = if is.stable().as_deref() == Some(hash) {
                wanted
            } else {
                ((share * wanted + 99) / 100).max(1)
            };
            assert!(
                to >= needed,
                "{what}: {name} went from {from} to {to} while {selecting:?} select it at share {share}"
            );
            continue;
        }
        let was_serving = before["status"]["availableReplicas"].as_i64().unwrap_or(0) > 0;
        if to == 0 && is.stable().is_some() && was_serving {
            let status = was.status();
            let drains = status["canary"]["drains"].as_array().cloned().unwrap_or_default();
            let drain = drains.iter().find(|drain| drain["podTemplateHash"] == hash);
            let since: Option<jiff::Timestamp> =
                drain.and_then(|drain| drain["since"].as_str()?.parse().ok());
            let now = was.world.now();
            let drained = since.is_some_and(|since| now.duration_since(since).as_secs() >= 30);
            assert!(
                drained,
                "{what}: {name} lost its pods before the drain delay was over ({since:?}, {now})"
            );
        }
    }
}

/// A canary is recorded as stable only with all its pods and all the traffic.
fn commit(was: &View<'_>, is: &View<'_>, what: &str) {
    let (before, after) = (was.stable(), is.stable());
    let (Some(before), Some(after)) = (before, after) else { return };
    if before == after || is.replicas() == 0 {
        return;
    }
    let sets = is.world.all(Kind::ReplicaSet);
    let set = sets
        .iter()
        .find(|set| set["metadata"]["labels"][HASH] == json!(after))
        .expect("the stable ReplicaSet");
    let available = set["status"]["availableReplicas"].as_i64().unwrap_or(0);
    assert_eq!(is.share("canary"), 100, "{what}: {after} was committed without all the traffic");
    assert_eq!(is.selected("canary"), Some(after.clone()), "{what}: {after} was committed unselected");
    assert!(available >= is.replicas(), "{what}: {after} was committed with {available} pods");
}
