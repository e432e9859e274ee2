//! Shares in percent, selectors, endpoints and records, as the objects show them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;
use serin_api::names::POD_TEMPLATE_HASH;

use super::Object;
use super::names::{controller_of, hash_of, is_deleting, name_of, namespace_of, replicas_of, texts};
use super::scene::Scene;
use super::subject::{References, RouteName, Subject};
use serin_world::world::Kind;

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The weights of the stable and the canary Service in one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The place of the route among those that are named.
    pub route: usize,
    pub rule: usize,
    pub stable: i64,
    pub canary: i64,
}

impl Pair {
    /// The share of one side in percent, rounded up, so that any traffic counts.
    fn percent(&self, own: i64) -> i64 {
        let sum = self.stable + self.canary;
        if sum == 0 { 0 } else { (own * 100 + sum - 1) / sum }
    }
}

/// One world as far as it concerns one Rollout.
pub struct View<'a> {
    pub subject: &'a Subject,
    pub now: Timestamp,
    /// Null where it is gone.
    pub rollout: Object,
    /// The ReplicaSets that the Rollout owns or could adopt.
    pub sets: Vec<Object>,
    pods: Vec<Object>,
    services: Vec<Object>,
    slices: Vec<Object>,
    routes: Vec<(Kind, Object)>,
}

impl<'a> View<'a> {
    pub fn of(scene: &impl Scene, subject: &'a Subject) -> Self {
        let all = |kind: Kind| {
            let mut objects = scene.all(kind);
            objects.retain(|object| namespace_of(object) == subject.namespace);
            objects
        };
        let rollouts = all(Kind::Rollout);
        let rollout = rollouts.into_iter().find(|rollout| rollout["metadata"]["uid"] == *subject.uid);
        let rollout = rollout.unwrap_or_default();
        let wanted = texts(&rollout["spec"]["selector"]["matchLabels"]);
        let mut sets = all(Kind::ReplicaSet);
        sets.retain(|set| {
            let labels = texts(&set["metadata"]["labels"]);
            let matches = || wanted.iter().all(|(name, value)| labels.get(name) == Some(value));
            hash_of(set).is_some() && controller_of(set).map_or_else(matches, |owner| owner == subject.uid)
        });
        Self {
            subject,
            now: scene.now(),
            rollout,
            sets,
            pods: all(Kind::Pod),
            services: all(Kind::Service),
            slices: all(Kind::EndpointSlice),
            routes: Kind::ROUTES
                .into_iter()
                .flat_map(|kind| all(kind).into_iter().map(move |of| (kind, of)))
                .collect(),
        }
    }

    /// Every pod of the namespace.
    pub fn pods(&self) -> &[Object] {
        &self.pods
    }

    pub fn status(&self) -> &Value {
        &self.rollout["status"]
    }

    pub fn is_deleting(&self) -> bool {
        is_deleting(&self.rollout)
    }

    /// Whether status speaks of the spec as it is.
    pub fn status_is_current(&self) -> bool {
        self.status()["observedGeneration"] == self.rollout["metadata"]["generation"]
    }

    /// The rules of the managed routes that hold both Services, each once.
    pub fn pairs(&self) -> Vec<Pair> {
        let named = self.subject.in_force.routes.iter().enumerate();
        named.flat_map(|(place, route)| self.pairs_of(place, route)).collect()
    }

    fn pairs_of(&self, place: usize, named: &RouteName) -> Vec<Pair> {
        let References { stable, canary, .. } = &self.subject.in_force;
        let is_named = |(kind, found): &&(Kind, Object)| *kind == named.kind && name_of(found) == named.name;
        let Some((_, route)) = self.routes.iter().find(is_named) else { return Vec::new() };
        let rules = route["spec"]["rules"].as_array().into_iter().flatten();
        let is_meant =
            |rule: &Value| named.rules.is_empty() || named.rules.iter().any(|name| rule["name"] == **name);
        let pair = |(rule, value): (usize, &Value)| {
            let backends = value["backendRefs"].as_array()?;
            let weight = |service: &str| {
                let namespace = &self.subject.namespace;
                let mut of = backends.iter().filter(|backend| refers_to(backend, namespace, service));
                let weight = of.next()?["weight"].as_i64().unwrap_or(1);
                of.next().is_none().then_some(weight)
            };
            Some(Pair { route: place, rule, stable: weight(stable)?, canary: weight(canary)? })
        };
        rules.enumerate().filter(|(_, rule)| is_meant(rule)).filter_map(pair).collect()
    }

