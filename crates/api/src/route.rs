//! The kinds of routes whose weights can be written, and what one route is called.

use std::fmt;

/// A kind of route of the Gateway API. All of them hold backends with weights in rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteKind {
    Http,
    Grpc,
    Tls,
    Tcp,
    Udp,
}

/// The API group of all routes.
pub const ROUTE_GROUP: &str = "gateway.networking.k8s.io";

/// The versions at which a kind may be served and is understood, the best one first.
pub const ROUTE_VERSIONS: [&str; 3] = ["v1", "v1alpha3", "v1alpha2"];

impl RouteKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Http, Self::Grpc, Self::Tls, Self::Tcp, Self::Udp];

    /// The kind, as in manifests.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Http => "HTTPRoute",
            Self::Grpc => "GRPCRoute",
            Self::Tls => "TLSRoute",
            Self::Tcp => "TCPRoute",
            Self::Udp => "UDPRoute",
        }
    }

    /// The resource, as in paths.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Http => "httproutes",
            Self::Grpc => "grpcroutes",
            Self::Tls => "tlsroutes",
            Self::Tcp => "tcproutes",
            Self::Udp => "udproutes",
        }
    }

    /// The field of a Rollout that names one route of this kind; with an `s` it names several.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Http => "httpRoute",
            Self::Grpc => "grpcRoute",
            Self::Tls => "tlsRoute",
            Self::Tcp => "tcpRoute",
            Self::Udp => "udpRoute",
        }
    }

    /// The kind that is called so in manifests.
    pub fn of(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.kind() == kind)
    }
}

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId {
    pub kind: RouteKind,
    pub namespace: String,
    pub name: String,
}

impl RouteId {
    /// How it is called beside the objects of `namespace`: its own namespace is left out where it is the same.
    pub fn beside(&self, namespace: &str) -> String {
        let (kind, name) = (self.kind.kind(), &self.name);
        if self.namespace == namespace {
            format!("{kind}/{name}")
        } else {
            format!("{kind}/{}/{name}", self.namespace)
        }
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}/{}", self.kind.kind(), self.namespace, self.name)
    }
}
