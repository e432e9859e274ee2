//! Deletes objects whose owners are gone.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::objects::{delete, is_deleting, owners, uid};
use crate::world::{FOREGROUND, Key, Kind, ORPHAN, Request, World};

const USER: &str = "garbage-collector";

/// Deletes what lost all its owners, and finishes foreground and orphaning deletions.
#[derive(Clone, Debug, Default)]
pub struct GarbageCollector {}

impl GarbageCollector {
    /// Looks at every object once. An object whose owner goes in this step goes in the next one.
    pub fn step(&mut self, world: &mut World) {
        let objects: Vec<(Kind, Arc<Value>)> = Kind::ALL
            .into_iter()
            .flat_map(|kind| world.all(kind).into_iter().map(move |object| (kind, object)))
            .collect();
        let living: BTreeSet<&str> = objects.iter().map(|(_, object)| uid(object)).collect();
        let blocked: BTreeSet<&str> = objects
            .iter()
            .filter(|(_, object)| holds(object, FOREGROUND))
            .map(|(_, object)| uid(object))
            .collect();
        let owning: BTreeSet<&str> = objects
            .iter()
            .flat_map(|(_, object)| owners(object))
            .filter_map(|owner| owner["uid"].as_str())
            .collect();
        for (kind, object) in &objects {
            let has_dependents = owning.contains(uid(object));
            collect(world, *kind, object, has_dependents, &living, &blocked);
        }
        for (kind, owner) in &objects {
            release(world, *kind, owner, &objects);
        }
    }
}

/// Deletes a dependent that has no owner left but such as wait for their dependents.
fn collect(
    world: &mut World,
    kind: Kind,
    object: &Value,
    has_dependents: bool,
    living: &BTreeSet<&str>,
    blocked: &BTreeSet<&str>,
) {
    let uid_of = |owner: &Value| owner["uid"].as_str().unwrap_or_default().to_owned();
    let is_blocked = |owner: &Value| blocked.contains(&*uid_of(owner));
    let keeps = |owner: &Value| living.contains(&*uid_of(owner)) && !is_blocked(owner);
    if is_deleting(object) || owners(object).next().is_none() || owners(object).any(keeps) {
        return;
    }
    // What an owner waits for goes before the owner does, together with its own dependents.
    let is_foreground = has_dependents && owners(object).any(is_blocked);
    let policy = if is_foreground { "Foreground" } else { "Background" };
    drop(delete(world, USER, kind, object, json!({ "propagationPolicy": policy })));
}

/// Lets an owner go whose dependents are gone, or who wants them orphaned.
fn release(world: &mut World, kind: Kind, owner: &Value, objects: &[(Kind, Arc<Value>)]) {
    let depends = |object: &Value| owners(object).any(|reference| reference["uid"] == uid(owner));
    let dependents = objects.iter().filter(|(_, object)| depends(object));
    if holds(owner, ORPHAN) {
        for (kind, dependent) in dependents {
            let references: Vec<&Value> =
                owners(dependent).filter(|reference| reference["uid"] != uid(owner)).collect();
            let patch = json!({ "metadata": { "ownerReferences": references } });
            let path = world.path(&Key::of(*kind, dependent));
            drop(world.request(Request::merge_patch(path, patch).by(USER)));
        }
        remove_finalizer(world, kind, owner, ORPHAN);
    } else if holds(owner, FOREGROUND) {
        let blocks = |object: &Value| {
            owners(object)
                .any(|reference| reference["uid"] == uid(owner) && reference["blockOwnerDeletion"] == true)
        };
        if dependents.filter(|(_, object)| blocks(object)).count() == 0 {
            remove_finalizer(world, kind, owner, FOREGROUND);
        }
    }
}

fn holds(object: &Value, finalizer: &str) -> bool {
    let finalizers = object["metadata"]["finalizers"].as_array();
    is_deleting(object) && finalizers.is_some_and(|finalizers| finalizers.contains(&json!(finalizer)))
}

fn remove_finalizer(world: &mut World, kind: Kind, object: &Value, finalizer: &str) {
    let mut left = object["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    left.retain(|other| other != finalizer);
    let patch = json!({
        "metadata": { "resourceVersion": object["metadata"]["resourceVersion"], "finalizers": left },
    });
    let path = world.path(&Key::of(kind, object));
    drop(world.request(Request::merge_patch(path, patch).by(USER)));
}
