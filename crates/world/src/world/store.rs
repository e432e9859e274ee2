//! The objects, their versions, and the history of their changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{Key, Kind};

/// Objects with one version counter for all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    version: u64,
    history: Vec<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub version: u64,
    pub key: Key,
    pub before: Option<Arc<Value>>,
    /// The object after the change. For a deletion, the last state of the object, with the deletion's version.
    pub after: Arc<Value>,
    pub deleted: bool,
}

impl Store {
    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, key: &Key) -> Option<&Arc<Value>> {
        self.objects.get(key)
    }

    /// The objects of one kind, by namespace and name.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let first = Key { kind, namespace: Arc::default(), name: Arc::default() };
        self.objects.range(first..).take_while(move |(key, _)| key.kind == kind)
    }

    /// Creates or changes an object.
    pub fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        self.stamp(&mut object);
        let after = Arc::new(object);
        let before = self.objects.insert(key.clone(), Arc::clone(&after));
        self.record(key, before, Arc::clone(&after), false);
        after
    }

    /// Holds an object in the version that it has. Versions that are given later are higher.
    pub fn mirror(&mut self, key: Key, object: Arc<Value>) {
        let version = object["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse().ok());
        self.version = self.version.max(version.unwrap_or(0));
        self.objects.insert(key, object);
    }

    /// Removes an object whose last state is `object`.
    pub fn remove(&mut self, key: &Key, mut object: Value) -> Arc<Value> {
        self.stamp(&mut object);
        let after = Arc::new(object);
        let before = self.objects.remove(key);
        self.record(key.clone(), before, Arc::clone(&after), true);
        after
    }

    fn stamp(&mut self, object: &mut Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
    }

    fn record(&mut self, key: Key, before: Option<Arc<Value>>, after: Arc<Value>, deleted: bool) {
        self.history.push(Change { version: self.version, key, before, after, deleted });
    }

    /// The changes after `version`, or the oldest version that is still known.
    pub fn changes_since(&self, version: u64) -> Result<&[Change], u64> {
        if version < self.forgotten {
            return Err(self.forgotten);
        }
        let first = self.history.partition_point(|change| change.version <= version);
        Ok(&self.history[first..])
    }

    /// Forgets all changes so far.
    pub fn forget_history(&mut self) {
        self.history.clear();
        self.forgotten = self.version;
    }
}
