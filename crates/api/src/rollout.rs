//! The Rollout object, whose API group is a run-time value.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::DynamicResourceScope;
use serde::{Deserialize, Serialize};

use crate::lenient::Lenient;
use crate::metadata;
use crate::names::DEFAULT_GROUP;
use crate::spec::RolloutSpec;
use crate::status::RolloutStatus;

/// The API version that is served.
pub const VERSION: &str = "v1alpha1";
/// The kind.
pub const KIND: &str = "Rollout";
/// The plural resource name.
pub const PLURAL: &str = "rollouts";

/// Which API group a [`Rollout`] belongs to: chosen at start-up, the same for the life of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RolloutApi {
    /// The API group.
    pub group: &'static str,
}

impl RolloutApi {
    /// Serves `group`. The text is leaked once so that keys stay small and copyable.
    pub fn new(group: &str) -> Self {
        if group == DEFAULT_GROUP { Self::default() } else { Self { group: group.to_owned().leak() } }
    }
}

impl Default for RolloutApi {
    fn default() -> Self {
        Self { group: DEFAULT_GROUP }
    }
}

/// A workload that is changed by a canary: stable and canary ReplicaSets, and the weights of a Gateway API route.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Rollout {
    /// Object metadata, without `managedFields`.
    #[serde(deserialize_with = "metadata::kept")]
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: RolloutSpec,
    /// What is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Lenient<RolloutStatus>>,
}

impl Rollout {
    /// The recorded status, or an empty one where none was recorded or it cannot be read.
    pub fn recorded_status(&self) -> RolloutStatus {
        self.status.as_ref().and_then(Lenient::valid).cloned().unwrap_or_default()
    }
}

impl Resource for Rollout {
    type DynamicType = RolloutApi;
    type Scope = DynamicResourceScope;

    fn kind(_: &RolloutApi) -> Cow<'_, str> {
        KIND.into()
    }

    fn group(api: &RolloutApi) -> Cow<'_, str> {
        api.group.into()
    }

    fn version(_: &RolloutApi) -> Cow<'_, str> {
        VERSION.into()
    }

    fn plural(_: &RolloutApi) -> Cow<'_, str> {
        PLURAL.into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
