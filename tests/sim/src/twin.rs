//! The same wishes in a cluster in which nothing ever goes wrong, and whether a story has ended as they do there.

use serde_json::{Map, Value, json};
use serin_sim::Faithful;
use serin_testkit::world::Key;
use serin_testkit::{Kind, Request, World};

use crate::judge::Violation;
use crate::setting::Setting;
use crate::stage::{NAME, Stage, manifest};

/// What of status is compared. Left out is what tells the way and not the end: times, the number of collisions,
/// generations, the hash of the steps, weights that were found at the beginning, and requests that were judged.
const STATUS: [&str; 16] = [
    "phase",
    "message",
    "waitingFor",
    "currentStepIndex",
    "pauseConditions",
    "controllerPause",
    "promoteFull",
    "abort",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "HPAReplicas",
    "selector",
    "roles",
    "currentPodHash",
];

impl Stage {
    /// A story that has ended healthy has ended as if nothing had ever gone wrong.
    pub fn is_as_without_trouble(&self) -> Result<(), Violation> {
        let without = self.without_trouble()?;
        let picture = |world| {
            let mut shown = picture(world);
            // After a loss of status nobody knows the route's own weights any more.
            if self.setting.restores {
                shown["routes"].take();
                shown["weights"].take();
            }
            shown
        };
        match difference("", &picture(&without.world), &picture(&self.world)) {
            None => Ok(()),
            Some(difference) => {
                Err(Violation(format!("without trouble it ends in another way: {difference}")))
            }
        }
    }

    /// A first deploy with what people want in the end, but for the template, then that template.
    fn without_trouble(&self) -> Result<Self, Violation> {
        let setting = Setting {
            startup: 0,
            ending: 0,
            slice_lag: 0,
            gateway: None,
            troubles: Vec::new(),
            ..self.setting.clone()
        };
        let mut wanted = self.rollout()["spec"].clone();
        if let Some(fields) = wanted.as_object_mut() {
            // Both ask once, for something that is over.
            fields.remove("restartAt");
            fields.remove("resume");
        }
        let mut first = wanted.clone();
        first["template"] = manifest(&setting)["spec"]["template"].clone();
        let mut without = Self::new(&setting, Box::new(Faithful));
        without.want(first);
        without.deploy()?;
        without.want(wanted);
        without.complete()?;
        Ok(without)
    }

    fn want(&mut self, spec: Value) {
        let mut rollout = self.rollout().clone();
        rollout["spec"] = spec;
        let path = self.world.path(&Key::new(Kind::Rollout, NAME));
        // What is refused is missed when the ends are compared.
        drop(self.world.request(Request::put(path, rollout)));
    }
}

/// What a world at rest shows, with the stable revision's hash by another name: a template that means the same may have
/// been written in another way when its ReplicaSet was made. Names that the server gives, versions, addresses and
/// ReplicaSets without pods are left out, since they tell what has been.
fn picture(world: &World) -> Value {
    let rollout = world.find(Kind::Rollout, NAME).unwrap_or(&Value::Null);
    let status = &rollout["status"];
    // What is false may as well be absent.
    let is_told = |field: &&str| status[*field] != false;
    let told: Map<String, Value> =
        STATUS.into_iter().filter(is_told).map(|field| (field.to_owned(), status[field].clone())).collect();
    let conditions: Vec<Value> = items(&status["conditions"])
        .map(|condition| json!([condition["type"], condition["status"], condition["reason"]]))
        .collect();
    let shown = json!({
        "finalizers": rollout["metadata"]["finalizers"],
        "status": told,
        "conditions": sorted(conditions),
        "weights": {
            "canary": status["canary"]["weights"]["canary"], "stable": status["canary"]["weights"]["stable"],
        },
        "drains": status["canary"]["drains"],
        "replicaSets": replica_sets(world),
        "pods": pods(world),
        "services": services(world),
        "routes": world.all(Kind::HttpRoute).iter().map(|route| route["spec"].clone()).collect::<Vec<_>>(),
        "endpoints": endpoints(world),
    });
    let Some(hash) = status["stableRS"].as_str() else { return shown };
    serde_json::from_str(&shown.to_string().replace(hash, "stable")).unwrap_or(shown)
}

