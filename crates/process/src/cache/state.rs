//! How events, lists, and the answers to our own writes are merged.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kube::Resource;
use kube::runtime::watcher::Event;
use tokio::time::Instant;

use super::contents::{self, Contents, Key};
use super::tombstones::Tombstones;
use super::{Change, Changed, IndexKey, version};

/// Everything that the lock of a cache guards.
#[derive(Clone)]
pub struct State<K> {
    pub contents: Contents<K>,
    /// What the last list lacked and is held all the same.
    pub unlisted: Vec<Arc<K>>,
    tombstones: Tombstones,
    /// Of what a write of ours changed: the version that was last told of, until the watch has caught up.
    untold: HashMap<Key, Option<Arc<K>>>,
    /// How many lists have begun.
    lists: u64,
    relist: Option<Relist<K>>,
}

/// A list that is coming in.
#[derive(Clone)]
struct Relist<K> {
    listed: HashMap<Key, K>,
    /// What we wrote since it began: the list may be the older of the two.
    written: HashSet<Key>,
}

impl<K: Resource> State<K> {
    pub fn new(index_of: fn(&K) -> Vec<IndexKey>) -> Self {
        Self {
            contents: Contents::new(index_of),
            unlisted: Vec::new(),
            tombstones: Tombstones::default(),
            untold: HashMap::new(),
            lists: 0,
            relist: None,
        }
    }

    pub fn apply_event(&mut self, event: Event<K>, now: Instant) -> Changed<K> {
        match event {
            Event::Apply(object) => self.seen(object),
            Event::Delete(object) => self.seen_deleted(&object, now),
            Event::Init => {
                self.lists += 1;
                self.relist = Some(Relist { listed: HashMap::new(), written: HashSet::new() });
                Changed::default()
            }
            Event::InitApply(object) => {
                if let Some(relist) = &mut self.relist {
                    relist.listed.insert(contents::key_of(&object), object);
                }
                Changed::default()
            }
            Event::InitDone => self.listed(now),
        }
    }

    pub fn written(&mut self, object: K) -> Changed<K> {
        let key = contents::key_of(&object);
        if self.tombstones.hold(uid(&object)) || self.holds_newer(&key, &object) {
            return Changed::default();
        }
        let change = self.contents.put(Arc::clone(&key), object);
        if let Some(change) = &change {
            self.untold.entry(Arc::clone(&key)).or_insert_with(|| change.before.clone());
            if let Some(relist) = &mut self.relist {
                relist.written.insert(key);
            }
        }
        change.into_iter().collect()
    }

    pub fn deleted(&mut self, namespace: &str, name: &str, uid: &str) -> Changed<K> {
        self.tombstones.place(uid, self.lists);
        let key: Key = contents::key(namespace, name).into();
        if self.contents.held(&key).is_none_or(|held| held.meta().uid.as_deref() != Some(uid)) {
            return Changed::default();
        }
        let before = self.contents.remove(&key);
        self.untold.entry(key).or_insert_with(|| before.clone());
        Change { before, after: None }.into()
    }

    pub fn clear(&mut self) -> Changed<K> {
        self.relist = None;
        let keys: HashSet<Key> = self.contents.keys().chain(self.untold.keys()).cloned().collect();
        keys.iter().filter_map(|key| self.take_out(key)).collect()
    }

    fn seen(&mut self, object: K) -> Changed<K> {
        let key = contents::key_of(&object);
        if self.tombstones.hold(uid(&object)) || self.holds_newer(&key, &object) {
            return Changed::default();
        }
        self.put_in(key, object).into_iter().collect()
    }

    fn seen_deleted(&mut self, object: &K, now: Instant) -> Changed<K> {
        self.tombstones.confirm(uid(object), self.lists, now);
        let key = contents::key_of(object);
        // What is held may be the successor of the same name, which we created and the watch has yet to show.
        let successor = self
            .contents
            .held(&key)
            .is_some_and(|held| held.meta().uid != object.meta().uid && version::is_older(object, &**held));
        if successor { Changed::default() } else { self.take_out(&key).into_iter().collect() }
    }

    /// Puts a complete list in place of what is held.
    ///
    /// The list was asked for after it had begun to count here, and the API server answers it with the latest state.
    /// So whatever was held before that is as old or older, even if its version says otherwise (the store may have
    /// been restored from a backup); only what we wrote since then can be newer.
    fn listed(&mut self, now: Instant) -> Changed<K> {
        let Some(Relist { listed, written }) = self.relist.take() else { return Changed::default() };
        let lacking: HashSet<Key> = self
            .contents
            .keys()
            .chain(self.untold.keys())
            .filter(|key| !listed.contains_key(*key))
            .cloned()
            .collect();
        let mut changes = Vec::new();
        self.unlisted.clear();
        for key in lacking {
            match self.contents.held(&key) {
                Some(held) if written.contains(&key) => self.unlisted.push(Arc::clone(held)),
                held => {
                    self.tombstones.confirm(held.and_then(|held| uid(&**held)), self.lists, now);
                    changes.extend(self.take_out(&key));
                }
            }
        }
        let uids: HashSet<&str> = listed.values().filter_map(uid).collect();
        self.tombstones.settle(self.lists, &uids, now);
        for (key, object) in listed {
            let deleted_since = self.tombstones.hold_since(uid(&object), self.lists);
            if deleted_since || written.contains(&key) && self.holds_newer(&key, &object) {
                continue;
            }
            changes.extend(self.put_in(key, object));
        }
        changes.into_iter().collect()
    }

    /// Stores what the watch shows. The change that is told begins at the version that was last told of.
    fn put_in(&mut self, key: Key, object: K) -> Option<Change<K>> {
        let untold = self.untold.remove(&key);
        let change = self.contents.put(Arc::clone(&key), object);
        let after = self.contents.held(&key).cloned()?;
        match untold {
            Some(before) if before.as_deref().is_none_or(|before| !version::is_same(before, &*after)) => {
                Some(Change { before, after: Some(after) })
            }
            _ => change,
        }
    }

    /// Removes what the watch shows to be gone.
    fn take_out(&mut self, key: &Key) -> Option<Change<K>> {
        let (untold, removed) = (self.untold.remove(key), self.contents.remove(key));
        let before = untold.flatten().or(removed)?;
        Some(Change { before: Some(before), after: None })
    }

    fn holds_newer(&self, key: &str, object: &K) -> bool {
        self.contents.held(key).is_some_and(|held| version::is_older(object, &**held))
    }
}

fn uid<K: Resource>(object: &K) -> Option<&str> {
    object.meta().uid.as_deref()
}
