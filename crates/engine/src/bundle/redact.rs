//! What of templates and annotations goes into a bundle: what a decision asks about, and nothing else.
//!
//! Everything is left out unless it is named here, so that a field which Kubernetes adds tomorrow is left out, too.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map as Object, Value, json};
use serin_api::Names;

use crate::objects::Map;
use crate::roles::RoleRecord;
use crate::snapshot::Snapshot;

/// What stands where a value was.
pub const REDACTED: &str = "(left out)";

/// The annotations of templates and pods that decisions are about: the keys of roles, and the acknowledgement.
pub struct Kept {
    roles: BTreeSet<String>,
    names: Arc<Names>,
}

impl Kept {
    /// Of one Rollout: the keys that its roles have now, and those that its ReplicaSets say they ever had.
    pub fn of(world: &Snapshot) -> Self {
        let mut keys = BTreeSet::from([world.names.role_seen.clone()]);
        for role in world.strategy.iter().flat_map(|strategy| [&strategy.active, &strategy.preview]) {
            keys.extend(role.annotations.keys().cloned());
        }
        for record in world.revisions.iter().filter_map(|revision| revision.role.as_ref()) {
            keys.extend(record.annotations.keys().cloned());
        }
        Self { roles: keys, names: Arc::clone(&world.names) }
    }

    /// The annotations of a template or a pod that are kept.
    pub fn annotations(&self, all: &Map) -> Map {
        only(all, |key, _| self.roles.contains(key))
    }

    /// The annotations of a Rollout that are kept: requests.
    pub fn requests(&self, all: &Map) -> Map {
        only(all, |key, _| *key == self.names.abort || *key == self.names.resume)
    }

    /// The annotations of a ReplicaSet that are kept: our records, as far as they are what we write.
    pub fn records(&self, all: &Map) -> Map {
        let names = &self.names;
        only(all, |key, value| match key {
            key if *key == names.revision || *key == names.stable => value.parse::<i64>().is_ok(),
            key if *key == names.role_metadata => RoleRecord::parse(value).is_some(),
            key => *key == names.template_hash,
        })
    }

    /// A pod template without what it would run. Done twice it is the same as done once.
    pub fn template(&self, template: &Value) -> Value {
        let Value::Object(fields) = template else {
            return if template.is_null() { Value::Null } else { json!(REDACTED) };
        };
        let mut kept = Object::new();
        if let Some(metadata) = fields.get("metadata").and_then(Value::as_object) {
            kept.insert("metadata".into(), self.metadata(metadata));
        }
        if let Some(spec) = fields.get("spec").filter(|spec| spec.is_object()) {
            kept.insert("spec".into(), pod_spec(spec));
        }
        Value::Object(kept)
    }

    fn metadata(&self, metadata: &Object<String, Value>) -> Value {
        let mut kept = Object::new();
        if let Some(labels) = metadata.get("labels").and_then(Value::as_object) {
            kept.insert("labels".into(), texts(labels, |_| true));
        }
        if let Some(annotations) = metadata.get("annotations").and_then(Value::as_object) {
            kept.insert("annotations".into(), texts(annotations, |key| self.roles.contains(key)));
        }
        Value::Object(kept)
    }
}

fn only(all: &Map, is_kept: impl Fn(&String, &String) -> bool) -> Map {
    let kept = all.iter().filter(|(key, value)| is_kept(key, value));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn texts(map: &Object<String, Value>, is_kept: impl Fn(&str) -> bool) -> Value {
    let kept = map.iter().filter(|(key, value)| is_kept(key) && value.is_string());
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The containers by name and image, and where they look at their pod's own metadata.
fn pod_spec(spec: &Value) -> Value {
    let mut kept = Object::new();
    for list in ["initContainers", "containers"] {
        list_of(&mut kept, spec, list, container);
    }
    list_of(&mut kept, spec, "volumes", volume);
    Value::Object(kept)
}

fn container(container: &Value) -> Value {
    let mut kept = chosen(container, &["name", "image", "restartPolicy"]);
    list_of(&mut kept, container, "env", variable);
    list_of(&mut kept, container, "volumeMounts", |mount| {
        // A whole volume, or a part of it: which part matters only where the pod's metadata is mounted, and is a path.
        Value::Object(chosen(mount, &["name", "subPath", "subPathExpr"]))
    });
    Value::Object(kept)
}

fn variable(variable: &Value) -> Value {
    let mut kept = chosen(variable, &["name"]);
    if variable.get("value").is_some() {
        kept.insert("value".into(), json!(REDACTED));
    }
    let field = &variable["valueFrom"]["fieldRef"];
    if field.is_object() {
        kept.insert("valueFrom".into(), json!({ "fieldRef": chosen(field, &["fieldPath"]) }));
    }
    Value::Object(kept)
}

fn volume(volume: &Value) -> Value {
    let mut kept = chosen(volume, &["name"]);
    if volume["downwardAPI"].is_object() {
        kept.insert("downwardAPI".into(), downward(&volume["downwardAPI"]));
    }
    if volume["projected"].is_object() {
        let mut projected = Object::new();
        list_of(&mut projected, &volume["projected"], "sources", |source| match &source["downwardAPI"] {
            Value::Object(_) => json!({ "downwardAPI": downward(&source["downwardAPI"]) }),
            _ => json!({}),
        });
        kept.insert("projected".into(), Value::Object(projected));
    }
    Value::Object(kept)
}

fn downward(source: &Value) -> Value {
    let mut kept = Object::new();
    list_of(&mut kept, source, "items", |item| {
        let mut kept = chosen(item, &["path"]);
        kept.insert("fieldRef".into(), Value::Object(chosen(&item["fieldRef"], &["fieldPath"])));
        Value::Object(kept)
    });
    Value::Object(kept)
}

/// The named fields, as far as they are texts.
fn chosen(object: &Value, fields: &[&str]) -> Object<String, Value> {
    let text =
        |field: &&str| Some(((*field).to_owned(), object.get(*field).filter(|v| v.is_string())?.clone()));
    fields.iter().filter_map(text).collect()
}

fn list_of(kept: &mut Object<String, Value>, object: &Value, field: &str, item: impl Fn(&Value) -> Value) {
    if let Some(items) = object[field].as_array() {
        kept.insert(field.into(), items.iter().map(item).collect());
    }
}
