//! What a watch would tell.

use std::sync::Arc;

use serde_json::Value;

use super::World;
use super::kinds::Kind;
use super::refusal::Refusal;
use super::selector::Filter;
use super::store::Change;

/// What happened to an object, from the view of one watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    Added,
    Modified,
    Deleted,
}

impl EventType {
    /// The word in the stream.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One event of a watch.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchEvent {
    pub event: EventType,
    pub version: u64,
    pub object: Arc<Value>,
}

/// What one watch is about.
#[derive(Clone, Debug)]
pub struct Scope {
    pub kind: Kind,
    /// All namespaces where there is none.
    pub namespace: Option<String>,
    pub filter: Filter,
}

impl Scope {
    pub fn includes(&self, namespace: &str, object: &Value) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| wanted == namespace) && self.filter.matches(object)
    }

    /// An object that begins or ceases to match comes and goes, from the view of the watch.
    fn event(&self, change: &Change) -> Option<WatchEvent> {
        if change.key.kind != self.kind {
            return None;
        }
        let includes = |object: &Value| self.includes(&change.key.namespace, object);
        let was_in = change.before.as_ref().is_some_and(|before| includes(before));
        let is_in = !change.deleted && includes(&change.after);
        let event = match (was_in, is_in) {
            (false, true) => EventType::Added,
            (true, true) => EventType::Modified,
            (true, false) => EventType::Deleted,
            (false, false) => return None,
        };
        Some(WatchEvent { event, version: change.version, object: Arc::clone(&change.after) })
    }
}

impl World {
    /// The version of the last change of anything, as LIST returns it.
    pub fn version(&self) -> u64 {
        self.store.version()
    }

    /// What a watch of one kind, begun at `version`, would have told until now.
    ///
    /// # Errors
    /// 410: the changes since then are forgotten.
    pub fn events_since(&self, version: u64, kind: Kind) -> Result<Vec<WatchEvent>, Refusal> {
        self.events_in(version, &Scope { kind, namespace: None, filter: Filter::default() })
    }

    pub fn events_in(&self, version: u64, scope: &Scope) -> Result<Vec<WatchEvent>, Refusal> {
        let changes =
            self.store.changes_since(version).map_err(|oldest| Refusal::expired(version, oldest))?;
        Ok(changes.iter().filter_map(|change| scope.event(change)).collect())
    }

    /// Forgets all changes so far: a watch from an older version is answered with 410.
    pub fn forget_history(&mut self) {
        self.store.forget_history();
    }
}
