//! Projections of the objects that a plan is made from: what is kept of each, and nothing else.
//!
//! A cache of whole objects costs ten times the memory and invites whole-object writes. Each type here reads the
//! server's JSON, keeps what the engine asks about, and cannot be written back.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::core::NamespaceResourceScope;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_api::names::FIELD_MANAGER;

use crate::hash;

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

impl TemplateProjection {
    /// Projects a template.
    pub fn of(template: &Value) -> Self {
        let mut rest = template.clone();
        if let Some(metadata) = rest.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("labels");
            metadata.remove("annotations");
            metadata.remove("creationTimestamp");
        }
        Self {
            labels: text_map(&template["metadata"]["labels"]),
            annotations: text_map(&template["metadata"]["annotations"]),
            rest: hash::digest(&hash::canonical(&rest)),
            images: hash::digest(&images(&template["spec"])),
        }
    }
}

fn images(spec: &Value) -> String {
    let mut text = String::new();
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            for field in ["name", "image"] {
                text.push_str(container[field].as_str().unwrap_or_default());
                text.push('\n');
            }
        }
    }
    text
}

/// A Service: metadata and selector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    pub metadata: ObjectMeta,
    pub selector: Map,
    /// The field manager other than Serin that wrote it last.
    pub writer: Option<String>,
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

/// An HTTPRoute: metadata and the backends of its rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpRoute {
    pub metadata: ObjectMeta,
    /// The backends of each rule, in order.
    pub rules: Vec<Vec<Backend>>,
    /// The field manager other than Serin that wrote it last.
    pub writer: Option<String>,
}

/// One backend of a rule, with the API's defaults left out as the user left them out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Backend {
    pub group: Option<String>,
    pub kind: Option<String>,
    pub namespace: Option<String>,
    pub name: String,
    pub weight: Option<i32>,
}

/// A pod's metadata. Readiness comes from EndpointSlices and ReplicaSets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Pod {
    #[serde(default)]
    pub metadata: ObjectMeta,
}

impl<'de> Deserialize<'de> for ReplicaSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let count = |value: &Value| i32::try_from(value.as_i64().unwrap_or(0)).unwrap_or(i32::MAX);
        let failure = raw.status["conditions"].as_array().into_iter().flatten().find(|condition| {
            condition["type"].as_str() == Some("ReplicaFailure")
                && condition["status"].as_str() == Some("True")
        });
        Ok(Self {
            replicas: raw.spec.get("replicas").map_or(1, count),
            min_ready_seconds: count(&raw.spec["minReadySeconds"]),
            status: ReplicaSetStatus {
                replicas: count(&raw.status["replicas"]),
                ready: count(&raw.status["readyReplicas"]),
                available: count(&raw.status["availableReplicas"]),
                observed_generation: raw.status["observedGeneration"].as_i64().unwrap_or(0),
                failure: failure
                    .map(|condition| condition["message"].as_str().unwrap_or_default().to_owned()),
            },
            template: TemplateProjection::of(&raw.spec["template"]),
            metadata: raw.metadata,
        })
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        Ok(Self {
            selector: text_map(&raw.spec["selector"]),
            writer: last_writer(&raw.metadata),
            metadata: raw.metadata,
        })
    }
}

impl<'de> Deserialize<'de> for HttpRoute {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Raw::deserialize(deserializer)?;
        let backends = |rule: &Value| {
            let refs = rule["backendRefs"].as_array().into_iter().flatten();
            refs.map(|backend| Backend::deserialize(backend).unwrap_or_default()).collect()
        };
        Ok(Self {
            rules: raw.spec["rules"].as_array().into_iter().flatten().map(backends).collect(),
            writer: last_writer(&raw.metadata),
            metadata: raw.metadata,
        })
    }
}

impl<'de> Deserialize<'de> for EndpointSlice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct RawSlice {
            metadata: ObjectMeta,
            #[serde(default)]
            endpoints: Option<Vec<Value>>,
        }
        let raw = RawSlice::deserialize(deserializer)?;
        let endpoint = |value: &Value| {
            let target = &value["targetRef"];
            (target["kind"].as_str() == Some("Pod")).then(|| SliceEndpoint {
                pod_uid: target["uid"].as_str().unwrap_or_default().to_owned(),
                // The API: nil means unknown, and unknown is to be treated as ready.
                ready: value["conditions"]["ready"].as_bool().unwrap_or(true),
            })
        };
        let endpoints = raw.endpoints.iter().flatten().filter_map(endpoint).collect();
        Ok(Self { metadata: raw.metadata, endpoints })
    }
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Value,
    #[serde(default)]
    status: Value,
}

fn text_map(value: &Value) -> Map {
    let entries = value.as_object().into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// The manager, other than Serin, of the newest write to the main resource.
fn last_writer(metadata: &ObjectMeta) -> Option<String> {
    let foreign = |entry: &&ManagedFieldsEntry| {
        entry.subresource.as_deref().unwrap_or_default().is_empty()
            && entry.manager.as_deref() != Some(FIELD_MANAGER)
    };
    let entries = metadata.managed_fields.iter().flatten().filter(foreign);
    entries.max_by_key(|entry| entry.time.clone())?.manager.clone()
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
resource!(HttpRoute, "HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes");
resource!(Pod, "Pod", "", "v1", "pods");
