//! What Serin reports under `status`, and the part of it that it remembers.
//!
//! Fields that have an equal in Argo Rollouts carry its name and meaning. `docs/design/state.md` says which fields are
//! memory (they cannot be derived from other objects) and which are only a report.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::conditions::Condition;
use crate::route::{RouteId, RouteKind};

/// What is.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// The `metadata.generation` that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The verdict in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The verdict in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The verdict in parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// What the Rollout waits for, since when, and what would let it go on. Empty when it waits for nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_for: Vec<WaitingFor>,

    /// The pod template hash of the revision that `spec.template` describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_pod_hash: Option<String>,
    /// The pod template hash of the stable revision. Empty until the first one was available.
    #[serde(default, rename = "stableRS", skip_serializing_if = "Option::is_none")]
    pub stable_rs: Option<String>,
    /// A hash of `spec.strategy.canary.steps`: a change restarts the steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step_hash: Option<String>,
    /// The step that is being carried out, counted from 0; the number of steps when all are done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_step_index: Option<i32>,
    /// Raised when two different templates would have had the same hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collision_count: Option<i32>,

    /// The pauses that stand. Setting this to null resumes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pause_conditions: Vec<PauseCondition>,
    /// True while a pause that the operator began stands, or a person has just cleared it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub controller_pause: bool,
    /// The last request to resume that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_resume: Option<JudgedResume>,

    /// Set by a person: walk all remaining weights to promotion and stop at no pause. Cleared when that is done, and by an
    /// abort, another template or other steps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub promote_full: bool,
    /// Set by a person, or from the abort annotation: return all traffic to the stable revision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort: bool,
    /// When the abort was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted_at: Option<Time>,
    /// The pod template hash of the revision that was aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aborted_pod_hash: Option<String>,

    /// The `spec.restartAt` before which no pod of the stable revision and the canary was created any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<Time>,
    /// Pods of all revisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,
    /// Pods of the revision that `spec.template` describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_replicas: Option<i32>,
    /// Ready pods of all revisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,
    /// Pods of all revisions that have been ready for `minReadySeconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_replicas: Option<i32>,
    /// Pods that an autoscaler sees through the scale subresource.
    #[serde(default, rename = "HPAReplicas", skip_serializing_if = "Option::is_none")]
    pub hpa_replicas: Option<i32>,
    /// The pod selector as text, for the scale subresource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,

    /// Traffic and drains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStatus>,
    /// How far the role metadata has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<RolesStatus>,
}

/// The verdict in one word.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Phase {
    /// The stable revision is the wanted one and has all its pods and traffic.
    Healthy,
    /// Something is under way.
    Progressing,
    /// Held until a time or a person lets it go on.
    Paused,
    /// It will not go on by itself: aborted, out of time, or invalid.
    Degraded,
}

/// A pause that stands.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseCondition {
    /// Why: `CanaryPauseStep`.
    pub reason: String,
    /// When it began.
    pub start_time: Time,
}

/// A request to resume that was judged, so that it is judged only once.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JudgedResume {
    /// The request, in canonical text.
    pub request: String,
    /// The `metadata.generation` (spec) or text (annotation) at which it was read.
    pub generation: i64,
}

/// Something the Rollout waits for.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingFor {
    /// What: a short reason in CamelCase.
    pub what: String,
    /// The details in one sentence.
    pub message: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// What would let it go on: a command, or an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unblock: Option<String>,
}

/// Traffic and drains.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// The ordinal of the promotion that has made `stableRS` stable, as its ReplicaSet records it. One that records a
    /// higher one was promoted after this status was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_ordinal: Option<i64>,
    /// The weights that are wanted and that the route carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// The route and Services that are managed: what must be made safe when the spec stops naming them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedTraffic>,
    /// The step whose pause stands, or was cleared by a person a moment ago. It tells that pause from one at a step that
    /// somebody has named in `currentStepIndex` since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_step_index: Option<i32>,
    /// Revisions that traffic has left, and when it had left them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drains: Vec<Drain>,
}

