//! POST.

use std::sync::Arc;

use serde_json::{Value, json};

use super::kinds::{Key, Kind};
use super::refusal::Refusal;
use super::request::Call;
use super::{Answer, World, defaults, metadata, validation};

impl World {
    pub(super) fn serve_create(&mut self, call: &Call) -> Answer {
        if !call.body["metadata"]["resourceVersion"].is_null() {
            return Err(Refusal::version_of_new_object().into());
        }
        self.create_from(call, call.body.clone())
    }

    /// Puts an object as another server shows it, with its status, its uid and its times. Only its version is this
    /// world's own. No request: nothing is filled in, judged or logged.
    ///
    /// # Errors
    /// The object is of no kind that the world knows.
    pub fn restore(&mut self, object: Value) -> Result<(), Refusal> {
        let kind = Kind::ALL.into_iter().find(|kind| object["kind"] == kind.name());
        let kind = kind.ok_or_else(Refusal::unknown_path)?;
        let mut key = Key::of(kind, &object);
        if !kind.is_namespaced() {
            key.namespace = Arc::default();
        }
        self.store.put(key, object);
        Ok(())
    }

    /// Puts an object as another server shows it, its version included, so that requests that were made of that server
    /// can be made here. No request: nothing is filled in, judged or logged, and no watch tells of it.
    ///
    /// # Errors
    /// The object is of no kind that the world knows.
    pub fn mirror(&mut self, object: Arc<Value>) -> Result<(), Refusal> {
        let kind = Kind::ALL.into_iter().find(|kind| object["kind"] == kind.name());
        let mut key = Key::of(kind.ok_or_else(Refusal::unknown_path)?, &object);
        if !key.kind.is_namespaced() {
            key.namespace = Arc::default();
        }
        self.store.mirror(key, object);
        Ok(())
    }

    /// Creates what a POST sends, or what a PUT sends for an object that is not there.
    pub(super) fn create_from(&mut self, call: &Call, mut object: Value) -> Answer {
        let kind = call.kind();
        let namespace = call.target.namespace.clone().unwrap_or_default();
        self.check_body(kind, &mut object)?;
        let name = self.name_new(&mut object);
        self.admit(kind, &namespace, &name)?;
        if kind.is_namespaced() {
            match object["metadata"]["namespace"].as_str() {
                Some(other) if other != namespace => {
                    let problem = "the namespace of the provided object does not match the namespace sent on the request";
                    return Err(Refusal::bad_request(problem).into());
                }
                _ => object["metadata"]["namespace"] = json!(namespace),
            }
        }
        metadata::forget(&mut object);
        metadata::normalise(kind, &mut object);
        defaults::begin(kind, &mut object);
        defaults::fill(kind, &mut object);
        defaults::fill_template_time(kind, None, &mut object);
        validation::judge(kind, None, &object)?;
        let key = Key { kind, namespace: namespace.into(), name: name.into() };
        if self.store.get(&key).is_some() {
            return Err(Refusal::already_exists(kind, &key.name).into());
        }
        object["metadata"]["uid"] = json!(self.names.uid());
        object["metadata"]["creationTimestamp"] = metadata::time(self.now());
        metadata::note_writer(&mut object, call.manager(), None, self.now());
        if call.is_dry_run() {
            return Ok(object);
        }
        Ok(Value::clone(&self.store.put(key, object)))
    }

    /// A built-in kind may be left out, because the path says it too.
    fn check_body(&self, kind: Kind, object: &mut Value) -> Result<(), Refusal> {
        if !object["metadata"].is_object() {
            return Err(Refusal::bad_request("the body is not an object with metadata"));
        }
        for (field, expected) in [("apiVersion", self.api_version(kind)), ("kind", kind.name().to_owned())] {
            if object[field].is_null() && !kind.facts().is_custom {
                object[field] = json!(expected);
            }
            if object[field].as_str() != Some(&expected) {
                let found = &object[field];
                return Err(Refusal::bad_request(&format!("{field} must be {expected:?}, not {found}")));
            }
        }
        Ok(())
    }

    /// The name of a new object, given by the server where the client asked for that. Empty if there is none.
    fn name_new(&mut self, object: &mut Value) -> String {
        let metadata = &mut object["metadata"];
        if let (None | Some(""), Some(prefix)) =
            (metadata["name"].as_str(), metadata["generateName"].as_str())
        {
            // The longest prefix for which the name is still a label.
            let prefix: String = prefix.chars().take(58).collect();
            metadata["name"] = json!(format!("{prefix}{}", self.names.suffix()));
        }
        metadata["name"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether the namespace takes another object of the kind.
    fn admit(&self, kind: Kind, namespace: &str, name: &str) -> Result<(), Refusal> {
        if !kind.is_namespaced() {
            return Ok(());
        }
        let found = self.store.get(&Key::new(Kind::Namespace, namespace));
        let found = found.ok_or_else(|| Refusal::not_found(Kind::Namespace, namespace))?;
        if !found["metadata"]["deletionTimestamp"].is_null() {
            return Err(Refusal::namespace_terminating(kind, name, namespace));
        }
        match self.pod_quotas.get(namespace) {
            Some(limit) if kind == Kind::Pod => {
                let used = self.store.of_kind(kind).filter(|(key, _)| &*key.namespace == namespace).count();
                if used < *limit {
                    return Ok(());
                }
                let why = format!(
                    "exceeded quota: pods, requested: pods=1, used: pods={used}, limited: pods={limit}"
                );
                Err(Refusal::forbidden(kind, name, &why))
            }
            _ => Ok(()),
        }
    }
}
