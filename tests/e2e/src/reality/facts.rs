//! What a world is about, in words that two clusters have in common: a revision is called by its image, and everything
//! is left out that each server makes up for itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use serin_testkit::Kind;
use serin_testkit::oracle::Scene;

const HASH: &str = "rollouts-pod-template-hash";
const STABLE: &str = "serin.dev/stable";
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The facts of a world that has come to rest.
pub fn facts(scene: &impl Scene) -> Value {
    let sets = scene.all(Kind::ReplicaSet);
    let images: BTreeMap<String, String> = sets
        .iter()
        .map(|set| (text(&set["metadata"]["labels"][HASH]), image(&set["spec"]["template"]["spec"])))
        .collect();
    let named = |hash: &Value| match hash.as_str() {
        Some(hash) => json!(images.get(hash).map_or("a revision that is gone", String::as_str)),
        None => Value::Null,
    };
    let live = |object: &Value| object["metadata"]["deletionTimestamp"].is_null();
    let pods: Vec<_> = scene.all(Kind::Pod).into_iter().filter(|pod| live(pod)).collect();
    let mut told = json!({});
    // How many revisions without pods are left to undo to depends on which of them were ever seen.
    for set in sets.iter().filter(|set| live(set) && set["spec"]["replicas"] != 0) {
        let own = |pod: &Value| pod["metadata"]["labels"][HASH] == set["metadata"]["labels"][HASH];
        let mut roles: Vec<Value> = pods.iter().filter(|pod| own(pod)).map(|pod| role(pod)).collect();
        roles.sort_by_key(Value::to_string);
        told["revisions"][image(&set["spec"]["template"]["spec"])] = json!({
            "replicas": set["spec"]["replicas"], "status": counts(set), "is recorded": record(set),
            "role": role(&set["spec"]["template"]), "roles of pods": roles,
        });
    }
    for service in scene.all(Kind::Service).iter().filter(|service| live(service)) {
        let name = text(&service["metadata"]["name"]);
        let slices = scene.all(Kind::EndpointSlice);
        let own = slices.iter().filter(|slice| slice["metadata"]["labels"][SERVICE_NAME] == name.as_str());
        let mut ready = BTreeMap::<String, usize>::new();
        for endpoint in own.filter_map(|slice| slice["endpoints"].as_array()).flatten() {
            let pod = pods.iter().find(|pod| pod["metadata"]["uid"] == endpoint["targetRef"]["uid"]);
            if let Some(pod) = pod.filter(|_| endpoint["conditions"]["ready"] == true) {
                *ready.entry(image(&pod["spec"])).or_default() += 1;
            }
        }
        let selected = named(&service["spec"]["selector"][HASH]);
        told["services"][name] = json!({ "selects": selected, "ready": ready });
    }
    for route in scene.all(Kind::HttpRoute).iter().filter(|route| live(route)) {
        let backends = route["spec"]["rules"][0]["backendRefs"].as_array().into_iter().flatten();
        let weights: Vec<i64> = backends.map(|backend| backend["weight"].as_i64().unwrap_or(1)).collect();
        told["routes"][text(&route["metadata"]["name"])] = json!(weights);
    }
    let ending = [Kind::Rollout, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::HttpRoute];
    let ending = ending.into_iter().flat_map(|kind| scene.all(kind)).filter(|object| !live(object));
    told["ending"] = json!(ending.map(|object| text(&object["metadata"]["name"])).collect::<Vec<_>>());
    for rollout in scene.all(Kind::Rollout).iter().filter(|rollout| live(rollout)) {
        let status = &rollout["status"];
        let list = |list: &Value, field: &str| -> Vec<Value> {
            list.as_array().into_iter().flatten().map(|item| item[field].clone()).collect()
        };
        told["rollout"] = json!({
            "wants": [rollout["spec"]["replicas"], image(&rollout["spec"]["template"]["spec"])],
            "phase": status["phase"], "step": status["currentStepIndex"], "abort": status["abort"] == true,
            "stable": named(&status["stableRS"]), "current": named(&status["currentPodHash"]),
            "pauses": list(&status["pauseConditions"], "reason"), "waits": list(&status["waitingFor"], "what"),
            "resume is asked for": !rollout["spec"]["resume"].is_null(),
        });
    }
    told
}

fn counts(set: &Value) -> Vec<i64> {
    let fields = ["replicas", "readyReplicas", "availableReplicas"];
    fields.iter().map(|field| set["status"][*field].as_i64().unwrap_or(0)).collect()
}

/// Whether a ReplicaSet is recorded as stable, or was.
fn record(set: &Value) -> Value {
    set["metadata"]["annotations"][STABLE].clone()
}

fn role(object: &Value) -> Value {
    let labels = &object["metadata"]["labels"];
    json!([labels["role"], labels["queue"]])
}

fn image(spec: &Value) -> String {
    text(&spec["containers"][0]["image"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
