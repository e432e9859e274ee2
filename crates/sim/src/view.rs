//! The world as one process knows it, in plain objects.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serin_world::Kind;
use serin_world::world::Key;

/// The newest version of every object that a process has heard of. Who judges what it does cannot ask more of it than
/// that it is right about these.
#[derive(Clone, Debug, Default)]
pub struct View {
    objects: BTreeMap<Key, Arc<Value>>,
}

impl View {
    /// All objects.
    pub fn objects(&self) -> &BTreeMap<Key, Arc<Value>> {
        &self.objects
    }

    pub(crate) fn put(&mut self, kind: Kind, object: Arc<Value>) {
        let key = Key::of(kind, &object);
        if self.objects.get(&key).is_none_or(|held| version(held) <= version(&object)) {
            self.objects.insert(key, object);
        }
    }

    pub(crate) fn remove(&mut self, kind: Kind, object: &Value) {
        let key = Key::of(kind, object);
        if self.objects.get(&key).is_some_and(|held| version(held) <= version(object)) {
            self.objects.remove(&key);
        }
    }

    pub(crate) fn forgot(&mut self, kind: Kind, name: &str) {
        self.objects.retain(|key, _| key.kind != kind || &*key.name != name);
    }

    pub(crate) fn forget(&mut self, kind: Kind) {
        self.objects.retain(|key, _| key.kind != kind);
    }
}

fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0)
}
