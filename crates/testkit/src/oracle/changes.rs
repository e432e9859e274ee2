//! What one write changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Object;
use super::scene::{JUDGED, Scene, key};
use serin_world::world::{Key, Kind};

/// One object, before and after.
#[derive(Clone, Debug)]
pub struct Change {
    pub key: Key,
    pub before: Option<Object>,
    pub after: Option<Object>,
}

/// All objects that differ.
#[derive(Clone, Debug)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// What differs between two worlds.
    pub fn between(before: &impl Scene, after: &impl Scene) -> Self {
        let differing =
            JUDGED.into_iter().flat_map(|kind| difference(kind, before.all(kind), after.all(kind)));
        Self(differing.collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Change> {
        self.0.iter()
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &Change> {
        self.0.iter().filter(move |change| change.key.kind == kind)
    }
}

fn difference(kind: Kind, before: Vec<Object>, after: Vec<Object>) -> Vec<Change> {
    let same = |(before, after): (&Object, &Object)| Arc::ptr_eq(before, after);
    if before.len() == after.len() && before.iter().zip(&after).all(same) {
        return Vec::new();
    }
    let by_key = |objects: Vec<Object>| -> BTreeMap<Key, Object> {
        objects.into_iter().map(|object| (key(kind, &object), object)).collect()
    };
    let (mut before, after) = (by_key(before), by_key(after));
    let mut changes = Vec::new();
    for (key, after) in after {
        let before = before.remove(&key);
        if before.as_ref() != Some(&after) {
            changes.push(Change { key, before, after: Some(after) });
        }
    }
    changes.extend(before.into_iter().map(|(key, gone)| Change { key, before: Some(gone), after: None }));
    changes
}
