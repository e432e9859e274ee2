//! What controllers ask of objects and write about them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::world::{Answer, Key, Kind, Request, World, selects};

/// The namespace of an object; empty for cluster-wide kinds.
pub(super) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

pub(super) fn uid(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}

pub(super) fn is_deleting(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The references to an object's owners.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["ownerReferences"].as_array().into_iter().flatten()
}

/// The uid of an object's controller.
pub(super) fn controller(object: &Value) -> Option<&str> {
    owners(object).find(|owner| owner["controller"] == true)?["uid"].as_str()
}

/// A reference to a controlling owner.
pub(super) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// The pods of one namespace that a selector of `matchLabels` and `matchExpressions` matches.
pub(super) fn pods_matching(world: &World, namespace: &str, selector: &Value) -> Vec<Arc<Value>> {
    let mut pods = world.all(Kind::Pod);
    pods.retain(|pod| self::namespace(pod) == namespace && selects(selector, &pod["metadata"]["labels"]));
    pods
}

/// The Ready condition of a pod, if that is true.
pub(super) fn ready_condition(pod: &Value) -> Option<&Value> {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Puts an object that was read before; a conflict is left to the next step, as real controllers do.
pub(super) fn put(world: &mut World, user: &str, kind: Kind, subresource: &str, object: Value) -> Answer {
    let path = format!("{}{subresource}", world.path(&Key::of(kind, &object)));
    world.request(Request::put(path, object).by(user))
}

/// Deletes an object, if it is still the same one.
pub(super) fn delete(world: &mut World, user: &str, kind: Kind, object: &Value, options: Value) -> Answer {
    let mut options = options;
    options["preconditions"] = json!({ "uid": uid(object) });
    let path = world.path(&Key::of(kind, object));
    world.request(Request::delete(path, options).by(user))
}