/// The weights that are wanted and that the route carries, in percent of the pair.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Weights {
    /// The canary Service's side, as the route carries it.
    pub canary: WeightDestination,
    /// The stable Service's side, as the route carries it.
    pub stable: WeightDestination,
    /// The canary's share that the step asks for. Written only when pods and endpoints can carry it.
    pub desired: i32,
    /// When the route was last seen to change to these weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// Whether every route is known to carry these weights: accepted by each gateway, and settled. Absent where a gateway
    /// does not let anybody know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// What each route carries, and how far its gateways have come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<RouteWeights>,
}

/// What one route carries, and how far its gateways have come with it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteWeights {
    /// The kind of the route.
    pub kind: String,
    /// The namespace of the route.
    pub namespace: String,
    /// The name of the route.
    pub name: String,
    /// The route's uid: another route of the same name has proved nothing.
    pub uid: String,
    /// The canary's share that the route carries, in percent of the pair.
    pub weight: i32,
    /// The route's generation when it was first seen to carry this share.
    pub generation: i64,
    /// When Serin last wrote the route, by the API server's clock; nothing where it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Time>,
    /// When it was first seen to carry this share.
    pub seen_at: MicroTime,
    /// When every gateway was first seen to have accepted it. The settle time counts from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<MicroTime>,
    /// Accepted and settled; absent where a gateway does not let anybody know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// What each parent of the route says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<RouteParent>,
}

/// What a parent of a route says of it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteParent {
    /// The parent, as in `Gateway infra/public`.
    pub name: String,
    /// The controller that reports for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// How far it has come.
    pub state: ParentState,
    /// Why, as the gateway has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The gateway's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// How far a gateway has come with what a route says.
#[derive(JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub enum ParentState {
    /// It has accepted it, with all backends.
    Accepted,
    /// It has not reported on it yet.
    Pending,
    /// It reports, but not on which generation: only a delay can be waited for.
    Unverifiable,
    /// It does not report on the route.
    Silent,
    /// It refuses it, or a part of it.
    Refused,
}

/// One side of the weights.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightDestination {
    /// Percent of the pair.
    pub weight: i32,
    /// The Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// The revision that the Service selects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template_hash: Option<String>,
}

/// The routes and Services that are managed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedTraffic {
    /// The routes.
    #[serde(default)]
    pub routes: Vec<ManagedRoute>,
    /// The stable Service and the revision that it was last made to select.
    pub stable_service: ManagedService,
    /// The canary Service and the revision that it was last made to select.
    pub canary_service: ManagedService,
}

/// A route whose weights are written.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRoute {
    /// The kind, as in `HTTPRoute`.
    pub kind: String,
    /// The namespace of the route.
    pub namespace: String,
    /// The name of the route.
    pub name: String,
    /// The names of the rules, where only these are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// The user's own weights before the first write, one entry for each rule that holds both Services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub original_weights: Vec<OriginalWeights>,
}

impl ManagedRoute {
    /// Which route it is; nothing where its kind is none that is served.
    pub fn id(&self) -> Option<RouteId> {
        let kind = RouteKind::of(&self.kind)?;
        Some(RouteId { kind, namespace: self.namespace.clone(), name: self.name.clone() })
    }
}

/// A Service and the revision that it was last made to select.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedService {
    /// The Service.
    pub name: String,
    /// The revision's pod template hash; absent while the selector is the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_template_hash: Option<String>,
}

/// The user's own weights in one rule; the API's default is 1.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OriginalWeights {
    /// The rule, counted from 0.
    pub rule: i32,
    /// Of the stable Service.
    pub stable: i32,
    /// Of the canary Service.
    pub canary: i32,
}

/// A revision that traffic has left.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drain {
    /// The revision.
    pub pod_template_hash: String,
    /// When no Service selected it, no weight reached it and no EndpointSlice listed it any more.
    pub since: Time,
}

/// How far the role metadata has come.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RolesStatus {
    /// Pods of the stable revision.
    pub active: RoleCount,
    /// Pods of the canary.
    pub preview: RoleCount,
}

/// Pods that should carry a role's metadata, and those that do.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleCount {
    /// Live pods of the revision.
    pub wanted: i32,
    /// Those of them that carry exactly the role's metadata.
    pub labelled: i32,
}