    /// The share of a Service in percent in each rule of each route.
    pub fn shares(&self, service: &str) -> BTreeMap<(usize, usize), i64> {
        let own =
            |pair: &Pair| if service == self.subject.in_force.stable { pair.stable } else { pair.canary };
        self.pairs().iter().map(|pair| ((pair.route, pair.rule), pair.percent(own(pair)))).collect()
    }

    /// The largest share of a Service in percent.
    pub fn share(&self, service: &str) -> i64 {
        self.shares(service).into_values().max().unwrap_or(0)
    }

    /// The same in some routes.
    pub fn share_in(&self, service: &str, routes: &BTreeSet<usize>) -> i64 {
        let shares = self.shares(service).into_iter().filter(|((route, _), _)| routes.contains(route));
        shares.map(|(_, share)| share).max().unwrap_or(0)
    }

    /// The routes whose weights are others than they were: each of several is written by itself.
    pub fn changed_routes(&self, was: &View<'_>) -> BTreeSet<usize> {
        let before = was.pairs();
        self.pairs().into_iter().filter(|pair| !before.contains(pair)).map(|pair| pair.route).collect()
    }

    fn service(&self, name: &str) -> Option<&Object> {
        self.services.iter().find(|service| name_of(service) == name)
    }

    /// The revision that a Service's selector names.
    pub fn selected(&self, service: &str) -> Option<&str> {
        self.service(service)?["spec"]["selector"][POD_TEMPLATE_HASH].as_str()
    }

    /// Whether the selector can match pods of this revision: it names it, or names none.
    pub fn reaches(&self, service: &str, hash: &str) -> bool {
        self.service(service).is_some_and(|service| {
            let selected = &service["spec"]["selector"][POD_TEMPLATE_HASH];
            selected.is_null() || selected == hash
        })
    }

    /// Every Service in the namespace, whoever manages it, that names this revision.
    pub fn selecting(&self, hash: &str) -> Vec<&str> {
        let naming = |service: &&Object| service["spec"]["selector"][POD_TEMPLATE_HASH] == hash;
        self.services.iter().filter(naming).map(|service| name_of(service)).collect()
    }

    /// The pods behind the ready endpoints of a Service; none for one that is not there.
    fn ready_pods(&self, service: &str) -> Vec<Option<&Object>> {
        let mut seen = BTreeSet::new();
        let mut pods = Vec::new();
        // The lists of a Service that was deleted outlive it for a moment, and serve nobody.
        if !self.services.iter().any(|found| name_of(found) == service) {
            return pods;
        }
        let of_service = |slice: &&Object| slice["metadata"]["labels"][SERVICE_NAME] == service;
        for slice in self.slices.iter().filter(of_service) {
            for endpoint in slice["endpoints"].as_array().into_iter().flatten() {
                let uid = endpoint["targetRef"]["uid"].as_str().unwrap_or_default();
                // A dual-stack Service lists every pod once for each address family.
                if endpoint["conditions"]["ready"] == true && seen.insert(uid) {
                    pods.push(self.pods.iter().find(|pod| pod["metadata"]["uid"] == uid));
                }
            }
        }
        pods
    }

    /// Ready endpoints of a Service by the hash of their pods.
    pub fn ready(&self, service: &str) -> BTreeMap<&str, i64> {
        let mut ready = BTreeMap::new();
        for pod in self.ready_pods(service) {
            *ready.entry(pod.and_then(|pod| hash_of(pod)).unwrap_or("unknown")).or_default() += 1;
        }
        ready
    }

    pub fn ready_count(&self, service: &str) -> i64 {
        self.ready(service).values().sum()
    }

    /// The revisions of the pods behind ready endpoints that are there and stay. A list that lags names others, too, and
    /// pods whose ReplicaSet has been deleted are about to end.
    pub fn live(&self, service: &str) -> Vec<&str> {
        let controlled =
            |pod: &&Object| self.sets.iter().any(|set| set["metadata"]["uid"].as_str() == controller_of(pod));
        let pods = self.ready_pods(service).into_iter().flatten();
        pods.filter(|pod| !is_deleting(pod)).filter(controlled).filter_map(|pod| hash_of(pod)).collect()
    }

