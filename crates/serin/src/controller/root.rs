//! What kube-runtime's controller knows of a Rollout: that it exists. The object itself is in our own cache, which
//! unlike the controller's also holds the answers to our own writes.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DynamicResourceScope;
use kube::runtime::watcher::Event;
use serde::Deserialize;
use serin_api::{Rollout, RolloutApi};

use crate::triggers::Key;

/// The existence of a Rollout.
#[derive(Clone, Debug, Deserialize)]
pub struct Root {
    metadata: ObjectMeta,
}

/// Which Rollouts exist.
pub type RootEvent = Event<Root>;

impl From<Key> for Root {
    fn from(key: Key) -> Self {
        Self {
            metadata: ObjectMeta {
                name: Some(key.name),
                namespace: Some(key.namespace),
                ..ObjectMeta::default()
            },
        }
    }
}

impl Resource for Root {
    type DynamicType = RolloutApi;
    type Scope = DynamicResourceScope;

    fn kind(api: &RolloutApi) -> Cow<'_, str> {
        Rollout::kind(api)
    }

    fn group(api: &RolloutApi) -> Cow<'_, str> {
        Rollout::group(api)
    }

    fn version(api: &RolloutApi) -> Cow<'_, str> {
        Rollout::version(api)
    }

    fn plural(api: &RolloutApi) -> Cow<'_, str> {
        Rollout::plural(api)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
