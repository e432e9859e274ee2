//! GET and LIST.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{Key, Kind};
use super::refusal::Refusal;
use super::request::Call;
use super::selector::Filter;
use super::watch::Scope;
use super::{Answer, World};

impl World {
    pub(super) fn serve_get(&self, call: &Call) -> Answer {
        let key = call.key();
        let found = self.store.get(&key).ok_or_else(|| Refusal::not_found(key.kind, &key.name))?;
        Ok(Value::clone(found))
    }

    /// A list of everything at once: continuation is not served, and a client must not need it.
    pub(super) fn serve_list(&self, call: &Call) -> Answer {
        let kind = call.kind();
        let scope = self.scope(call);
        let listed = self.store.of_kind(kind).filter(|(key, object)| scope.includes(&key.namespace, object));
        let items: Vec<Value> = listed.map(|(_, object)| list_item(kind, object)).collect();
        Ok(json!({
            "apiVersion": self.api_version(kind),
            "kind": format!("{}List", kind.name()),
            "metadata": { "resourceVersion": self.version().to_string() },
            "items": items,
        }))
    }

    pub fn scope(&self, call: &Call) -> Scope {
        let filter = Filter::parse(call.query.get("labelSelector"), call.query.get("fieldSelector"));
        Scope { kind: call.kind(), namespace: call.target.namespace.clone(), filter }
    }

    /// An object, as it is stored. `name` is in the namespace `default` unless it is `namespace/name`.
    ///
    /// Reading the world this way is no request: it is not logged and never fails.
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Value> {
        self.store.get(&Key::new(kind, name)).map(|object| &**object)
    }

    /// An object, shared with the world.
    pub fn find_shared(&self, kind: Kind, name: &str) -> Option<Arc<Value>> {
        self.store.get(&Key::new(kind, name)).map(Arc::clone)
    }

    /// An object that must be there.
    ///
    /// # Panics
    /// It is not there.
    pub fn get(&self, kind: Kind, name: &str) -> &Value {
        self.find(kind, name).unwrap_or_else(|| panic!("there is no {} {name:?}", kind.name()))
    }

    /// All objects of one kind in all namespaces, by namespace and name.
    pub fn all(&self, kind: Kind) -> Vec<Arc<Value>> {
        self.of_kind(kind).map(|(_, object)| Arc::clone(object)).collect()
    }

    /// The same with where each is.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.store.of_kind(kind)
    }
}

/// Lists of built-in kinds do not repeat the kind in each item.
fn list_item(kind: Kind, object: &Value) -> Value {
    let mut item = object.clone();
    if !kind.facts().is_custom
        && let Some(fields) = item.as_object_mut()
    {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    item
}