    /// The ReplicaSet of a revision.
    pub fn set(&self, hash: &str) -> Option<&Object> {
        self.sets.iter().find(|set| hash_of(set) == Some(hash))
    }

    fn number(&self, set: &Value, annotation: &str) -> Option<i64> {
        set["metadata"]["annotations"][annotation].as_str()?.parse().ok()
    }

    /// The revision number of a ReplicaSet.
    pub fn revision(&self, set: &Value) -> Option<i64> {
        self.number(set, &self.subject.names.revision)
    }

    /// Whether a ReplicaSet was ever recorded as stable, and when among the others.
    pub fn ordinal(&self, set: &Value) -> Option<i64> {
        self.number(set, &self.subject.names.stable)
    }

    /// The stable revision's hash, by the records on ReplicaSets.
    pub fn stable(&self) -> Option<&str> {
        let recorded = self.sets.iter().filter(|set| !is_deleting(set) && self.ordinal(set).is_some());
        recorded.max_by_key(|set| self.ordinal(set)).and_then(|set| hash_of(set))
    }

    /// Whether status names the revision as stable, and no other was recorded after that was written.
    pub fn was_reported_stable(&self, hash: &str) -> bool {
        let status = self.status();
        let reported = status["canary"]["stableOrdinal"].as_i64().unwrap_or(i64::MAX);
        let is_newer = |set: &Object| !is_deleting(set) && self.ordinal(set) > Some(reported);
        status["stableRS"] == hash && !self.sets.iter().any(is_newer)
    }

    /// Whether a revision can be the one that the spec wants: it runs the same images.
    pub fn may_be_wanted(&self, set: &Value) -> bool {
        let images = |template: &Value| -> Vec<(Value, Value)> {
            let containers = template["spec"]["containers"].as_array().into_iter().flatten();
            containers.map(|container| (container["name"].clone(), container["image"].clone())).collect()
        };
        images(&set["spec"]["template"]) == images(&self.rollout["spec"]["template"])
    }

    /// The share of the traffic that reaches a revision, in percent.
    pub fn share_of_revision(&self, hash: &str) -> i64 {
        let services = self.subject.services().into_iter().map(|(service, _)| service);
        let serving = services.filter(|service| self.selected(service) == Some(hash));
        serving.map(|service| self.share(service)).sum()
    }

    /// The same in each rule of each route.
    pub fn shares_of_revision(&self, hash: &str) -> BTreeMap<(usize, usize), i64> {
        let services = self.subject.services().into_iter().map(|(service, _)| service);
        let mut sums = BTreeMap::new();
        for service in services.filter(|service| self.selected(service) == Some(hash)) {
            for (place, share) in self.shares(service) {
                *sums.entry(place).or_default() += share;
            }
        }
        sums
    }

    /// The pods that all revisions want, by revision.
    pub fn wanted_pods(&self) -> BTreeMap<&str, i64> {
        self.sets.iter().filter_map(|set| Some((hash_of(set)?, replicas_of(set)))).collect()
    }

    /// Traffic and what status remembers, for people.
    pub fn facts(&self) -> String {
        let status = self.status();
        let fields = [
            "phase",
            "stableRS",
            "currentPodHash",
            "currentStepIndex",
            "pauseConditions",
            "abort",
            "abortedPodHash",
        ];
        let told = fields.into_iter().filter(|field| !status[field].is_null());
        let mut told: Vec<String> = told.map(|field| format!("{field}={}", status[field])).collect();
        told.push(format!("drains={}", status["canary"]["drains"]));
        format!("{}: {}; status {}", self.subject.name, self.traffic(), told.join(" "))
    }

    /// The traffic in one line, for violations.
    pub fn traffic(&self) -> String {
        let side = |service: &str| {
            format!(
                "{service} selects {} with share {} and lists {:?}",
                self.selected(service).unwrap_or("nothing of ours"),
                self.share(service),
                self.ready(service)
            )
        };
        let References { stable, canary, .. } = &self.subject.in_force;
        format!(
            "{}; {}; stable is {:?}; pods {:?}",
            side(stable),
            side(canary),
            self.stable(),
            self.wanted_pods()
        )
    }
}

fn refers_to(backend: &Value, namespace: &str, service: &str) -> bool {
    backend["name"] == service
        && backend["group"].as_str().unwrap_or_default().is_empty()
        && backend["kind"].as_str().unwrap_or("Service") == "Service"
        && backend["namespace"].as_str().unwrap_or(namespace) == namespace
}
