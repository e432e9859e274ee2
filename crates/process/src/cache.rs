//! What is known of one watched kind: the watch's view, overlaid by the answers to our own writes.
//!
//! A watch lags behind the writes of its own process. A plan made from a lagging view would repeat the last write, so
//! the answer to a write goes into the cache at once ([`Cache::written`], [`Cache::deleted`]) and stands until the
//! watch shows the same version or a newer one. Versions are compared as numbers, which the API guarantees for
//! objects of one kind.

mod contents;
mod state;
mod tombstones;
mod version;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kube::Resource;
use kube::runtime::watcher::Event;
use tokio::sync::watch;
use tokio::time::Instant;

use self::state::State;

/// A value that objects can be looked up by besides their name, such as the uid of their owner.
///
/// Where one cache is looked up in several ways, a prefix keeps the values apart.
pub type IndexKey = Box<str>;

/// One object before and after a change.
#[derive(Debug)]
pub struct Change<K> {
    /// The object as it was; `None` for one that is new.
    pub before: Option<Arc<K>>,
    /// The object as it is; `None` for one that is gone.
    pub after: Option<Arc<K>>,
}

/// What one event or write changed. Empty when it brought nothing new.
#[derive(Debug)]
pub struct Changed<K>(Vec<Change<K>>);

impl<K> Changed<K> {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes, one for each object.
    pub fn iter(&self) -> impl Iterator<Item = &Change<K>> {
        self.0.iter()
    }

    /// Every version that takes part, old ones and gone ones included.
    ///
    /// Whoever wakes Rollouts maps each of these, because an object may have belonged to another Rollout before.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<K>> {
        self.0.iter().flat_map(|change| change.before.iter().chain(&change.after))
    }
}

impl<K> From<Change<K>> for Changed<K> {
    fn from(change: Change<K>) -> Self {
        Self(vec![change])
    }
}

impl<K> Default for Changed<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K> FromIterator<Change<K>> for Changed<K> {
    fn from_iter<I: IntoIterator<Item = Change<K>>>(changes: I) -> Self {
        Self(changes.into_iter().collect())
    }
}

/// How far the watch behind a cache has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    /// No complete list yet.
    Waiting,
    /// At least one complete list was received.
    Served,
    /// The API server does not know the kind.
    NotServed,
}

/// The objects of one watched kind, by namespace and name and by one secondary index.
///
/// Shared between one watch, which feeds it, and any number of readers and writers. No method waits for anything but
/// a short lock, except [`Cache::wait_synced`].
pub struct Cache<K> {
    state: RwLock<State<K>>,
    trim: fn(&mut K),
    sync: watch::Sender<Sync>,
}

impl<K> Cache<K>
where
    K: Resource + Clone + Send + std::marker::Sync + 'static,
{
    /// An empty cache.
    ///
    /// `index` names the values under which [`Cache::by_index`] finds an object; it must give the same answer for the
    /// same object each time. `trim` removes what nobody reads before an object is stored.
    pub fn new(index: fn(&K) -> Vec<IndexKey>, trim: fn(&mut K)) -> Self {
        Self { state: RwLock::new(State::new(index)), trim, sync: watch::Sender::new(Sync::Waiting) }
    }

    /// A cache of its own that holds what this one holds. The objects themselves are shared.
    #[must_use]
    pub fn fork(&self) -> Self {
        let state = self.read().clone();
        Self { state: RwLock::new(state), trim: self.trim, sync: watch::Sender::new(*self.sync.borrow()) }
    }

    /// The object of that name, or `None`. Objects that are not namespaced have the namespace "".
    pub fn get(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.read().contents.get(namespace, name)
    }

    /// The objects that the index function put under `key`, ordered by namespace and name.
    pub fn by_index(&self, key: &str) -> Vec<Arc<K>> {
        self.read().contents.by_index(key)
    }

    /// All objects, ordered by namespace and name.
    pub fn all(&self) -> Vec<Arc<K>> {
        self.read().contents.all()
    }

    /// Takes in one event of the watch, and returns what was not returned before from here.
    ///
    /// So the change that a write of ours made is returned once more when the watch shows it: somebody else than the
    /// writer may be concerned by it, too.
    ///
    /// A list takes effect when it is complete, all at once: objects that it lacks are gone, unless the answer to a
    /// write of ours came in while the list was made (see [`Cache::take_unlisted`]).
    pub fn apply_event(&self, event: Event<K>) -> Changed<K> {
        let event = event.modify(self.trim);
        let listed = matches!(event, Event::InitDone);
        let changed = self.write().apply_event(event, Instant::now());
        if listed {
            self.set_sync(Sync::Served);
        }
        changed
    }

    /// Takes in the answer to a write or a read of ours, and returns what it changed. Ignored when something as new is held already, or when the object has
    /// been deleted since.
    pub fn written(&self, mut object: K) -> Changed<K> {
        (self.trim)(&mut object);
        self.write().written(object)
    }

    /// Takes in that an object is gone: the API server answered a delete with success, or any call with "not found".
    ///
    /// Not to be used where the delete was answered with the object itself, which then still waits for its
    /// finalizers or its grace period. Older events of the same uid will not bring the object back.
    pub fn deleted(&self, namespace: &str, name: &str, uid: &str) -> Changed<K> {
        self.write().deleted(namespace, name, uid)
    }

    /// The objects that the last list lacked and that are held all the same, because they were written while the list
    /// was made. Each is returned once.
    ///
    /// Nearly always the list was simply the older of the two. But somebody may have deleted the object before the
    /// list was taken, and then no event will ever tell: so the caller has to look each of them up.
    pub fn take_unlisted(&self) -> Vec<Arc<K>> {
        std::mem::take(&mut self.write().unlisted)
    }

    /// Takes in that the API server does not know the kind: the cache is complete, and empty.
    pub fn not_served(&self) -> Changed<K> {
        let changed = self.write().clear();
        self.set_sync(Sync::NotServed);
        changed
    }

    /// Whether the API server knows the kind, as far as it was heard; true before anything was heard.
    pub fn is_served(&self) -> bool {
        *self.sync.borrow() != Sync::NotServed
    }

    /// Whether the cache has been complete at least once.
    pub fn is_synced(&self) -> bool {
        *self.sync.borrow() != Sync::Waiting
    }

    /// Returns when the cache has been complete at least once.
    pub async fn wait_synced(&self) {
        // The sender lives in `self`, so the channel cannot close while this waits.
        let _ = self.sync.subscribe().wait_for(|sync| *sync != Sync::Waiting).await;
    }

    fn set_sync(&self, sync: Sync) {
        self.sync.send_if_modified(|current| std::mem::replace(current, sync) != sync);
    }

    // The only foreign code under the lock is the index function, and it runs before anything is changed: so even
    // behind a poisoned lock the state is sound.
    fn read(&self) -> RwLockReadGuard<'_, State<K>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<K>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