fn replica_sets(world: &World) -> Vec<Value> {
    let sets = world.all(Kind::ReplicaSet);
    let with_pods = sets.iter().filter(|set| set["spec"]["replicas"] != 0 || set["status"]["replicas"] != 0);
    let shown = with_pods.map(|set| {
        let (spec, status) = (&set["spec"], &set["status"]);
        json!({
            "labels": set["metadata"]["labels"], "replicas": spec["replicas"], "template": spec["template"],
            "minReadySeconds": spec["minReadySeconds"].as_i64().unwrap_or(0),
            "readyReplicas": status["readyReplicas"],
        })
    });
    sorted(shown.collect())
}

fn pods(world: &World) -> Vec<Value> {
    let pods = world.all(Kind::Pod);
    let shown = pods.iter().map(|pod| {
        let metadata = &pod["metadata"];
        json!({
            "labels": metadata["labels"], "annotations": metadata["annotations"],
            "containers": pod["spec"]["containers"], "ready": pod["status"]["conditions"][0]["status"],
            "isEnding": !metadata["deletionTimestamp"].is_null(),
        })
    });
    sorted(shown.collect())
}

fn services(world: &World) -> Vec<Value> {
    let services = world.all(Kind::Service);
    services.iter().map(|service| json!([service["metadata"]["name"], service["spec"]["selector"]])).collect()
}

/// How many endpoints each Service has, by whether they are ready.
fn endpoints(world: &World) -> Vec<Value> {
    let slices = world.all(Kind::EndpointSlice);
    let shown = slices.iter().map(|slice| {
        let is_ready = items(&slice["endpoints"]).map(|endpoint| endpoint["conditions"]["ready"].clone());
        json!([slice["metadata"]["labels"]["kubernetes.io/service-name"], sorted(is_ready.collect())])
    });
    sorted(shown.collect())
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(Value::to_string);
    values
}

/// The first place at which two values differ.
fn difference(path: &str, without: &Value, with: &Value) -> Option<String> {
    match (without, with) {
        _ if without == with => None,
        (Value::Object(one), Value::Object(other)) => one
            .keys()
            .chain(other.keys())
            .find_map(|name| difference(&format!("{path}/{name}"), &without[name], &with[name])),
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => (0..one.len())
            .find_map(|index| difference(&format!("{path}/{index}"), &one[index], &other[index])),
        _ => Some(format!("{path} is {with} instead of {without}")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::turn::Turn;

    fn ended() -> Stage {
        let setting: Setting =
            "replicas 2, steps 1, roles true, startup 0, ending 0, slices 0, troubles".parse().unwrap();
        let mut stage = Stage::new(&setting, Box::new(Faithful));
        stage.deploy().unwrap();
        stage.end().unwrap();
        stage
    }

    #[test]
    fn a_story_without_trouble_ends_as_it_should() {
        assert_eq!(ended().is_as_without_trouble(), Ok(()));
    }

    #[test]
    fn whatever_differs_at_the_end_is_told_with_its_place() {
        let told = |kind: Kind, name: &dyn Fn(&World) -> String, patch: Value| {
            let mut stage = ended();
            let name = name(&stage.world);
            stage.world.patch(kind, &name, patch);
            stage.is_as_without_trouble().unwrap_err().0
        };
        let named = |name: &'static str| move |_: &World| name.to_owned();
        let first_pod = |world: &World| {
            world.all(Kind::Pod)[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned()
        };
        let label = json!({"metadata": {"labels": {"role": "preview"}}});
        assert!(told(Kind::Pod, &first_pod, label).contains("/pods/"));
        let selector = json!({"spec": {"selector": {"rollouts-pod-template-hash": "other"}}});
        assert!(told(Kind::Service, &named("canary"), selector).contains("/services/"));
        let rules = json!({"spec": {"rules": []}});
        assert!(told(Kind::HttpRoute, &named("route"), rules).contains("/routes/"));
    }

    #[test]
    fn steps_and_minimum_of_readiness_are_those_that_people_want_in_the_end() {
        let mut stage = ended();
        stage.play(Turn::MinReady { seconds: 3 }).unwrap();
        stage.play(Turn::Steps { list: 2 }).unwrap();
        stage.rest().unwrap();
        assert_eq!(stage.is_as_without_trouble(), Ok(()));
    }
}
