//! The kinds that the world serves, and how they differ.

use std::sync::Arc;

use serde_json::Value;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Namespace,
    Rollout,
    ReplicaSet,
    Pod,
    Service,
    EndpointSlice,
    HttpRoute,
    GrpcRoute,
    TlsRoute,
    TcpRoute,
    UdpRoute,
    Lease,
    Event,
}

/// How one kind differs from the others.
pub(crate) struct Facts {
    /// The API group; none for the kind whose group is chosen by the world.
    pub group: Option<&'static str>,
    pub version: &'static str,
    pub plural: &'static str,
    pub kind: &'static str,
    /// Has a `/status` subresource, so that a write to the one never changes the other.
    pub has_status: bool,
    /// Counts changes of its spec in `metadata.generation`.
    pub has_generation: bool,
    /// Defined by a CustomResourceDefinition: lists name the kind of each item, and an update must name a version.
    pub is_custom: bool,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::Namespace,
        Self::Rollout,
        Self::ReplicaSet,
        Self::Pod,
        Self::Service,
        Self::EndpointSlice,
        Self::HttpRoute,
        Self::GrpcRoute,
        Self::TlsRoute,
        Self::TcpRoute,
        Self::UdpRoute,
        Self::Lease,
        Self::Event,
    ];

    /// The kinds of routes.
    pub const ROUTES: [Self; 5] =
        [Self::HttpRoute, Self::GrpcRoute, Self::TlsRoute, Self::TcpRoute, Self::UdpRoute];

    /// The plural name, as in paths.
    pub fn plural(self) -> &'static str {
        self.facts().plural
    }

    /// The name of the kind, as in manifests.
    pub fn name(self) -> &'static str {
        self.facts().kind
    }

    /// The API group and version; no group for the kind whose group is chosen by the world.
    pub fn group_version(self) -> (Option<&'static str>, &'static str) {
        let Facts { group, version, .. } = self.facts();
        (group, version)
    }

    /// Whether objects of this kind live in a namespace.
    pub fn is_namespaced(self) -> bool {
        self != Self::Namespace
    }

    pub(crate) fn facts(self) -> Facts {
        let core = |group, version, plural, kind| Facts {
            group: Some(group),
            version,
            plural,
            kind,
            has_status: false,
            has_generation: false,
            is_custom: false,
        };
        let route = |plural, kind| Facts {
            has_status: true,
            has_generation: true,
            is_custom: true,
            ..core("gateway.networking.k8s.io", "v1", plural, kind)
        };
        match self {
            Self::Namespace => Facts { has_status: true, ..core("", "v1", "namespaces", "Namespace") },
            Self::Rollout => Facts {
                group: None,
                has_status: true,
                has_generation: true,
                is_custom: true,
                ..core("", "v1alpha1", "rollouts", "Rollout")
            },
            Self::ReplicaSet => Facts {
                has_status: true,
                has_generation: true,
                ..core("apps", "v1", "replicasets", "ReplicaSet")
            },
            Self::Pod => Facts { has_status: true, has_generation: true, ..core("", "v1", "pods", "Pod") },
            // Services have a status but do not count their changes.
            Self::Service => Facts { has_status: true, ..core("", "v1", "services", "Service") },
            Self::EndpointSlice => Facts {
                has_generation: true,
                ..core("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
            },
            Self::HttpRoute => route("httproutes", "HTTPRoute"),
            Self::GrpcRoute => route("grpcroutes", "GRPCRoute"),
            Self::TlsRoute => route("tlsroutes", "TLSRoute"),
            Self::TcpRoute => route("tcproutes", "TCPRoute"),
            Self::UdpRoute => route("udproutes", "UDPRoute"),
            Self::Lease => core("coordination.k8s.io", "v1", "leases", "Lease"),
            Self::Event => core("events.k8s.io", "v1", "events", "Event"),
        }
    }
}

/// Where an object is: the namespace of a cluster-wide kind is empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub kind: Kind,
    pub namespace: Arc<str>,
    pub name: Arc<str>,
}

impl Key {
    /// Where an object is, by what it says itself.
    pub fn of(kind: Kind, object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().into();
        Self { kind, namespace: text("namespace"), name: text("name") }
    }

    /// A key from `name` (in the namespace `default`) or `namespace/name`.
    pub fn new(kind: Kind, name: &str) -> Self {
        let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
        let namespace = if kind.is_namespaced() { namespace } else { "" };
        Self { kind, namespace: namespace.into(), name: name.into() }
    }
}
