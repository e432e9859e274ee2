//! What preflight asks of each kind of object, read from the server's JSON. What has an unexpected form counts as absent.

mod gateways;
mod policies;
mod routes;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_api::names::POD_TEMPLATE_HASH;

use crate::objects::Map;

pub use gateways::{Gateway, GatewayClass, Listener};
pub use policies::{Autoscaler, Budget, Grant, GrantFrom, GrantTo};
pub use routes::{GATEWAY_GROUP, Parent, ParentReport, RouteBackend, RouteRule, RouteShape};

/// A Service without what its selector has of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The user's own keys.
    pub selector: Map,
    /// The selector names a revision, so that the Service lists no pods of others.
    pub narrowed: bool,
    pub shape: ServiceShape,
}

/// A Service beside its selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceShape {
    pub external_name: bool,
    pub lists_unready: bool,
    pub ports: Vec<ServicePort>,
}

/// A port of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServicePort {
    pub number: i32,
    /// The name of the container's port, where it is sent to by name.
    pub target: Option<String>,
}

impl ServiceShape {
    /// Reads the `spec` of a Service.
    pub fn of(kind: Option<&str>, lists_unready: bool, ports: &[Value]) -> Self {
        let port = |port: &Value| ServicePort {
            number: number(&port["port"]).unwrap_or(0),
            target: text(&port["targetPort"]),
        };
        Self {
            external_name: kind == Some("ExternalName"),
            lists_unready,
            ports: ports.iter().map(port).collect(),
        }
    }
}

impl Service {
    /// A Service with the whole of its selector.
    pub fn new(mut selector: Map, shape: ServiceShape) -> Self {
        let narrowed = selector.remove(POD_TEMPLATE_HASH).is_some();
        Self { selector, narrowed, shape }
    }

    /// Reads a Service.
    pub fn of(object: &Value) -> Self {
        let spec = &object["spec"];
        let lists_unready = spec["publishNotReadyAddresses"] == true;
        Self::new(
            map(&spec["selector"]),
            ServiceShape::of(spec["type"].as_str(), lists_unready, list(&spec["ports"])),
        )
    }
}

/// Another owner of pods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Workload {
    pub selector: LabelSelector,
    /// Of its pods.
    pub labels: Map,
    /// The Services that it names.
    pub services: Vec<String>,
    /// It keeps a Service that both name.
    pub is_older: bool,
}

impl Workload {
    /// Reads a Deployment.
    pub fn of(object: &Value) -> Self {
        let spec = &object["spec"];
        Self {
            selector: LabelSelector::deserialize(&spec["selector"]).unwrap_or_default(),
            labels: map(&spec["template"]["metadata"]["labels"]),
            ..Self::default()
        }
    }
}

/// A condition, as far as it is told again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reported {
    pub r#type: String,
    pub status: String,
    pub reason: String,
    pub message: String,
}

impl Reported {
    pub(super) fn list(conditions: &Value) -> Vec<Self> {
        list(conditions).iter().filter_map(|condition| Self::deserialize(condition).ok()).collect()
    }

    /// Reason and message as one text.
    pub(super) fn words(&self) -> String {
        match (self.reason.as_str(), self.message.trim().trim_end_matches('.')) {
            (reason, "") => reason.to_owned(),
            ("", message) => message.to_owned(),
            (reason, message) => format!("{reason} ({message})"),
        }
    }
}

/// The condition of this type.
pub(super) fn condition<'c>(conditions: &'c [Reported], kind: &str) -> Option<&'c Reported> {
    conditions.iter().find(|condition| condition.r#type == kind)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn number(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn map(value: &Value) -> Map {
    BTreeMap::deserialize(value).unwrap_or_default()
}

/// The labels of a pod template.
pub(super) fn labels_of(template: &Value) -> Map {
    map(&template["metadata"]["labels"])
}
