//! How the answer to a call is taken into the caches.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_api::Rollout;
use serin_engine::ApiCall;
use serin_engine::api_call::{Target, Verb};
use serin_engine::objects::{ReplicaSet, TemplateProjection};

use crate::caches::Caches;

/// What a call brought to light beyond the caches.
#[derive(Debug, Default)]
pub struct Answer {
    /// The template as the server defaults it, for a dry run.
    pub defaulted: Option<TemplateProjection>,
}

/// The body of an answer that is still to be read as one type or another.
pub trait Body {
    /// Reads it.
    ///
    /// # Errors
    /// It is not of that type.
    fn read<T: DeserializeOwned>(self) -> serde_json::Result<T>;
}

impl Body for &str {
    fn read<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_str(self)
    }
}

impl Body for Value {
    fn read<T: DeserializeOwned>(self) -> serde_json::Result<T> {
        serde_json::from_value(self)
    }
}

/// Takes in the object that a successful call was answered with.
///
/// # Errors
/// The body is not what such a call is answered with.
pub fn take_in(caches: &Caches, call: &ApiCall, body: impl Body) -> serde_json::Result<Answer> {
    if call.verb == Verb::Delete {
        forget(caches, call);
        return Ok(Answer::default());
    }
    // It says that the pod is about to end, and not how that looks.
    if call.target == Target::Eviction {
        return Ok(Answer::default());
    }
    if call.target == Target::ReplicaSet && call.dry_run {
        let defaulted = body.read::<ReplicaSet>()?.template;
        return Ok(Answer { defaulted: Some(defaulted) });
    }
    take_in_object(caches, call.target, body)?;
    Ok(Answer::default())
}

/// Takes in an object of the kind that calls of this target are about, as a read or a write was answered with.
///
/// # Errors
/// The body is not such an object.
pub fn take_in_object(caches: &Caches, target: Target, body: impl Body) -> serde_json::Result<()> {
    match target {
        Target::Rollout | Target::RolloutStatus => take_in_rollout(caches, body.read()?),
        Target::ReplicaSet => drop(caches.replica_sets.written(body.read()?)),
        Target::Service => drop(caches.services.written(body.read()?)),
        Target::Route(kind) => drop(caches.routes.of(kind).cache.written(body.read()?)),
        Target::Pod | Target::Eviction => drop(caches.pods.written(body.read()?)),
    }
    Ok(())
}

fn take_in_rollout(caches: &Caches, rollout: Rollout) {
    let metadata = &rollout.metadata;
    // The last finalizer is gone: the server has deleted the object with this very call.
    let gone =
        metadata.deletion_timestamp.is_some() && metadata.finalizers.as_ref().is_none_or(Vec::is_empty);
    if gone {
        let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
        let uid = metadata.uid.as_deref().unwrap_or_default();
        caches.rollouts.deleted(namespace.unwrap_or_default(), name.unwrap_or_default(), uid);
    } else {
        caches.rollouts.written(rollout);
    }
}

/// Takes out of the caches what the server says does not exist.
pub fn forget(caches: &Caches, call: &ApiCall) {
    let (path, name) = (object_path(call), object_name(call));
    let namespace =
        path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    macro_rules! forget_in {
        ($cache:expr) => {
            if let Some(object) = $cache.get(namespace, &name) {
                $cache.deleted(namespace, &name, object.metadata.uid.as_deref().unwrap_or_default());
            }
        };
    }
    match call.target {
        Target::Rollout | Target::RolloutStatus => forget_in!(caches.rollouts),
        Target::ReplicaSet => forget_in!(caches.replica_sets),
        Target::Service => forget_in!(caches.services),
        Target::Route(kind) => forget_in!(caches.routes.of(kind).cache),
        Target::Pod | Target::Eviction => forget_in!(caches.pods),
    }
}

/// The path of the object that a call is about; for a create, of the one that it would have created.
pub fn object_path(call: &ApiCall) -> String {
    match call.verb {
        _ if call.target == Target::Eviction => call.path.trim_end_matches("/eviction").to_owned(),
        Verb::Create => {
            let body = call.body.json();
            format!("{}/{}", call.path, body["metadata"]["name"].as_str().unwrap_or_default())
        }
        _ => call.path.trim_end_matches("/status").to_owned(),
    }
}

/// The name of the object that a call is about.
pub fn object_name(call: &ApiCall) -> String {
    let path = object_path(call);
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
