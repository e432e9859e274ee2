//! Requests in one line, for the person who prepares or disturbs a test. All of them go through the API and are logged.
//!
//! A name is in the namespace `default` unless it is written `namespace/name`.

use serde_json::{Value, json};

use super::kinds::{Key, Kind};
use super::request::Request;
use super::{Answer, World};

impl World {
    /// Creates an object from its manifest; the namespace is `default` where it names none.
    ///
    /// # Panics
    /// The server refuses.
    pub fn create(&mut self, manifest: Value) -> Value {
        let name = manifest["metadata"]["name"].clone();
        self.try_create(manifest).unwrap_or_else(|failure| panic!("create {name}: {failure:?}"))
    }

    /// Creates an object, or says why not.
    ///
    /// # Errors
    /// The server refuses.
    ///
    /// # Panics
    /// The manifest's `kind` is none of the world's.
    pub fn try_create(&mut self, manifest: Value) -> Answer {
        let kind = Kind::ALL.into_iter().find(|kind| manifest["kind"] == kind.name());
        let kind = kind.unwrap_or_else(|| panic!("unknown kind {}", manifest["kind"]));
        let path =
            self.collection_path(kind, manifest["metadata"]["namespace"].as_str().unwrap_or("default"));
        self.request(Request::post(path, manifest))
    }

    /// Changes an object with a merge patch.
    ///
    /// # Panics
    /// The server refuses.
    pub fn patch(&mut self, kind: Kind, name: &str, patch: Value) -> Value {
        let path = self.path(&Key::new(kind, name));
        let answer = self.request(Request::merge_patch(path, patch));
        answer.unwrap_or_else(|failure| panic!("patch {name}: {failure:?}"))
    }

    /// Changes the status of an object with a merge patch of `status`.
    ///
    /// # Panics
    /// The server refuses.
    pub fn patch_status(&mut self, kind: Kind, name: &str, status: Value) -> Value {
        let path = format!("{}/status", self.path(&Key::new(kind, name)));
        let answer = self.request(Request::merge_patch(path, json!({ "status": status })));
        answer.unwrap_or_else(|failure| panic!("patch status of {name}: {failure:?}"))
    }

    /// Replaces an object by an edited copy.
    ///
    /// # Panics
    /// It is not there, or the server refuses.
    pub fn edit(&mut self, kind: Kind, name: &str, edit: impl FnOnce(&mut Value)) -> Value {
        let mut object = self.get(kind, name).clone();
        edit(&mut object);
        let path = self.path(&Key::new(kind, name));
        let answer = self.request(Request::put(path, object));
        answer.unwrap_or_else(|failure| panic!("edit {name}: {failure:?}"))
    }

    /// Deletes an object.
    ///
    /// # Panics
    /// The server refuses.
    pub fn delete(&mut self, kind: Kind, name: &str) {
        let path = self.path(&Key::new(kind, name));
        let answer = self.request(Request::delete(path, Value::Null));
        if let Err(failure) = answer {
            panic!("delete {name}: {failure:?}");
        }
    }

    /// Deletes an object in spite of its finalizers, as people do.
    ///
    /// # Panics
    /// The server refuses.
    pub fn delete_by_force(&mut self, kind: Kind, name: &str) {
        self.delete(kind, name);
        if self.find(kind, name).is_some() {
            self.patch(kind, name, json!({ "metadata": { "finalizers": null } }));
        }
    }
}
