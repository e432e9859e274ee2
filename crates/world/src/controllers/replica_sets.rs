//! Keeps as many pods as each ReplicaSet wants.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::objects::{
    controller, controller_reference, delete, is_deleting, name, namespace, pods_matching, put,
    ready_condition, uid,
};
use crate::world::{Key, Kind, Request, World, selects, time};

const USER: &str = "replicaset-controller";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// Creates and deletes pods, takes over and lets go of pods as their labels change, and reports counts.
///
/// As in a real cluster, the counts are those from before the step: a step that creates pods reports them the next
/// time.
#[derive(Clone, Debug, Default)]
pub struct ReplicaSetController {}

impl ReplicaSetController {
    /// When the next pod becomes available by nothing but the time that passes.
    pub fn due(&self, world: &World) -> Option<Timestamp> {
        let sets = world.all(Kind::ReplicaSet);
        let available = sets.iter().flat_map(|replica_set| {
            let min_ready = min_ready_seconds(replica_set);
            let pods = pods_matching(world, namespace(replica_set), &replica_set["spec"]["selector"]);
            pods.into_iter().filter_map(move |pod| available_at(&pod, min_ready))
        });
        available.filter(|moment| *moment > world.now()).min()
    }

    /// Looks at every ReplicaSet once.
    pub fn step(&mut self, world: &mut World) {
        for replica_set in world.all(Kind::ReplicaSet) {
            sync(world, &replica_set);
        }
    }
}

fn sync(world: &mut World, replica_set: &Value) {
    let pods = claim(world, replica_set);
    let failure = if is_deleting(replica_set) { None } else { manage(world, replica_set, &pods) };
    report(world, replica_set, &pods, failure);
}

/// The live pods that the ReplicaSet controls, after it has let go of those that its selector no longer matches and
/// taken over those that match and have no controller.
fn claim(world: &mut World, replica_set: &Value) -> Vec<Arc<Value>> {
    let (selector, own) = (&replica_set["spec"]["selector"], uid(replica_set));
    let in_namespace = pods_matching(world, namespace(replica_set), &Value::Null);
    let mut claimed = Vec::new();
    for pod in in_namespace {
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        if is_deleting(&pod) || matches!(phase, "Succeeded" | "Failed") {
            continue;
        }
        let matches = selects(selector, &pod["metadata"]["labels"]);
        match controller(&pod) {
            Some(owner) if owner == own && matches => claimed.push(pod),
            Some(owner) if owner == own => {
                let mut references =
                    pod["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
                references.retain(|reference| reference["uid"] != own);
                drop(set_owners(world, &pod, references));
            }
            None if matches && !is_deleting(replica_set) => {
                let mut references =
                    pod["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
                references.push(controller_reference(replica_set));
                claimed.extend(set_owners(world, &pod, references).map(Arc::new));
            }
            _ => {}
        }
    }
    claimed
}

fn set_owners(world: &mut World, pod: &Value, references: Vec<Value>) -> Option<Value> {
    let patch = json!({ "metadata": { "uid": uid(pod), "ownerReferences": references } });
    let path = world.path(&Key::of(Kind::Pod, pod));
    world.request(Request::merge_patch(path, patch).by(USER)).ok()
}

/// Creates or deletes pods. Returns why it could not.
fn manage(world: &mut World, replica_set: &Value, pods: &[Arc<Value>]) -> Option<Value> {
    let wanted = usize::try_from(replica_set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0);
    for _ in pods.len()..wanted {
        let path = world.collection_path(Kind::Pod, namespace(replica_set));
        if let Err(failure) = world.request(Request::post(path, new_pod(replica_set)).by(USER)) {
            return Some(condition(world.now(), "FailedCreate", failure.message()));
        }
    }
    let surplus = pods.len().saturating_sub(wanted);
    let mut leaving: Vec<_> = pods.iter().filter(|_| surplus > 0).collect();
    leaving.sort_by_key(|pod| reluctance(pod));
    for pod in leaving.into_iter().take(surplus) {
        if let Err(failure) = delete(world, USER, Kind::Pod, pod, json!({})) {
            return Some(condition(world.now(), "FailedDelete", failure.message()));
        }
    }
    None
}

fn new_pod(replica_set: &Value) -> Value {
    let template = &replica_set["spec"]["template"];
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "generateName": format!("{}-", name(replica_set)),
            "namespace": namespace(replica_set),
            "labels": template["metadata"]["labels"],
            "annotations": template["metadata"]["annotations"],
            "finalizers": template["metadata"]["finalizers"],
            "ownerReferences": [controller_reference(replica_set)],
        },
        "spec": template["spec"],
    })
}

/// Pods that are not ready go first, then cheap ones, then young ones.
fn reluctance(pod: &Value) -> (bool, i64, std::cmp::Reverse<String>, String) {
    let cost = pod["metadata"]["annotations"][DELETION_COST].as_str().and_then(|cost| cost.parse().ok());
    let created = pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    (ready_condition(pod).is_some(), cost.unwrap_or(0), std::cmp::Reverse(created), name(pod).to_owned())
}

fn condition(now: Timestamp, reason: &str, message: &str) -> Value {
    json!({
        "type": "ReplicaFailure", "status": "True", "reason": reason, "message": message,
        "lastTransitionTime": time(now),
    })
}

fn report(world: &mut World, replica_set: &Value, pods: &[Arc<Value>], failure: Option<Value>) {
    let min_ready = min_ready_seconds(replica_set);
    let template_labels = &replica_set["spec"]["template"]["metadata"]["labels"];
    let count = |counts: &dyn Fn(&Value) -> bool| pods.iter().filter(|pod| counts(pod)).count();
    let mut status = json!({
        "replicas": pods.len(),
        "observedGeneration": replica_set["metadata"]["generation"],
    });
    // The server's type leaves zeros out.
    for (field, number) in [
        ("fullyLabeledReplicas", count(&|pod| is_labelled(pod, template_labels))),
        ("readyReplicas", count(&|pod| ready_condition(pod).is_some())),
        ("availableReplicas", count(&|pod| is_available(pod, min_ready, world.now()))),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    if let Some(failure) = failure {
        // A failure of the same kind keeps its first message: every attempt names another pod.
        let before = &replica_set["status"]["conditions"][0];
        let told = if before["reason"] == failure["reason"] { before.clone() } else { failure };
        status["conditions"] = json!([told]);
    }
    if replica_set["status"] != status {
        let mut reported = replica_set.clone();
        reported["status"] = status;
        // When it has changed since it was read, the next step reports.
        drop(put(world, USER, Kind::ReplicaSet, "/status", reported));
    }
}

fn is_labelled(pod: &Value, template_labels: &Value) -> bool {
    let mut wanted = template_labels.as_object().into_iter().flatten();
    wanted.all(|(label, value)| pod["metadata"]["labels"][label] == *value)
}

fn min_ready_seconds(replica_set: &Value) -> i64 {
    replica_set["spec"]["minReadySeconds"].as_i64().unwrap_or(0)
}

fn is_available(pod: &Value, min_ready_seconds: i64, now: Timestamp) -> bool {
    ready_condition(pod).is_some()
        && (min_ready_seconds == 0
            || available_at(pod, min_ready_seconds).is_some_and(|moment| moment <= now))
}

fn available_at(pod: &Value, min_ready_seconds: i64) -> Option<Timestamp> {
    let since: Timestamp = ready_condition(pod)?["lastTransitionTime"].as_str()?.parse().ok()?;
    since.checked_add(SignedDuration::from_secs(min_ready_seconds)).ok()
}
