//! Projections of the objects that a plan is made from: what is kept of each, and nothing else.
//!
//! A cache of whole objects costs ten times the memory and invites whole-object writes. Each type here reads the
//! server's JSON, keeps what the engine asks about, and cannot be written back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{DynamicResourceScope, NamespaceResourceScope};
use serde::{Deserialize, Serialize};

use serin_api::route::{ROUTE_GROUP, RouteKind};

use crate::preflight::objects::{RouteShape, ServiceShape};

mod read;
mod routes;

/// Names and values.
pub type Map = BTreeMap<String, String>;

/// A ReplicaSet: metadata, counts, and digests of its template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaSet {
    pub metadata: ObjectMeta,
    /// `spec.replicas`.
    pub replicas: i32,
    /// `spec.minReadySeconds`.
    pub min_ready_seconds: i32,
    pub status: ReplicaSetStatus,
    pub template: TemplateProjection,
}

/// What the ReplicaSet controller reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaSetStatus {
    pub replicas: i32,
    pub ready: i32,
    pub available: i32,
    pub observed_generation: i64,
    /// Why pods cannot be created or deleted, if they cannot.
    pub failure: Option<String>,
}

/// A pod template, with the part that roles change kept apart from the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateProjection {
    pub labels: Map,
    pub annotations: Map,
    /// Digest of everything but labels and annotations.
    pub rest: u64,
    /// Digest of container names and images alone. No server default changes these.
    pub images: u64,
}

/// A Service: metadata and selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub metadata: ObjectMeta,
    pub selector: Map,
    /// The field manager other than Serin that wrote it last.
    pub writer: Option<String>,
    /// Asked about by preflight alone.
    pub shape: ServiceShape,
}

/// An EndpointSlice: which pods it lists, and which of them are ready.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointSlice {
    pub metadata: ObjectMeta,
    pub endpoints: Vec<SliceEndpoint>,
}

/// One pod in an EndpointSlice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SliceEndpoint {
    pub pod_uid: String,
    pub ready: bool,
}

/// A route of any kind: metadata, the backends of its rules, and what gateways report of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Route {
    pub metadata: ObjectMeta,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
    /// What it asks to be attached to.
    pub parents: Vec<Parent>,
    /// What controllers report for its parents.
    pub reports: Vec<Report>,
    /// The field manager other than Serin that wrote it last.
    pub writer: Option<String>,
    /// When Serin wrote it last.
    pub written_at: Option<Timestamp>,
    /// Asked about by preflight alone.
    pub shape: Arc<RouteShape>,
}

/// A kind of route at the version that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteApi {
    pub kind: RouteKind,
    pub version: String,
}

/// One rule of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    pub name: Option<String>,
    pub backends: Vec<Backend>,
}

/// What a route is attached to: a Gateway, or in a mesh a Service. What the API would fill in is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parent {
    pub group: String,
    pub kind: String,
    /// Nothing where it is the route's own.
    pub namespace: Option<String>,
    pub name: String,
    pub section: Option<String>,
    pub port: Option<i64>,
}

/// What one controller reports for one parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub parent: Parent,
    /// The controller's name.
    pub controller: String,
    pub accepted: Option<Reported>,
    pub resolved_refs: Option<Reported>,
    pub partially_invalid: Option<Reported>,
}

/// A condition in a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The generation of the route that it speaks of, where it says so.
    pub generation: Option<i64>,
    pub reason: String,
    pub message: String,
}

/// One backend of a rule, with the API's defaults left out as the user left them out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backend {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i32>,
}

/// A pod's metadata, and since when it is ready. What Services and ReplicaSets know of readiness comes from them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    pub metadata: ObjectMeta,
    /// Nothing while it is not ready.
    pub ready_since: Option<Timestamp>,
}

macro_rules! resource {
    ($type:ty, $kind:literal, $group:literal, $version:literal, $plural:literal) => {
        impl kube::Resource for $type {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;
            fn kind(_: &()) -> Cow<'_, str> {
                $kind.into()
            }
            fn group(_: &()) -> Cow<'_, str> {
                $group.into()
            }
            fn version(_: &()) -> Cow<'_, str> {
                $version.into()
            }
            fn plural(_: &()) -> Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(ReplicaSet, "ReplicaSet", "apps", "v1", "replicasets");
resource!(Service, "Service", "", "v1", "services");
resource!(EndpointSlice, "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices");
resource!(Pod, "Pod", "", "v1", "pods");

impl kube::Resource for Route {
    type DynamicType = RouteApi;
    // A kind that is known by its API only is looked up like that.
    type Scope = DynamicResourceScope;
    fn kind(api: &RouteApi) -> Cow<'_, str> {
        api.kind.kind().into()
    }
    fn group(_: &RouteApi) -> Cow<'_, str> {
        ROUTE_GROUP.into()
    }
    fn version(api: &RouteApi) -> Cow<'_, str> {
        (&*api.version).into()
    }
    fn plural(api: &RouteApi) -> Cow<'_, str> {
        api.kind.plural().into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
