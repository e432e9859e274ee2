//! Why the server would not store an object: the rules that an operator can break.

use serde_json::Value;

use super::delete::{FOREGROUND, ORPHAN};
use super::kinds::Kind;
use super::refusal::Refusal;
use super::selector::selects;

/// Judges an object about to be stored; `before` is what it replaces.
pub(crate) fn judge(kind: Kind, before: Option<&Value>, after: &Value) -> Result<(), Refusal> {
    let name = after["metadata"]["name"].as_str().unwrap_or_default();
    let invalid = |field: &str, problem: &str| Err(Refusal::invalid(kind, name, field, problem));
    if name.is_empty() {
        return invalid("metadata.name", "Required value: name or generateName is required");
    }
    if let Some(problem) = owners(&after["metadata"]["ownerReferences"]) {
        return invalid("metadata.ownerReferences", problem);
    }
    let mut finalizers = after["metadata"]["finalizers"].as_array().into_iter().flatten();
    if !finalizers.all(|finalizer| finalizer.as_str().is_some_and(is_finalizer)) {
        let problem = "Invalid value: name is neither a standard finalizer name nor is it fully qualified";
        return invalid("metadata.finalizers[0]", problem);
    }
    if before.is_some_and(|before| adds_finalizer(before, after)) {
        let problem = "Forbidden: no new finalizers can be added if the object is being deleted";
        return invalid("metadata.finalizers", problem);
    }
    match kind {
        Kind::ReplicaSet => {
            replica_set(before, after).map_or(Ok(()), |(field, problem)| invalid(field, problem))
        }
        Kind::Pod => match pod(before, after) {
            true => Ok(()),
            false => invalid("spec", "Forbidden: pod updates may not change fields other than a few"),
        },
        _ => Ok(()),
    }
}

fn owners(references: &Value) -> Option<&'static str> {
    let references = references.as_array()?;
    let text = |reference: &Value, field: &str| reference[field].as_str().unwrap_or_default().to_owned();
    let is_incomplete = |reference: &Value| {
        ["apiVersion", "kind", "name", "uid"].iter().any(|field| text(reference, field).is_empty())
    };
    if references.iter().any(is_incomplete) {
        return Some("Invalid value: apiVersion, kind, name and uid must not be empty");
    }
    let controllers = references.iter().filter(|reference| reference["controller"] == true);
    (controllers.count() > 1).then_some("Invalid value: Only one reference can have Controller set to true")
}

fn is_finalizer(name: &str) -> bool {
    name.contains('/') || [FOREGROUND, ORPHAN].contains(&name)
}

fn adds_finalizer(before: &Value, after: &Value) -> bool {
    let had = before["metadata"]["finalizers"].as_array();
    let mut has = after["metadata"]["finalizers"].as_array().into_iter().flatten();
    !before["metadata"]["deletionTimestamp"].is_null()
        && has.any(|finalizer| !had.is_some_and(|had| had.contains(finalizer)))
}

fn replica_set(before: Option<&Value>, after: &Value) -> Option<(&'static str, &'static str)> {
    let spec = &after["spec"];
    let selector = &spec["selector"];
    let is_empty = |field: &str| {
        let part = &selector[field];
        part.as_object().is_none_or(serde_json::Map::is_empty) && part.as_array().is_none_or(Vec::is_empty)
    };
    if is_empty("matchLabels") && is_empty("matchExpressions") {
        return Some(("spec.selector", "Invalid value: empty selector is invalid for deployment"));
    }
    if !selects(selector, &spec["template"]["metadata"]["labels"]) {
        return Some((
            "spec.template.metadata.labels",
            "Invalid value: `selector` does not match template `labels`",
        ));
    }
    if before.is_some_and(|before| before["spec"]["selector"] != *selector) {
        return Some(("spec.selector", "Invalid value: field is immutable"));
    }
    if spec["replicas"].as_i64().is_none_or(|replicas| replicas < 0) {
        return Some(("spec.replicas", "Invalid value: must be greater than or equal to 0"));
    }
    let containers = spec["template"]["spec"]["containers"].as_array();
    if containers.is_none_or(Vec::is_empty) {
        return Some(("spec.template.spec.containers", "Required value"));
    }
    None
}

/// A pod's spec is fixed, but for its images and for the node that it is bound to.
fn pod(before: Option<&Value>, after: &Value) -> bool {
    let fixed = |pod: &Value| {
        let mut spec = pod["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("nodeName");
        }
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            container["image"] = Value::Null;
        }
        spec
    };
    before.is_none_or(|before| fixed(before) == fixed(after))
}
