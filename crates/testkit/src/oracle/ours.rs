//! Only what is the operator's own is written, one object at a time.

use serde_json::{Value, json};
use serin_api::names::POD_TEMPLATE_HASH;

use super::Object;
use super::changes::{Change, Changes};
use super::names::{controller_of, is_deleting, replicas_of};
use super::roles;
use super::subject::Subject;
use super::verdict::Verdict;
use serin_world::world::Kind;

/// `sets` are the ReplicaSets before the write: they tell which keys roles have used.
pub fn judge(verdict: &mut Verdict<'_>, changes: &Changes, subjects: &[Subject], sets: &[Object]) {
    let objects: Vec<String> = changes.iter().map(place).collect();
    verdict.require(objects.len() == 1, || {
        let routes: usize = Kind::ROUTES.into_iter().map(|kind| changes.of(kind).count()).sum();
        let moves = routes > 0 && changes.of(Kind::Service).count() > 0;
        let what = if moves { "a selector and weights changed" } else { "several objects changed" };
        format!("{what} in one write: {objects:?}")
    });
    for change in changes.iter() {
        let near: Vec<&Subject> = subjects.iter().filter(|s| *s.namespace == *change.key.namespace).collect();
        let complaint = match (&change.before, &change.after) {
            (Some(before), Some(after)) => damaged(change, &near, sets, before, after),
            (None, Some(after)) => created(change, &near, after),
            (Some(before), None) => deleted(change, &near, sets, before),
            (None, None) => None,
        };
        verdict
            .require(complaint.is_none(), || format!("{}: {}", place(change), complaint.unwrap_or_default()));
    }
}

fn place(change: &Change) -> String {
    format!("{}/{}", change.key.kind.name(), change.key.name)
}

fn created(change: &Change, subjects: &[&Subject], after: &Value) -> Option<String> {
    let owned = subjects.iter().any(|subject| controller_of(after) == Some(&subject.uid));
    (change.key.kind != Kind::ReplicaSet || !owned).then(|| "was created".to_owned())
}

fn deleted(change: &Change, subjects: &[&Subject], sets: &[Object], before: &Value) -> Option<String> {
    match change.key.kind {
        // Without our finalizer it goes by itself.
        Kind::Rollout if is_deleting(before) => None,
        Kind::ReplicaSet => {
            let owned = subjects.iter().any(|subject| controller_of(before) == Some(&subject.uid));
            let empty = replicas_of(before) == 0 && before["status"]["replicas"].as_i64().unwrap_or(0) == 0;
            (!owned || !empty).then(|| "was deleted with pods, or is not ours".to_owned())
        }
        // Whether it might be let go is judged elsewhere.
        Kind::Pod if is_of_a_set(before, sets, subjects) => None,
        _ => Some("was deleted".to_owned()),
    }
}

/// What changed in an object that the operator may not change.
fn damaged(
    change: &Change,
    subjects: &[&Subject],
    sets: &[Object],
    before: &Value,
    after: &Value,
) -> Option<String> {
    let name = &*change.key.name;
    let pairs: Vec<(Value, Value)> = match change.key.kind {
        kind if Kind::ROUTES.contains(&kind) => {
            let naming = subjects.iter().filter(|subject| subject.names_route(change.key.kind, name));
            naming
                .map(|subject| (without_weights(before, subject), without_weights(after, subject)))
                .collect()
        }
        Kind::Service => {
            let naming = subjects.iter().filter(|subject| subject.names_service(name));
            naming.map(|_| (without_hash(before), without_hash(after))).collect()
        }
        Kind::Rollout => {
            let itself = subjects.iter().filter(|subject| subject.name == name);
            itself.map(|subject| without_requests(before, after, subject)).collect()
        }
        Kind::ReplicaSet => {
            let mine = |subject: &&&Subject| controller_of(after) == Some(&subject.uid) || is_orphan(after);
            let owners = subjects.iter().filter(mine);
            let stripped = |subject: &&Subject| {
                let keys = roles::keys(subject, [before, after].into_iter());
                (without_size(before, subject, &keys), without_size(after, subject, &keys))
            };
            owners.map(stripped).collect()
        }
        Kind::Pod => {
            let stripped = |subject: &&Subject| {
                let keys = roles::keys(subject, sets.iter().map(|set| &**set));
                (without_end(before, &keys), without_end(after, &keys))
            };
            subjects.iter().map(stripped).collect()
        }
        _ => Vec::new(),
    };
    if pairs.is_empty() {
        return Some("was written, and no Rollout names it".to_owned());
    }
    let intact = pairs.iter().any(|(before, after)| before == after);
    let (before, after) = &pairs[0];
    (!intact).then(|| format!("more than ours was changed: {}", difference("", before, after).join(", ")))
}

