//! What a user writes under `spec`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crd::shapes;
use crate::duration::PauseDuration;
use crate::lenient::Lenient;
use crate::route::RouteKind;
use crate::status::RolloutStatus;
use crate::template::RawTemplate;

/// What is wanted: the pods, how many of them, and how a new template replaces the old one.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, Deserialize, Serialize)]
#[kube(
    group = "serin.dev",
    version = "v1alpha1",
    kind = "Rollout",
    root = "RolloutDefinition",
    namespaced,
    status = "RolloutStatus",
    doc = "A workload that is changed by a canary: stable and canary ReplicaSets, and the weights of a Gateway API route.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.HPAReplicas",
        label_selector_path = ".status.selector"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct RolloutSpec {
    /// How many pods the stable revision has. Defaults to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub replicas: Option<i32>,
    /// Which pods belong to this Rollout. Required; must match the template's labels; cannot be changed.
    #[serde(default)]
    #[schemars(schema_with = "shapes::label_selector")]
    pub selector: LabelSelector,
    /// The pods, as in a Deployment. A change starts a canary.
    #[serde(default)]
    pub template: RawTemplate,
    /// How many seconds a pod must be ready before it counts as available. Defaults to 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub min_ready_seconds: Option<i32>,
    /// How many old ReplicaSets are kept for a later return. Defaults to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub revision_history_limit: Option<i32>,
    /// How many seconds a revision may take without progress before the Rollout is Degraded. Defaults to 600.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub progress_deadline_seconds: Option<i32>,
    /// Holds steps and promotion. An abort, a begun hand-over, scaling and repairs go on. Defaults to false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Pods that were created before this time are replaced, one by one and without steps: each only when one more is
    /// available than is wanted. A time to come is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_at: Option<Time>,
    /// A request to pass a pause. Judged once, then removed by the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
    /// How a new template replaces the old one.
    #[serde(default)]
    pub strategy: Lenient<Strategy>,
}

/// A request to pass the pause at one step.
///
/// With `revision` and `pausedAt` it names one pause for good; without them it means the pause that stands when the
/// operator reads it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resume {
    /// The index of the step that pauses, counted from 0, as in `status.currentStepIndex`.
    #[schemars(range(min = 0))]
    pub step: i32,
    /// The revision that pauses, as in the ReplicaSet's revision annotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub revision: Option<i64>,
    /// When the pause began, as in `status.pauseConditions[].startTime`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Time>,
}

/// How a new template replaces the old one. Exactly one strategy; only canary is served.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    /// Move traffic to the new template step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryStrategy>,
}

/// Move traffic to the new template step by step.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStrategy {
    /// The Service that selects the stable revision. Required.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63), regex(pattern = shapes::DNS_LABEL))]
    pub stable_service: String,
    /// The Service that selects the canary while there is one, else the stable revision. Required.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = 63), regex(pattern = shapes::DNS_LABEL))]
    pub canary_service: String,
    /// Labels and annotations of pods while their revision is stable. Put on live pods, in place, at promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_metadata: Option<RoleMetadata>,
    /// Labels and annotations of pods while their revision is the canary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_metadata: Option<RoleMetadata>,
    /// The same as `activeMetadata`; both at once are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_metadata: Option<RoleMetadata>,
    /// The same as `previewMetadata`; both at once are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary_metadata: Option<RoleMetadata>,
    /// Keep the old revision's pods until the promoted ones have said that they read their new role. Without it nothing
    /// waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_acknowledgement: Option<RoleAcknowledgement>,
    /// Where the weights are written. Required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic_routing: Option<TrafficRouting>,
    /// What happens in which order. Without steps the new template goes straight to promotion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub steps: Option<Vec<CanaryStep>>,
    /// How many seconds the old pods stay after the traffic has left them. Defaults to 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub scale_down_delay_seconds: Option<i32>,
    /// How many seconds an aborted canary's pods stay after the traffic has left them. Defaults to 30; 0 keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub abort_scale_down_delay_seconds: Option<i32>,
}

/// Labels and annotations that pods carry while their revision has one role.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleMetadata {
    /// Labels by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shapes::labels")]
    pub labels: BTreeMap<String, String>,
    /// Annotations by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "shapes::annotations")]
    pub annotations: BTreeMap<String, String>,
}

/// How many promoted pods must say that they have read their new role before the old revision's pods go.
///
/// An application says so by setting the annotation `serin.dev/role-seen: active` on its own pod.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAcknowledgement {
    /// Percent of the stable revision's pods, rounded up. Defaults to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub percent: Option<i32>,
    /// How long at most, from when the traffic had left the old revision: seconds (`60`) or units (`"1m"`). Defaults to
    /// 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<PauseDuration>,
}

