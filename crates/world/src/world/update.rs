//! PUT and PATCH, of objects and of their status.

use std::sync::Arc;

use serde_json::Value;

use super::kinds::Kind;
use super::refusal::Refusal;
use super::request::{Call, Verb};
use super::{Answer, World, defaults, metadata, patch, validation};

impl World {
    pub(super) fn serve_update(&mut self, call: &Call) -> Answer {
        let key = call.key();
        let kind = key.kind;
        let before = match self.store.get(&key) {
            Some(found) => Arc::clone(found),
            // Somebody who replaces a Lease that was deleted in the meantime creates it, whatever version he read.
            None if call.verb == Verb::Update && kind == Kind::Lease => {
                return self.create_from(call, call.body.clone());
            }
            None => return Err(Refusal::not_found(kind, &key.name).into()),
        };
        let asked = asked_for(call, &before)?;
        check_place(call, &asked)?;
        check_version(call, &before, &asked)?;
        check_identity(call, &before, &asked)?;
        let mut after = match call.subresource() {
            None => of_object(kind, &before, asked),
            Some("status") if kind.facts().has_status => of_status(kind, &before, &asked),
            Some("finalize") if kind == Kind::Namespace => {
                with_field(Value::clone(&before), "spec", asked.get("spec"))
            }
            Some(_) => return Err(Refusal::unknown_path().into()),
        };
        metadata::restore(&before, &mut after);
        metadata::normalise(kind, &mut after);
        defaults::fill(kind, &mut after);
        defaults::fill_template_time(kind, Some(&before), &mut after);
        validation::judge(kind, Some(&before), &after)?;
        if after == *before {
            return Ok(after);
        }
        if call.subresource().is_none() && !metadata::is_same_spec(&before, &after) {
            metadata::raise_generation(&mut after);
        }
        metadata::note_writer(&mut after, call.manager(), call.subresource(), self.now());
        if call.is_dry_run() {
            return Ok(after);
        }
        let is_over =
            after["metadata"]["deletionGracePeriodSeconds"] == 0 && !metadata::is_held(kind, &after);
        if is_over {
            // The answer shows the object as it was before it went; the watch tells the version of the deletion.
            self.store.remove(&key, after.clone());
            return Ok(after);
        }
        Ok(Value::clone(&self.store.put(key, after)))
    }
}

/// The whole object as the client would have it.
fn asked_for(call: &Call, before: &Value) -> Result<Value, Refusal> {
    match (call.verb, call.content_type.as_str()) {
        (Verb::Update, _) if call.body["metadata"].is_object() => Ok(call.body.clone()),
        (Verb::Update, _) => Err(Refusal::bad_request("the body is not an object with metadata")),
        (_, "application/merge-patch+json") => patch::merge(before.clone(), &call.body),
        (_, "application/json-patch+json") => patch::json(before.clone(), &call.body),
        // Strategic merge and server-side apply are not spoken here; tests of those need a real server.
        (_, other) => Err(Refusal::unsupported_media_type(other)),
    }
}

fn check_place(call: &Call, asked: &Value) -> Result<(), Refusal> {
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    for (field, expected) in [("name", call.name()), ("namespace", namespace)] {
        if asked["metadata"][field].as_str().is_some_and(|value| value != expected) {
            return Err(Refusal::misplaced(field));
        }
    }
    Ok(())
}

fn check_version(call: &Call, before: &Value, asked: &Value) -> Result<(), Refusal> {
    let kind = call.kind();
    match asked["metadata"]["resourceVersion"].as_str() {
        Some(version) if !version.is_empty() && before["metadata"]["resourceVersion"] != version => {
            Err(Refusal::stale(kind, call.name()))
        }
        None | Some("") if call.verb == Verb::Update && (kind.facts().is_custom || kind == Kind::Lease) => {
            let problem = "Invalid value: 0: must be specified for an update";
            Err(Refusal::invalid(kind, call.name(), "metadata.resourceVersion", problem))
        }
        _ => Ok(()),
    }
}

/// An update may leave the uid out. If it names one, it means only that object.
fn check_identity(call: &Call, before: &Value, asked: &Value) -> Result<(), Refusal> {
    let (had, asked) = (&before["metadata"]["uid"], &asked["metadata"]["uid"]);
    if asked.is_null() || asked == had {
        return Ok(());
    }
    if call.verb == Verb::Update {
        let why = format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {had}");
        return Err(Refusal::conflict(call.kind(), call.name(), &why));
    }
    Err(Refusal::invalid(call.kind(), call.name(), "metadata.uid", "Invalid value: field is immutable"))
}

/// A write to the object itself leaves the status alone where that has a path of its own.
fn of_object(kind: Kind, before: &Value, mut asked: Value) -> Value {
    for field in ["apiVersion", "kind"] {
        asked[field] = before[field].clone();
    }
    for field in ["name", "namespace"] {
        if asked["metadata"][field].is_null() && !before["metadata"][field].is_null() {
            asked["metadata"][field] = before["metadata"][field].clone();
        }
    }
    if kind.facts().has_status { with_field(asked, "status", before.get("status")) } else { asked }
}

/// A write to the status of a built-in kind may change labels and annotations too; that of a custom kind may not.
fn of_status(kind: Kind, before: &Value, asked: &Value) -> Value {
    let after = with_field(before.clone(), "status", asked.get("status"));
    if kind.facts().is_custom { after } else { with_field(after, "metadata", asked.get("metadata")) }
}

fn with_field(mut object: Value, name: &str, value: Option<&Value>) -> Value {
    if let Some(fields) = object.as_object_mut() {
        match value {
            Some(value) => fields.insert(name.to_owned(), value.clone()),
            None => fields.remove(name),
        };
    }
    object
}
