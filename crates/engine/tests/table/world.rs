//! Builds small worlds for table rows, and tells what a plan makes of them in short sentences.
//!
//! Revisions are called by the image of their template (`v1`, `v2`); their real hashes are replaced by these names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use serin_api::Names;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::route::{RouteId, RouteKind};
use serin_api::template::RawTemplate;
use serin_engine::hash;
use serin_engine::observe::Objects;
use serin_engine::{Plan, Recall, Snapshot, observe, plan};

pub const START: &str = "2026-01-01T00:00:00Z";

pub fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start + jiff::SignedDuration::from_secs(seconds)
}

/// A world under construction.
#[derive(Clone)]
pub struct World {
    pub rollout: Value,
    pub revisions: Vec<Value>,
    pub pods: Vec<Value>,
    pub services: BTreeMap<String, Value>,
    pub slices: BTreeMap<String, Value>,
    pub route: Option<Value>,
    /// Others than `route`.
    pub more_routes: BTreeMap<RouteId, Value>,
    /// The kinds of routes that the API server does not know.
    pub unserved: BTreeSet<RouteKind>,
    pub rivals: Vec<Value>,
    pub recall: Recall,
    pub now: Timestamp,
    pub namespace_terminating: bool,
}

pub fn template(version: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": format!("web:{version}")}]},
    })
}

pub fn hash_of(version: &str) -> String {
    hash::pod_template_hash(&RawTemplate::new(&template(version)), 0)
}

fn parse<T: DeserializeOwned>(value: &Value) -> Arc<T> {
    Arc::new(serde_json::from_value(value.clone()).expect("test object"))
}

