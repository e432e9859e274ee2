//! DELETE.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::kinds::{Key, Kind};
use super::refusal::Refusal;
use super::request::Call;
use super::{Answer, World, metadata};

/// Held by a deletion with `propagationPolicy: Foreground` until the dependents are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Held by a deletion with `propagationPolicy: Orphan` until the dependents are released.
pub(crate) const ORPHAN: &str = "orphan";

impl World {
    pub(super) fn serve_delete(&mut self, call: &Call) -> Answer {
        let key = call.key();
        let found = self.store.get(&key).ok_or_else(|| Refusal::not_found(key.kind, &key.name))?;
        let before = Arc::clone(found);
        check_preconditions(&key, &before, &call.body["preconditions"])?;
        let mut after = Value::clone(&before);
        let is_deleting = !before["metadata"]["deletionTimestamp"].is_null();
        if !is_deleting {
            hold_for_dependents(&mut after, call.body["propagationPolicy"].as_str());
        }
        let grace = grace_seconds(key.kind, &before, &call.body["gracePeriodSeconds"]);
        if grace == 0 && !metadata::is_held(key.kind, &after) {
            if !call.is_dry_run() {
                self.store.remove(&key, after.clone());
            }
            return Ok(answer(&key, after));
        }
        if is_deleting && before["metadata"]["deletionGracePeriodSeconds"] == grace {
            return Ok(Value::clone(&before));
        }
        let moment = self.now().checked_add(SignedDuration::from_secs(grace)).unwrap_or(self.now());
        after["metadata"]["deletionTimestamp"] = metadata::time(moment);
        after["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        metadata::raise_generation(&mut after);
        if key.kind == Kind::Namespace {
            after["status"]["phase"] = json!("Terminating");
        }
        if call.is_dry_run() {
            return Ok(after);
        }
        Ok(Value::clone(&self.store.put(key, after)))
    }
}

fn check_preconditions(key: &Key, object: &Value, preconditions: &Value) -> Result<(), Refusal> {
    for (field, word, otherwise) in
        [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")]
    {
        let (asked, found) = (&preconditions[field], &object["metadata"][field]);
        if !asked.is_null() && asked != found {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let (asked, found) = (text(asked), text(found));
            let why = format!(
                "the {word} in the precondition ({asked}) does not match the {word} in record ({found}). \
                 The object might have been {otherwise}"
            );
            return Err(Refusal::conflict(key.kind, &key.name, &why));
        }
    }
    Ok(())
}

fn hold_for_dependents(object: &mut Value, policy: Option<&str>) {
    let finalizer = match policy {
        Some("Foreground") => FOREGROUND,
        Some("Orphan") => ORPHAN,
        _ => return,
    };
    let mut finalizers = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.push(json!(finalizer));
    object["metadata"]["finalizers"] = json!(finalizers);
}

/// A pod that runs on a node has time to end; nothing else has.
fn grace_seconds(kind: Kind, object: &Value, asked: &Value) -> i64 {
    if kind != Kind::Pod || object["spec"]["nodeName"].is_null() {
        return 0;
    }
    let own = &object["spec"]["terminationGracePeriodSeconds"];
    let grace = asked.as_i64().or(own.as_i64()).unwrap_or(30);
    // A second deletion can only shorten the time.
    object["metadata"]["deletionGracePeriodSeconds"].as_i64().map_or(grace, |left| grace.min(left))
}

/// Some kinds are answered with their last state, the others with a Status.
fn answer(key: &Key, object: Value) -> Value {
    if matches!(key.kind, Kind::Pod | Kind::Service) {
        return object;
    }
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {
            "name": key.name, "group": key.kind.facts().group.unwrap_or_default(), "kind": key.kind.plural(),
            "uid": object["metadata"]["uid"],
        },
    })
}
