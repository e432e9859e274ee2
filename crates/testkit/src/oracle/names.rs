//! Fields by the names that objects give them.

use std::collections::BTreeMap;

use serde_json::Value;
use serin_api::names::POD_TEMPLATE_HASH;

/// The pod template hash among an object's labels.
pub fn hash_of(object: &Value) -> Option<&str> {
    object["metadata"]["labels"][POD_TEMPLATE_HASH].as_str()
}

pub fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The namespace of an object of a kind that has namespaces: `default` if it says nothing else.
pub fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().filter(|namespace| !namespace.is_empty()).unwrap_or("default")
}

/// The uid of an object's controller.
pub fn controller_of(object: &Value) -> Option<&str> {
    let owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.into_iter().find(|owner| owner["controller"] == true)?["uid"].as_str()
}

pub fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// How many pods a ReplicaSet wants.
pub fn replicas_of(set: &Value) -> i64 {
    set["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// Labels or annotations.
pub fn texts(map: &Value) -> BTreeMap<String, String> {
    let entries = map.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
