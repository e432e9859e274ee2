//! The part of metadata that the server owns.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::Kind;

/// What a client cannot change.
const SERVERS_OWN: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "selfLink",
];

/// A moment as the API writes it: whole seconds.
pub(crate) fn time(moment: Timestamp) -> Value {
    let seconds = Timestamp::from_second(moment.as_second()).unwrap_or_default();
    json!(seconds.to_string())
}

/// Removes what a client may not decide about a new object.
pub(crate) fn forget(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in SERVERS_OWN {
            metadata.remove(field);
        }
    }
}

/// Puts back what an update may not change.
pub(crate) fn restore(before: &Value, after: &mut Value) {
    if let Some(metadata) = after["metadata"].as_object_mut() {
        for field in SERVERS_OWN {
            match before["metadata"].get(field) {
                Some(value) if metadata.get(field) == Some(value) => {}
                Some(value) => _ = metadata.insert(field.to_owned(), value.clone()),
                None => _ = metadata.remove(field),
            }
        }
    }
    after["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
}

/// What the spec's generation counts: everything but metadata and status.
pub(crate) fn is_same_spec(before: &Value, after: &Value) -> bool {
    rest(before).eq(rest(after))
}

fn rest(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let is_counted = |name: &str| !matches!(name, "metadata" | "status" | "apiVersion" | "kind");
    object.as_object().into_iter().flatten().filter(move |(name, _)| is_counted(name))
}

/// Raises the generation of a kind that has one.
pub(crate) fn raise_generation(object: &mut Value) {
    if let Some(generation) = object["metadata"]["generation"].as_i64() {
        object["metadata"]["generation"] = json!(generation + 1);
    }
}

/// Notes who has just written. Which fields somebody owns is not tracked.
pub(crate) fn note_writer(object: &mut Value, manager: &str, subresource: Option<&str>, now: Timestamp) {
    let mut entry = json!({
        "manager": manager, "operation": "Update", "apiVersion": object["apiVersion"],
        "time": time(now), "fieldsType": "FieldsV1", "fieldsV1": {},
    });
    if let Some(subresource) = subresource {
        entry["subresource"] = json!(subresource);
    }
    let mut entries = match object["metadata"]["managedFields"].take() {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    entries.retain(|old| old["manager"] != entry["manager"] || old["subresource"] != entry["subresource"]);
    entries.push(entry);
    object["metadata"]["managedFields"] = Value::Array(entries);
}

/// Whether anything keeps an object that is being deleted.
pub(crate) fn is_held(kind: Kind, object: &Value) -> bool {
    let is_filled = |list: &Value| list.as_array().is_some_and(|list| !list.is_empty());
    is_filled(&object["metadata"]["finalizers"])
        || kind == Kind::Namespace && is_filled(&object["spec"]["finalizers"])
}

/// Drops what the server's own types do not keep: nulls, and empty lists and maps that are optional there.
pub(crate) fn normalise(kind: Kind, object: &mut Value) {
    match (kind, object.as_object_mut()) {
        // A Rollout's template is kept as it was written.
        (Kind::Rollout, Some(fields)) => {
            let template = fields.get_mut("spec").and_then(Value::as_object_mut);
            let template = template.and_then(|spec| spec.remove("template"));
            drop_nulls(object);
            if let Some(template) = template {
                object["spec"]["template"] = template;
            }
        }
        _ => drop_nulls(object),
    }
    drop_empty(&mut object["metadata"], &["labels", "annotations", "finalizers", "ownerReferences"]);
    match kind {
        Kind::ReplicaSet => {
            if let Some(metadata) = object.pointer_mut("/spec/template/metadata") {
                drop_empty(metadata, &["labels", "annotations"]);
            }
        }
        Kind::Service => drop_empty(&mut object["spec"], &["selector"]),
        _ => {}
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn drop_empty(parent: &mut Value, names: &[&str]) {
    let is_empty = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    if let Some(fields) = parent.as_object_mut() {
        fields.retain(|name, value| !(names.contains(&name.as_str()) && is_empty(value)));
    }
}
