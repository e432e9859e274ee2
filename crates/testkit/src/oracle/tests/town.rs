//! The smallest world with a canary: `v1` is stable with four pods, `v2` is the canary with two, at weights 60/40.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::oracle::{Oracle, Still};
use serin_world::world::Kind;

pub const NOON: &str = "2030-01-01T12:00:00Z";
const HASH: &str = "rollouts-pod-template-hash";

/// A world, and the same one after a write.
#[derive(Clone)]
pub struct Town {
    pub before: Still,
    pub after: Still,
    pub oracle: Oracle,
}

impl Town {
    pub fn new() -> Self {
        let noon: Timestamp = NOON.parse().unwrap();
        let mut still = Still::at(noon);
        still.put(Kind::Rollout, rollout());
        for (service, hash) in [("stable", "v1"), ("canary", "v2")] {
            still.put(
                Kind::Service,
                json!({
                    "metadata": {"name": service, "labels": {"team": "a"}},
                    "spec": {"selector": {"app": "web", HASH: hash}, "ports": [{"port": 80}]},
                }),
            );
        }
        still.put(Kind::HttpRoute, route("route", 60, 40));
        still.put(Kind::HttpRoute, route("other", 1, 1));
        let mut town = Self { before: still.clone(), after: still, oracle: Oracle::default() };
        for (hash, pods, ordinal) in [("v1", 4, Some("1")), ("v2", 2, None)] {
            town.both(|world| drop(world.put(Kind::ReplicaSet, replica_set(hash, pods, ordinal))));
            for number in 0..pods {
                town.both(|world| drop(world.put(Kind::Pod, pod(hash, number))));
            }
        }
        town.both(|world| list(world, "stable", "v1", 4));
        town.both(|world| list(world, "canary", "v2", 2));
        town
    }

    /// Changes the world before and after alike.
    pub fn both(&mut self, change: impl Fn(&mut Still)) -> &mut Self {
        change(&mut self.before);
        change(&mut self.after);
        self
    }

    /// Changes one object in both.
    pub fn given(&mut self, kind: Kind, name: &str, pointer: &str, value: Value) -> &mut Self {
        self.both(|world| set(world, kind, name, pointer, value.clone()))
    }

    /// Changes one object by the write.
    pub fn written(&mut self, kind: Kind, name: &str, pointer: &str, value: Value) -> &mut Self {
        set(&mut self.after, kind, name, pointer, value);
        self
    }

    pub fn weights(&mut self, stable: i64, canary: i64) -> &mut Self {
        self.after.put(Kind::HttpRoute, route("route", stable, canary));
        self
    }

    /// So many seconds after noon.
    pub fn at(&mut self, seconds: i64) -> &mut Self {
        let noon: Timestamp = NOON.parse().unwrap();
        self.both(|world| world.set_now(noon + SignedDuration::from_secs(seconds)))
    }

    #[track_caller]
    pub fn is_fine(&mut self) {
        assert_eq!(self.oracle.judge(&self.before, &self.after, "a write"), Vec::<String>::new());
    }

    /// Fails unless exactly one thing is wrong, and this is told of it.
    #[track_caller]
    pub fn breaks(&mut self, fragment: &str) {
        self.breaks_all(&[fragment]);
    }

    /// Fails unless exactly these things are wrong.
    #[track_caller]
    pub fn breaks_all(&mut self, fragments: &[&str]) {
        let violations = self.oracle.judge(&self.before, &self.after, "a write");
        let told = violations.iter().zip(fragments).all(|(violation, fragment)| violation.contains(fragment));
        assert!(violations.len() == fragments.len() && told, "{violations:#?}");
    }
}

fn set(world: &mut Still, kind: Kind, name: &str, pointer: &str, value: Value) {
    let mut object = Value::clone(world.find(kind, name).unwrap());
    let fields = pointer.split('/').skip(1).map(|field| field.replace("~1", "/"));
    let field = fields.fold(&mut object, |at, field| match field.parse::<usize>() {
        Ok(index) => &mut at[index],
        Err(_) => &mut at[field],
    });
    *field = value;
    world.put(kind, object);
}

fn rollout() -> Value {
    json!({
        "apiVersion": "serin.dev/v1alpha1",
        "metadata": {
            "name": "web", "namespace": "default", "uid": "uid-web", "generation": 2,
            "finalizers": ["serin.dev/traffic"],
        },
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "web", "image": "v2"}]}},
            "strategy": {"canary": {
                "stableService": "stable", "canaryService": "canary",
                "trafficRouting": {"gatewayAPI": {"httpRoute": "route"}},
                "steps": [{"setWeight": 40}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": "1m"}}],
            }},
        },
        "status": {
            "observedGeneration": 2, "stableRS": "v1", "currentPodHash": "v2", "currentStepHash": "s",
            "currentStepIndex": 1, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": NOON}],
        },
    })
}

pub fn route(name: &str, stable: i64, canary: i64) -> Value {
    json!({
        "metadata": {"name": name, "annotations": {"note": "mine"}},
        "spec": {"hostnames": ["a.example"], "rules": [{"backendRefs": [
            {"name": "stable", "port": 80, "weight": stable}, {"name": "canary", "port": 80, "weight": canary},
        ]}]},
    })
}

pub fn replica_set(hash: &str, pods: i64, ordinal: Option<&str>) -> Value {
    json!({
        "metadata": {
            "name": format!("web-{hash}"), "uid": format!("uid-{hash}"), "labels": {"app": "web", HASH: hash},
            "annotations": {
                "serin.dev/revision": hash.trim_start_matches('v'), "serin.dev/stable": ordinal, "tool": "x",
            },
            "ownerReferences": [{"uid": "uid-web", "controller": true}],
        },
        "spec": {"replicas": pods, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": hash}]},
        }},
        "status": {"replicas": pods, "availableReplicas": pods},
    })
}

fn pod(hash: &str, number: i64) -> Value {
    json!({"metadata": {
        "name": format!("web-{hash}-{number}"), "uid": format!("pod-{hash}-{number}"),
        "labels": {"app": "web", HASH: hash},
        "ownerReferences": [{"uid": format!("uid-{hash}"), "controller": true}],
    }})
}

/// Lets a Service list so many ready pods of a revision, and no others.
pub fn list(world: &mut Still, service: &str, hash: &str, ready: i64) {
    let endpoint = |number| json!({"conditions": {"ready": true}, "targetRef": {"kind": "Pod", "uid": format!("pod-{hash}-{number}")}});
    let endpoints: Vec<Value> = (0..ready).map(endpoint).collect();
    world.put(
        Kind::EndpointSlice,
        json!({
            "metadata": {"name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}},
            "endpoints": endpoints,
        }),
    );
}
