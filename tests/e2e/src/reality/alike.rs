//! Whether two objects are the same, but for what no two servers agree on.

use jiff::Timestamp;
use serde_json::Value;

/// How far two clocks may be apart, in seconds.
const CLOCKS: i64 = 5;

/// Where two values differ first, as a path and both values; none where they are alike. Times may differ by a little, and
/// what is null or empty may as well be absent.
pub fn difference(model: &Value, real: &Value) -> Option<String> {
    differs(model, real, "", false)
}

/// The same, but what the real one has beyond the model's is no difference.
pub fn lack(model: &Value, real: &Value) -> Option<String> {
    differs(model, real, "", true)
}

fn differs(model: &Value, real: &Value, path: &str, may_have_more: bool) -> Option<String> {
    match (model, real) {
        (Value::Object(fields), Value::Object(others)) => {
            let more = others.keys().filter(|name| !may_have_more && !fields.contains_key(*name));
            fields
                .keys()
                .chain(more)
                .find_map(|name| differs(&model[name], &real[name], &format!("{path}/{name}"), may_have_more))
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            items.iter().zip(others).enumerate().find_map(|(index, (item, other))| {
                differs(item, other, &format!("{path}/{index}"), may_have_more)
            })
        }
        _ if model == real || is_nothing(model) && (is_nothing(real) || may_have_more) => None,
        _ if are_times(model, real) => None,
        // Which of the route's writes was ours stands in managedFields, which the log leaves out.
        _ if path.ends_with("/writtenAt") && path.contains("/weights/routes/") && model.is_null() => None,
        _ => Some(format!("{path}: {model} in the simulator, {real} in reality")),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn are_times(model: &Value, real: &Value) -> bool {
    let time = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match (time(model), time(real)) {
        (Some(model), Some(real)) => model.duration_since(real).as_secs().abs() <= CLOCKS,
        _ => false,
    }
}

/// An object without what only its own server can know. Of a pod that has not started, that is also what its binding
/// has added, of which the log shows nothing.
pub fn stored(object: &Value) -> Value {
    let mut object = without(object, &["managedFields", "resourceVersion", "selfLink"]);
    if has_not_started(&object) {
        object["status"] = Value::Null;
        object["spec"]["nodeName"] = Value::Null;
    }
    if let Some(labels) = object["metadata"]["labels"].as_object_mut() {
        labels.retain(|label, _| !label.starts_with("topology.kubernetes.io/"));
    }
    object
}

/// Whether it is a pod that no node has spoken of yet.
pub fn has_not_started(object: &Value) -> bool {
    object["kind"] == "Pod" && object["status"]["podIP"].is_null()
}

/// The same of an object that was just created, which has no name of its own yet where the server gave it one.
pub fn created(object: &Value) -> Value {
    let mut created = without(object, &["managedFields", "resourceVersion", "selfLink", "uid"]);
    if created["metadata"]["generateName"].is_string() {
        created["metadata"]["name"] = Value::Null;
    }
    created
}

fn without(object: &Value, fields: &[&str]) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|field, _| !fields.contains(&field.as_str()));
    }
    object
}