impl World {
    /// Five replicas of `v1` wanted, steps 10 / pause / 50 / pause 10 s; Services and route exist, nothing else does.
    pub fn new() -> Self {
        let service = |name: &str| json!({"metadata": {"name": name, "namespace": "ns"}, "spec": {"selector": {"app": "web"}}});
        Self {
            rollout: json!({
                "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
                "metadata": {
                    "name": "web", "namespace": "ns", "uid": "rollout-uid", "generation": 1, "resourceVersion": "1",
                    "creationTimestamp": START, "finalizers": ["serin.dev/traffic"],
                },
                "spec": {
                    "replicas": 5,
                    "selector": {"matchLabels": {"app": "web"}},
                    "template": template("v1"),
                    "strategy": {"canary": {
                        "stableService": "stable", "canaryService": "canary",
                        "trafficRouting": {"gatewayAPI": {"httpRoute": "route"}},
                        "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": 10}}],
                    }},
                },
                "status": {},
            }),
            revisions: Vec::new(),
            pods: Vec::new(),
            services: [("stable", service("stable")), ("canary", service("canary"))]
                .map(|(name, service)| (name.to_owned(), service))
                .into(),
            slices: BTreeMap::new(),
            more_routes: BTreeMap::new(),
            unserved: BTreeSet::new(),
            route: Some(json!({"metadata": {"name": "route", "namespace": "ns"}, "spec": {"rules": [
                {"backendRefs": [{"name": "stable", "weight": 1}, {"name": "canary", "weight": 1}]},
            ]}})),
            rivals: Vec::new(),
            // Whatever differs has done so for long.
            recall: Recall { status_differs_since: Some(at(-60)), ..Recall::default() },
            now: at(0),
            namespace_terminating: false,
        }
    }

    /// `v1` is stable and healthy: all pods, both Services, weights 100/0, everything recorded.
    pub fn healthy() -> Self {
        Self::new()
            .revision("v1", 1, 5)
            .stable("v1", 1)
            .selects("stable", "v1", 5)
            .selects("canary", "v1", 5)
            .weights(100, 0)
            .managed(Some("v1"), Some("v1"))
            .recorded_current("v1", 4)
    }

    /// `v2` is wanted, and so far nothing has happened.
    pub fn updated() -> Self {
        Self::healthy().wants("v2")
    }

    /// `v2` is a canary at step 0 with its one pod ready, selected, and weight 0.
    pub fn canary_selected() -> Self {
        Self::updated().revision("v2", 2, 1).selects("canary", "v2", 1).recorded_current("v2", 0)
    }

    /// `v2` waits at weight 10 in the pause of step 1, since second 0.
    pub fn paused_at_10() -> Self {
        Self::canary_selected()
            .weights(90, 10)
            .managed(Some("v1"), Some("v2"))
            .recorded_current("v2", 1)
            .status("pauseConditions", json!([{"reason": "CanaryPauseStep", "startTime": START}]))
            .status("controllerPause", json!(true))
    }

    /// All steps of `v2` are done and all traffic is on it, but it is not yet stable.
    pub fn at_100() -> Self {
        Self::updated()
            .revision("v2", 2, 5)
            .selects("canary", "v2", 5)
            .weights(0, 100)
            .managed(Some("v1"), Some("v2"))
            .recorded_current("v2", 4)
    }

    /// No pods are wanted, and `v1` (stable) and `v2` have none.
    pub fn at_zero_replicas(self) -> Self {
        let scaled =
            self.spec("replicas", json!(0)).revision("v1", 1, 0).stable("v1", 1).revision("v2", 2, 0);
        scaled.lists("stable", &[]).lists("canary", &[])
    }

    pub fn wants(mut self, version: &str) -> Self {
        self.rollout["spec"]["template"] = template(version);
        self
    }

    pub fn spec(mut self, field: &str, value: Value) -> Self {
        self.rollout["spec"][field] = value;
        self
    }

    pub fn canary(mut self, field: &str, value: Value) -> Self {
        self.rollout["spec"]["strategy"]["canary"][field] = value;
        self
    }

    pub fn metadata(mut self, field: &str, value: Value) -> Self {
        self.rollout["metadata"][field] = value;
        self
    }

    pub fn status(mut self, field: &str, value: Value) -> Self {
        self.rollout["status"][field] = value;
        self
    }

    /// The ordinal of the promotion that status tells of.
    pub fn stable_ordinal(mut self, ordinal: i64) -> Self {
        self.rollout["status"]["canary"]["stableOrdinal"] = json!(ordinal);
        self
    }

    pub fn without_status(mut self) -> Self {
        self.rollout["status"] = json!({});
        self
    }

    pub fn after(mut self, seconds: i64) -> Self {
        self.now = at(seconds);
        self
    }

    /// A ReplicaSet whose pods are all ready and available.
    pub fn revision(mut self, version: &str, number: i64, pods: i32) -> Self {
        let hash = hash_of(version);
        let mut stored = template(version);
        stored["metadata"]["labels"][POD_TEMPLATE_HASH] = json!(hash);
        self.revisions.retain(|revision| revision["metadata"]["labels"][POD_TEMPLATE_HASH] != json!(hash));
        self.revisions.push(json!({
            "metadata": {
                "name": format!("web-{hash}"), "namespace": "ns", "uid": format!("uid-{version}"),
                "generation": 1, "resourceVersion": "1",
                "labels": {"app": "web", POD_TEMPLATE_HASH: hash},
                "annotations": {
                    "serin.dev/revision": number.to_string(),
                    "serin.dev/template-hash": hash::template_id(&RawTemplate::new(&template(version))),
                },
                "ownerReferences": [{
                    "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout", "name": "web", "uid": "rollout-uid",
                    "controller": true,
                }],
            },
            "spec": {"replicas": pods, "template": stored},
            "status": {"replicas": pods, "readyReplicas": pods, "availableReplicas": pods, "observedGeneration": 1},
        }));
        self.pods.retain(|pod| pod["metadata"]["labels"][POD_TEMPLATE_HASH] != json!(hash));
        for number in 0..pods {
            let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": START}]);
            self.pods.push(json!({"status": {"conditions": ready}, "metadata": {
                "name": format!("web-{version}-{number}"), "namespace": "ns", "uid": format!("pod-{version}-{number}"),
                "creationTimestamp": START,
                "labels": {"app": "web", POD_TEMPLATE_HASH: hash},
                "ownerReferences": [{
                    "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("web-{hash}"),
                    "uid": format!("uid-{version}"), "controller": true,
                }],
            }}));
        }
        self
    }

    /// Changes a ReplicaSet by a JSON pointer.
    pub fn change(mut self, version: &str, pointer: &str, value: Value) -> Self {
        let revision = self.find(version);
        let (parent, key) = pointer.rsplit_once('/').expect("pointer");
        let parent = revision.pointer_mut(parent).expect("parent");
        parent[key.replace("~1", "/").as_str()] = value;
        self
    }

    /// Only so many of its pods are available.
    pub fn available(mut self, version: &str, pods: i32) -> Self {
        let status = &mut self.find(version)["status"];
        status["readyReplicas"] = json!(pods);
        status["availableReplicas"] = json!(pods);
        self
    }

    pub fn stable(self, version: &str, ordinal: i64) -> Self {
        let stable =
            self.change(version, "/metadata/annotations/serin.dev~1stable", json!(ordinal.to_string()));
        stable.status("stableRS", json!(hash_of(version)))
    }

    fn find(&mut self, version: &str) -> &mut Value {
        let hash = json!(hash_of(version));
        let found = self
            .revisions
            .iter_mut()
            .find(|revision| revision["metadata"]["labels"][POD_TEMPLATE_HASH] == hash);
        found.expect("revision")
    }

    /// A Service selects a revision and lists so many ready pods of it.
    pub fn selects(mut self, service: &str, version: &str, ready: i32) -> Self {
        self.services.get_mut(service).expect("service")["spec"]["selector"] =
            json!({"app": "web", POD_TEMPLATE_HASH: hash_of(version)});
        self.lists(service, &[(version, ready)])
    }

    /// A Service lists so many ready pods of each revision.
    pub fn lists(mut self, service: &str, pods: &[(&str, i32)]) -> Self {
        let endpoint = |version: &str, number: i32| {
            json!({
                "addresses": [format!("10.0.0.{number}")], "conditions": {"ready": true},
                "targetRef": {"kind": "Pod", "uid": format!("pod-{version}-{number}")},
            })
        };
        let endpoints: Vec<Value> = pods
            .iter()
            .flat_map(|(version, ready)| (0..*ready).map(move |number| endpoint(version, number)))
            .collect();
        let slice = json!({
            "metadata": {"name": format!("{service}-1"), "namespace": "ns", "labels": {"kubernetes.io/service-name": service}},
            "endpoints": endpoints,
        });
        self.slices.insert(service.to_owned(), slice);
        self
    }

    /// The selector of a Service is the user's own.
    pub fn unselected(mut self, service: &str) -> Self {
        self.services.get_mut(service).expect("service")["spec"]["selector"] = json!({"app": "web"});
        self
    }

    pub fn without_service(mut self, service: &str) -> Self {
        self.services.remove(service);
        self.slices.remove(service);
        self
    }

    pub fn weights(self, stable: i32, canary: i32) -> Self {
        let recorded = json!({"canary": {"weight": canary}, "stable": {"weight": stable}, "desired": canary, "writtenAt": START});
        let mut world = self.route_weights(stable, canary);
        world.rollout["status"]["canary"]["weights"] = recorded;
        world
    }

    /// Status says that the route carried this share.
    pub fn status_weight(mut self, canary: i32) -> Self {
        self.rollout["status"]["canary"]["weights"]["canary"]["weight"] = json!(canary);
        self
    }

    /// A gateway reports on the route, at this generation, with these conditions (type, status, generation).
    pub fn reported(mut self, generation: i64, conditions: &[(&str, &str, Option<i64>)]) -> Self {
        let conditions: Vec<Value> = conditions
            .iter()
            .map(|(kind, status, observed)| {
                let (reason, message) = if *status == "True" { (*kind, "") } else { ("Because", "it says so") };
                json!({"type": kind, "status": status, "observedGeneration": observed, "reason": reason, "message": message})
            })
            .collect();
        let route = self.route.as_mut().expect("route");
        route["metadata"]["uid"] = json!("route-uid");
        route["metadata"]["generation"] = json!(generation);
        route["spec"]["parentRefs"] = json!([{"name": "public"}]);
        route["status"]["parents"] = match conditions.is_empty() {
            true => json!([]),
            false => json!([{
                "parentRef": {"name": "public"}, "controllerName": "gateway.example.com/any", "conditions": conditions,
            }]),
        };
        self
    }

    /// The gateway has accepted this generation.
    pub fn accepted(self, generation: i64) -> Self {
        self.reported(
            generation,
            &[("Accepted", "True", Some(generation)), ("ResolvedRefs", "True", Some(generation))],
        )
    }

    /// Status says of the route that it carries this share since a generation, and since when that is accepted.
    pub fn recorded_route(mut self, weight: i32, generation: i64, accepted_at: Option<i64>) -> Self {
        self.rollout["status"]["canary"]["weights"]["routes"] = json!([{
            "kind": "HTTPRoute", "namespace": "ns", "name": "route", "uid": "route-uid", "weight": weight,
            "generation": generation, "seenAt": at(0), "acceptedAt": accepted_at.map(at), "verified": false,
            "parents": [{"name": "Gateway ns/public", "controller": "gateway.example.com/any", "state": "Pending"}],
        }]);
        self
    }

    /// What the route says, whatever is recorded.
    pub fn route_weights(mut self, stable: i32, canary: i32) -> Self {
        let rules = &mut self.route.as_mut().expect("route")["spec"]["rules"];
        rules[0]["backendRefs"][0]["weight"] = json!(stable);
        rules[0]["backendRefs"][1]["weight"] = json!(canary);
        self
    }

    /// A GRPCRoute beside the HTTPRoute, named `api` by the spec and recorded, with one rule at these weights.
    pub fn grpc_route(mut self, stable: i32, canary: i32) -> Self {
        self.rollout["spec"]["strategy"]["canary"]["trafficRouting"]["gatewayAPI"]["grpcRoute"] =
            json!("api");
        let managed = &mut self.rollout["status"]["canary"]["managed"]["routes"];
        if let Some(routes) = managed.as_array_mut().filter(|routes| routes.len() == 1) {
            routes.push(json!({
                "kind": "GRPCRoute", "namespace": "ns", "name": "api",
                "originalWeights": [{"rule": 0, "stable": 1, "canary": 1}],
            }));
        }
        let route = json!({
            "metadata": {"name": "api", "namespace": "ns", "uid": "api-uid", "generation": 1},
            "spec": {"rules": [{"backendRefs": [
                {"name": "stable", "port": 80, "weight": stable}, {"name": "canary", "port": 80, "weight": canary},
            ]}]},
        });
        self.more_routes.insert(route_id(RouteKind::Grpc, "api"), route);
        self
    }

    /// The references are recorded, with what each Service was last made to select.
    pub fn managed(mut self, stable: Option<&str>, canary: Option<&str>) -> Self {
        let service = |name: &str, version: Option<&str>| match version {
            Some(version) => json!({"name": name, "podTemplateHash": hash_of(version)}),
            None => json!({"name": name}),
        };
        self.rollout["status"]["canary"]["managed"] = json!({
            "routes": [{
                "kind": "HTTPRoute", "namespace": "ns", "name": "route",
                "originalWeights": [{"rule": 0, "stable": 1, "canary": 1}],
            }],
            "stableService": service("stable", stable),
            "canaryService": service("canary", canary),
        });
        self
    }

    /// Status speaks of this template, at this step.
    pub fn recorded_current(mut self, version: &str, step: i32) -> Self {
        let steps = {
            let world = self.snapshot();
            hash::steps_hash(&world.strategy.map(|strategy| strategy.steps).unwrap_or_default())
        };
        self.rollout["status"]["currentPodHash"] = json!(hash_of(version));
        self.rollout["status"]["currentStepHash"] = json!(steps);
        self.rollout["status"]["currentStepIndex"] = json!(step);
        self
    }

    pub fn snapshot(&self) -> Snapshot {
        observe(&self.objects(), &Arc::new(Names::default()), &self.recall)
    }

    pub fn objects(&self) -> Objects {
        let list = |values: &BTreeMap<String, Value>| values.clone();
        let rollout: Arc<serin_api::Rollout> = parse(&self.rollout);
        let holder = serin_engine::observe::next_replica_set_name(&rollout);
        Objects {
            name_holder: self.revisions.iter().find(|r| r["metadata"]["name"] == json!(holder)).map(parse),
            replica_sets: self.revisions.iter().map(parse).collect(),
            pods: self.pods.iter().map(parse).collect(),
            services: list(&self.services)
                .iter()
                .map(|(name, service)| (name.clone(), parse(service)))
                .collect(),
            slices: self.slices.iter().map(|(name, slice)| (name.clone(), vec![parse(slice)])).collect(),
            routes: self
                .route
                .iter()
                .map(|route| (route_id(RouteKind::Http, "route"), parse(route)))
                .chain(self.more_routes.iter().map(|(id, route)| (id.clone(), parse(route))))
                .collect(),
            rivals: self.rivals.iter().map(parse).collect(),
            namespace_terminating: self.namespace_terminating,
            route_versions: RouteKind::ALL
                .into_iter()
                .filter(|kind| !self.unserved.contains(kind))
                .map(|kind| (kind, "v1".to_owned()))
                .collect(),
            rollout,
        }
    }

    pub fn plan(&self) -> Plan {
        let plan = plan(&self.snapshot(), self.now);
        let contradictions = crate::agreement::contradictions(&plan);
        assert!(contradictions.is_empty(), "{}", contradictions.join("\n"));
        plan
    }

    /// The actions of the plan, in short sentences.
    pub fn actions(&self) -> Vec<String> {
        self.plan().actions.iter().map(|action| named(&action.describe())).collect()
    }

    /// Fails unless the plan holds exactly these actions.
    #[track_caller]
    pub fn does(&self, expected: &[&str]) -> &Self {
        assert_eq!(self.actions(), expected, "actions");
        self
    }

    /// Fails unless the plan's status says this at the JSON pointer.
    #[track_caller]
    pub fn reports(&self, pointer: &str, expected: Value) -> &Self {
        let report = serde_json::to_value(self.plan().report).unwrap();
        let found = report.pointer(pointer).cloned().unwrap_or(Value::Null);
        assert_eq!(named(&found.to_string()), named(&expected.to_string()), "{pointer} in {report:#}");
        self
    }

    /// Fails unless status is written with the plan, or is not.
    #[track_caller]
    pub fn writes_status(&self, expected: bool) -> &Self {
        let plan = self.plan();
        assert_eq!(plan.status.is_some(), expected, "{:#?}", plan.status);
        self
    }

    /// Fails unless the reasons of the Events are these.
    #[track_caller]
    pub fn tells(&self, expected: &[&str]) -> &Self {
        let reasons: Vec<&str> = self.plan().events.iter().map(|event| event.reason).collect();
        assert_eq!(reasons, expected, "events");
        self
    }

    /// Fails unless it waits for exactly these.
    #[track_caller]
    pub fn waits_for(&self, expected: &[&str]) -> &Self {
        let waits: Vec<String> = self.plan().report.waiting_for.into_iter().map(|wait| wait.what).collect();
        assert_eq!(waits, expected, "waits");
        self
    }

    /// Fails unless it wakes at this second, or never.
    #[track_caller]
    pub fn wakes_at(&self, expected: Option<i64>) -> &Self {
        assert_eq!(self.plan().wake_at, expected.map(at), "wake-up");
        self
    }
}

/// Replaces hashes by the versions that they stand for.
pub fn named(text: &str) -> String {
    ["v1", "v2", "v3"].iter().fold(text.to_owned(), |text, version| text.replace(&hash_of(version), version))
}

/// A route of the tests' namespace.
pub fn route_id(kind: RouteKind, name: &str) -> RouteId {
    RouteId { kind, namespace: "ns".to_owned(), name: name.to_owned() }
}
