//! How each projection is read from the server's JSON: straight into what is kept, everything else skipped.
//!
//! These kinds are of Kubernetes itself, and served in the form of their types. Routes are read in `routes.rs`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_api::metadata::{self, Manager};
use serin_api::names::FIELD_MANAGER;

use super::{
    EndpointSlice, Map, Pod, ReplicaSet, ReplicaSetStatus, Service, SliceEndpoint, TemplateProjection,
};
use crate::hash;
use crate::preflight::objects::ServiceShape;

impl TemplateProjection {
    /// Projects a template.
    pub fn of(mut template: Value) -> Self {
        let mut take = |field: &str| {
            let metadata = template.get_mut("metadata").and_then(Value::as_object_mut);
            metadata.and_then(|metadata| metadata.remove(field)).map(text_map).unwrap_or_default()
        };
        let (labels, annotations) = (take("labels"), take("annotations"));
        take("creationTimestamp");
        Self {
            labels,
            annotations,
            rest: hash::canonical_digest(&template),
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

fn text_map(value: Value) -> Map {
    let Value::Object(entries) = value else { return Map::new() };
    let text = |(key, value)| match value {
        Value::String(text) => Some((key, text)),
        _ => None,
    };
    entries.into_iter().filter_map(text).collect()
}

impl<'de> Deserialize<'de> for ReplicaSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Raw {
            #[serde(deserialize_with = "metadata::kept")]
            metadata: ObjectMeta,
            spec: Spec,
            status: Status,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Spec {
            replicas: Option<i32>,
            min_ready_seconds: i32,
            template: Value,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Status {
            replicas: i32,
            ready_replicas: i32,
            available_replicas: i32,
            observed_generation: i64,
            conditions: Vec<Condition>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Condition {
            r#type: String,
            status: String,
            message: String,
        }
        let Raw { metadata, spec, status } = Raw::deserialize(deserializer)?;
        let fails =
            |condition: &Condition| condition.r#type == "ReplicaFailure" && condition.status == "True";
        Ok(Self {
            metadata,
            replicas: spec.replicas.unwrap_or(1),
            min_ready_seconds: spec.min_ready_seconds,
            status: ReplicaSetStatus {
                replicas: status.replicas,
                ready: status.ready_replicas,
                available: status.available_replicas,
                observed_generation: status.observed_generation,
                failure: status.conditions.into_iter().find(fails).map(|condition| condition.message),
            },
            template: TemplateProjection::of(spec.template),
        })
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Raw {
            #[serde(deserialize_with = "metadata::kept_with_managers")]
            metadata: (ObjectMeta, Vec<Manager>),
            spec: Spec,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Spec {
            selector: Option<Map>,
            r#type: Option<String>,
            publish_not_ready_addresses: Option<bool>,
            ports: Option<Vec<Value>>,
        }
        let Raw { metadata: (metadata, managers), spec } = Raw::deserialize(deserializer)?;
        let lists_unready = spec.publish_not_ready_addresses == Some(true);
        let ports = spec.ports.unwrap_or_default();
        Ok(Self {
            metadata,
            selector: spec.selector.unwrap_or_default(),
            writer: last_writer(&managers),
            shape: ServiceShape::of(spec.r#type.as_deref(), lists_unready, &ports),
        })
    }
}

impl<'de> Deserialize<'de> for EndpointSlice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Raw {
            #[serde(deserialize_with = "metadata::kept")]
            metadata: ObjectMeta,
            // A slice without endpoints is served with null.
            endpoints: Option<Vec<Endpoint>>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Endpoint {
            conditions: Conditions,
            target_ref: Option<Target>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Conditions {
            ready: Option<bool>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Target {
            kind: String,
            uid: String,
        }
        let raw = Raw::deserialize(deserializer)?;
        let endpoint = |endpoint: Endpoint| {
            let pod = endpoint.target_ref.filter(|target| target.kind == "Pod")?;
            // The API: nil means unknown, and unknown is to be treated as ready.
            Some(SliceEndpoint { pod_uid: pod.uid, ready: endpoint.conditions.ready.unwrap_or(true) })
        };
        let endpoints = raw.endpoints.into_iter().flatten().filter_map(endpoint).collect();
        Ok(Self { metadata: raw.metadata, endpoints })
    }
}

impl<'de> Deserialize<'de> for Pod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Raw {
            #[serde(deserialize_with = "metadata::kept")]
            metadata: ObjectMeta,
            status: Status,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Status {
            conditions: Option<Vec<Condition>>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Condition {
            r#type: String,
            status: String,
            last_transition_time: Option<Time>,
        }
        let Raw { metadata, status } = Raw::deserialize(deserializer)?;
        let is_ready = |condition: &Condition| condition.r#type == "Ready" && condition.status == "True";
        let ready = status.conditions.into_iter().flatten().find(is_ready);
        // Without a time it counts from the pod's creation, which cannot be later.
        let since =
            |condition: Condition| condition.last_transition_time.or(metadata.creation_timestamp.clone());
        let ready_since = ready.map(|condition| since(condition).map_or(Timestamp::MIN, |time| time.0));
        Ok(Self { metadata, ready_since })
    }
}

/// The manager, other than Serin, of the newest write to the main resource.
pub(super) fn last_writer(managers: &[Manager]) -> Option<String> {
    let foreign = |manager: &Manager| manager.subresource.is_empty() && manager.manager != FIELD_MANAGER;
    let last = managers.iter().filter(|manager| foreign(manager)).max_by(|a, b| a.time.cmp(&b.time))?;
    Some(last.manager.clone())
}