/// A ReplicaSet that nobody controls: what is left when a Rollout goes without its pods.
fn is_orphan(set: &Value) -> bool {
    controller_of(set).is_none()
}

/// What every write changes.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["resourceVersion", "generation", "managedFields"] {
            metadata.remove(field);
        }
    }
    object
}

fn without_weights(route: &Value, subject: &Subject) -> Value {
    let mut route = bare(route);
    let ours = |backends: &[Value]| {
        let names = |service: &str| backends.iter().filter(|backend| backend["name"] == service).count() == 1;
        let both = |of: &super::subject::References| names(&of.stable) && names(&of.canary);
        both(&subject.in_force) || both(&subject.wanted)
    };
    for rule in route["spec"]["rules"].as_array_mut().into_iter().flatten() {
        let Some(backends) = rule["backendRefs"].as_array_mut().filter(|backends| ours(backends)) else {
            continue;
        };
        for backend in backends {
            if subject.names_service(backend["name"].as_str().unwrap_or_default()) {
                backend["weight"] = json!(null);
            }
        }
    }
    route
}

fn without_hash(service: &Value) -> Value {
    let mut service = bare(service);
    if let Some(selector) = service["spec"]["selector"].as_object_mut() {
        selector.remove(POD_TEMPLATE_HASH);
    }
    service
}

/// Of the Rollout: our finalizer, and requests, which are removed but never written. Status is judged by itself.
fn without_requests(before: &Value, after: &Value, subject: &Subject) -> (Value, Value) {
    let (mut before, mut after) = (bare(before), bare(after));
    for rollout in [&mut before, &mut after] {
        rollout["status"] = json!(null);
        let metadata = &mut rollout["metadata"];
        let finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
        let foreign: Vec<Value> = finalizers.into_iter().filter(|f| *f != *subject.names.finalizer).collect();
        metadata["finalizers"] = json!(foreign);
        if !metadata["annotations"].is_object() {
            metadata["annotations"] = json!({});
        }
    }
    for request in [&subject.names.abort, &subject.names.resume] {
        if after["metadata"]["annotations"][request].is_null()
            && let Some(annotations) = before["metadata"]["annotations"].as_object_mut()
        {
            annotations.remove(request);
        }
    }
    if after["spec"]["resume"].is_null() {
        for spec in
            [&mut before, &mut after].into_iter().filter_map(|rollout| rollout["spec"].as_object_mut())
        {
            spec.remove("resume");
        }
    }
    (before, after)
}

/// Of a ReplicaSet: its size, its record, its role, and its owner where it had none.
fn without_size(set: &Value, subject: &Subject, keys: &[String]) -> Value {
    let mut set = without_keys(set, &[]);
    for field in ["replicas", "minReadySeconds"] {
        set["spec"][field] = json!(null);
    }
    let prefix = format!("{}/", subject.names.group);
    if let Some(annotations) = set["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|name, _| !name.starts_with(&prefix));
    }
    let owners = set["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
    let foreign: Vec<Value> = owners.into_iter().filter(|owner| owner["uid"] != *subject.uid).collect();
    set["metadata"]["ownerReferences"] = json!(foreign);
    set["spec"]["template"] = without_keys(&set["spec"]["template"], keys);
    set
}

/// A pod without what roles change, and without its end.
fn without_end(pod: &Value, keys: &[String]) -> Value {
    let mut pod = without_keys(pod, keys);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        pod["metadata"][field] = json!(null);
    }
    pod
}

fn is_of_a_set(pod: &Value, sets: &[Object], subjects: &[&Subject]) -> bool {
    let owner = |set: &&Object| set["metadata"]["uid"].as_str() == controller_of(pod);
    let ours = |set: &Object| subjects.iter().any(|subject| controller_of(set) == Some(&subject.uid));
    sets.iter().find(owner).is_some_and(ours)
}

/// An object without these labels and annotations; a map that is absent is an empty one.
fn without_keys(object: &Value, keys: &[String]) -> Value {
    let mut object = bare(object);
    for map in ["labels", "annotations"] {
        let mut entries = object["metadata"][map].as_object().cloned().unwrap_or_default();
        entries.retain(|name, _| !keys.contains(name));
        object["metadata"][map] = Value::Object(entries);
    }
    object
}

/// The paths at which two values differ.
fn difference(at: &str, before: &Value, after: &Value) -> Vec<String> {
    match (before, after) {
        (Value::Object(one), Value::Object(other)) => {
            let mut keys: Vec<&String> = one.keys().chain(other.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter()
                .flat_map(|key| difference(&format!("{at}/{key}"), &before[key], &after[key]))
                .collect()
        }
        _ if before == after => Vec::new(),
        _ => vec![format!("{at} from {before} to {after}")],
    }
}
