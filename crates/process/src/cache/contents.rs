//! The table of objects and its secondary index, always in step with each other.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kube::Resource;

use super::{Change, IndexKey, version};

/// `namespace/name`: one text, shared by the table and the index, because there is one for every pod of a cluster.
pub type Key = Arc<str>;

/// The objects, by name and by index.
#[derive(Clone)]
pub struct Contents<K> {
    objects: HashMap<Key, Arc<K>>,
    index: HashMap<IndexKey, BTreeMap<Key, Arc<K>>>,
    index_of: fn(&K) -> Vec<IndexKey>,
}

impl<K: Resource> Contents<K> {
    pub fn new(index_of: fn(&K) -> Vec<IndexKey>) -> Self {
        Self { objects: HashMap::new(), index: HashMap::new(), index_of }
    }

    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.objects.get(key(namespace, name).as_str()).cloned()
    }

    pub fn held(&self, key: &str) -> Option<&Arc<K>> {
        self.objects.get(key)
    }

    pub fn by_index(&self, key: &str) -> Vec<Arc<K>> {
        self.index.get(key).map(|found| found.values().cloned().collect()).unwrap_or_default()
    }

    pub fn all(&self) -> Vec<Arc<K>> {
        let mut all: Vec<_> = self.objects.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        all.into_iter().map(|(_, object)| Arc::clone(object)).collect()
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.objects.keys()
    }

    /// Stores an object. `None` when exactly this version is held already.
    pub fn put(&mut self, key: Key, object: K) -> Option<Change<K>> {
        if self.objects.get(&key).is_some_and(|held| version::is_same(&**held, &object)) {
            return None;
        }
        let values = (self.index_of)(&object);
        let before = self.remove(&key);
        let after = Arc::new(object);
        for value in values {
            self.index.entry(value).or_default().insert(Arc::clone(&key), Arc::clone(&after));
        }
        self.objects.insert(key, Arc::clone(&after));
        Some(Change { before, after: Some(after) })
    }

    /// Removes an object and returns it.
    pub fn remove(&mut self, key: &str) -> Option<Arc<K>> {
        let values = (self.index_of)(self.objects.get(key)?);
        let removed = self.objects.remove(key)?;
        for value in values {
            if let Some(found) = self.index.get_mut(&value) {
                found.remove(key);
                if found.is_empty() {
                    self.index.remove(&value);
                }
            }
        }
        Some(removed)
    }
}

/// The key of that name. Neither part can contain a slash.
pub fn key(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// The key of that object.
pub fn key_of<K: Resource>(object: &K) -> Key {
    let meta = object.meta();
    key(meta.namespace.as_deref().unwrap_or_default(), meta.name.as_deref().unwrap_or_default()).into()
}
