//! Conditions of a Rollout: types and reasons with the peer's names where they mean the same.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One part of the verdict.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition speaks of.
    #[serde(rename = "type")]
    pub kind: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why, in CamelCase.
    pub reason: String,
    /// Why, in one sentence.
    pub message: String,
    /// When something about it last changed; for Progressing, when progress was last made.
    pub last_update_time: Time,
    /// When `status` last changed.
    pub last_transition_time: Time,
}

/// What a condition speaks of.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum ConditionType {
    /// The spec, or an object that it names, cannot be used.
    InvalidSpec,
    /// Enough pods are available.
    Available,
    /// The wanted revision comes nearer.
    Progressing,
    /// A pause stands.
    Paused,
    /// The wanted revision is the stable one.
    Completed,
    /// The wanted revision is stable and has all pods and traffic.
    Healthy,
    /// A ReplicaSet cannot create or delete pods.
    ReplicaFailure,
    /// Every live pod carries the metadata of its role.
    RolesConverged,
    /// The pod template reads role metadata where it never sees it change.
    RoleMetadataFrozen,
    /// Another writer keeps changing the managed route or Services.
    RouteContested,
    /// Nothing around the Rollout was found that will not work.
    Preflight,
}

/// Whether a condition holds.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be said now.
    Unknown,
}

impl From<bool> for ConditionStatus {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// Reasons of conditions.
pub mod reason {
    pub const INVALID_SPEC: &str = "InvalidSpec";
    pub const AVAILABLE: &str = "AvailableReason";
    pub const NEW_REPLICA_SET: &str = "NewReplicaSetCreated";
    pub const REPLICA_SET_UPDATED: &str = "ReplicaSetUpdated";
    pub const REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
    pub const REPLICA_SET_CREATE_ERROR: &str = "ReplicaSetCreateError";
    pub const ROLLOUT_PAUSED: &str = "RolloutPaused";
    pub const ROLLOUT_ABORTED: &str = "RolloutAborted";
    pub const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";
    pub const ROLLOUT_COMPLETED: &str = "RolloutCompleted";
    pub const ROLLOUT_HEALTHY: &str = "RolloutHealthy";
    pub const ROLES_CONVERGED: &str = "RolesConverged";
    pub const ROLE_METADATA_FROZEN: &str = "RoleMetadataFrozen";
    pub const ROUTE_CONTESTED: &str = "RouteContested";
    pub const WEIGHTS_UNVERIFIED: &str = "WeightsUnverified";
    pub const PREFLIGHT_PASSED: &str = "PreflightPassed";
    pub const PREFLIGHT_WARNINGS: &str = "PreflightWarnings";
    pub const PREFLIGHT_FAILED: &str = "PreflightFailed";
    /// The reason of the pause that a `pause` step begins.
    pub const CANARY_PAUSE_STEP: &str = "CanaryPauseStep";
}