/// Where the weights are written: `gatewayAPI`, or `plugins["argoproj-labs/gatewayAPI"]` with the same keys.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrafficRouting {
    /// A Gateway API route of the user's.
    #[serde(default, rename = "gatewayAPI", skip_serializing_if = "Option::is_none")]
    pub gateway_api: Option<GatewayApiRouting>,
    /// The same where Argo Rollouts has it, under the key `argoproj-labs/gatewayAPI`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 16))]
    pub plugins: Option<BTreeMap<String, GatewayApiRouting>>,
    /// How much a ready canary pod may carry, in percent of what a pod carries when all replicas do. A share that asks more
    /// of the pods that are left is lowered at once. Defaults to 150.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100))]
    pub max_pod_load: Option<i32>,
}

/// The routes whose weights are written. No other route is ever touched.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayApiRouting {
    /// The name of one HTTPRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub http_route: Option<String>,
    /// Several HTTPRoutes. Their weights are written as one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub http_routes: Option<Vec<RouteReference>>,
    /// The name of one GRPCRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub grpc_route: Option<String>,
    /// Several GRPCRoutes. Their weights are written as one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub grpc_routes: Option<Vec<RouteReference>>,
    /// The name of one TLSRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub tls_route: Option<String>,
    /// Several TLSRoutes. Their weights are written as one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub tls_routes: Option<Vec<RouteReference>>,
    /// The name of one TCPRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub tcp_route: Option<String>,
    /// Several TCPRoutes. Their weights are written as one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub tcp_routes: Option<Vec<RouteReference>>,
    /// The name of one UDPRoute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub udp_route: Option<String>,
    /// Several UDPRoutes. Their weights are written as one change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub udp_routes: Option<Vec<RouteReference>>,
    /// The namespace of the routes that name none: the Rollout's own, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = shapes::DNS_LABEL))]
    pub namespace: Option<String>,
    /// Which weights the route carries while nothing is rolled out. Defaults to Stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_rest: Option<AtRest>,
    /// When a written weight counts as verified: steps, promotion and drains wait for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
}

/// One of several routes.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteReference {
    /// The name of the route.
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub name: String,
    /// The namespace of the route. Defaults to the `namespace` beside the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = shapes::DNS_LABEL))]
    pub namespace: Option<String>,
    /// The one rule, by its name, whose weights are written. Defaults to every rule that holds both Services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = shapes::DNS_SUBDOMAIN))]
    pub rule: Option<String>,
}

impl GatewayApiRouting {
    /// Every route that is named, with the field that names it below this object, in the order of the kinds.
    pub fn named(&self) -> Vec<(String, RouteKind, RouteReference)> {
        let of_kind = |kind: RouteKind, one: &Option<String>, several: &Option<Vec<RouteReference>>| {
            let one = one.iter().map(move |name| {
                let reference = RouteReference { name: name.clone(), ..RouteReference::default() };
                (kind.field().to_owned(), kind, reference)
            });
            let several = several.iter().flatten().enumerate();
            let several = several.map(move |(index, reference)| {
                (format!("{}s[{index}]", kind.field()), kind, reference.clone())
            });
            one.chain(several).collect::<Vec<_>>()
        };
        [
            of_kind(RouteKind::Http, &self.http_route, &self.http_routes),
            of_kind(RouteKind::Grpc, &self.grpc_route, &self.grpc_routes),
            of_kind(RouteKind::Tls, &self.tls_route, &self.tls_routes),
            of_kind(RouteKind::Tcp, &self.tcp_route, &self.tcp_routes),
            of_kind(RouteKind::Udp, &self.udp_route, &self.udp_routes),
        ]
        .concat()
    }
}

/// Which weights a route carries while both Services have the same pods.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum AtRest {
    /// 100 for the stable Service and 0 for the canary Service.
    #[default]
    Stable,
    /// The user's own, as they were before the first write: then the route equals what is in Git.
    Restore,
}

/// When a written weight counts as verified.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verify {
    /// What counts as evidence. Defaults to Auto.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<VerifyMode>,
    /// How long the gateway's proxies may take to follow what its controller has accepted, in mode Delay what has been
    /// written: seconds (`2`) or units (`"500ms"`). Defaults to what the gateway's controller is known to need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<PauseDuration>,
    /// After how long without verification the Rollout is Degraded. It goes on waiting. Defaults to 60 seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<PauseDuration>,
}

/// What counts as evidence that a weight is in force.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum VerifyMode {
    /// What each gateway reports of the route, and a settle time. A gateway that does not say which generation it
    /// reports on is given a delay instead, and where no gateway reports at all, nothing is waited for.
    #[default]
    Auto,
    /// Only what each gateway reports of the route's generation, and a settle time.
    Status,
    /// The settle time alone, from when the weight was written.
    Delay,
    /// A weight counts as soon as it is written.
    Off,
}

/// One step: exactly one of its fields is set.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStep {
    /// The canary's share of the traffic in percent. Complete when the route carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub set_weight: Option<i32>,
    /// Wait for a time, or for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
}

/// Wait for a time, or without `duration` for a person.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pause {
    /// Seconds (`10`) or units (`"10s"`, `"1h30m"`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<PauseDuration>,
}
