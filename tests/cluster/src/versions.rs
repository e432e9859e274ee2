//! The one place that says which releases a cluster is made of.
//!
//! The `go.mod` files under `go/` repeat most of them, because Go reads them there; a test keeps the two in step.

pub const KUBERNETES: &str = "v1.36.3";
pub const ETCD: &str = "v3.6.16";
pub const KWOK: &str = "v0.8.0";
pub const HELM: &str = "v3.22.0";
pub const GATEWAY_API: &str = "v1.6.3";

// A real node has these beside kubelet and kube-proxy, which are of Kubernetes.
pub const CONTAINERD: &str = "v2.2.9";
pub const CNI_PLUGINS: &str = "v1.9.1";
pub const COREDNS: &str = "v1.15.0";

// A gateway has these beside a node. This Envoy is what that release of Envoy Gateway asks for by itself.
pub const ENVOY_GATEWAY: &str = "v1.9.1";
pub const ENVOY: &str = "1.39.1";

/// Raised when the way of building changes and the versions do not, so that old caches are left behind.
const RECIPE: u32 = 1;
/// The same for the programs of the node.
const NODE_RECIPE: u32 = 1;
/// The same for the gateway.
const GATEWAY_RECIPE: u32 = 1;

/// Names the folder of one finished build: two checkouts with the same versions share it.
pub fn key() -> String {
    format!(
        "{}-{}-kubernetes-{KUBERNETES}-etcd-{ETCD}-kwok-{KWOK}-helm-{HELM}-gateway-{GATEWAY_API}-r{RECIPE}",
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// The same for the programs of a real node, which are built when one is asked for.
pub fn node_key() -> String {
    format!(
        "{}-{}-node-kubernetes-{KUBERNETES}-containerd-{CONTAINERD}-cni-{CNI_PLUGINS}-coredns-{COREDNS}\
         -r{NODE_RECIPE}",
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

/// The same for a gateway.
pub fn gateway_key() -> String {
    format!(
        "{}-{}-gateway-envoy-gateway-{ENVOY_GATEWAY}-envoy-{ENVOY}-r{GATEWAY_RECIPE}",
        std::env::consts::OS,
        std::env::consts::ARCH,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_mod_files_name_the_same_versions() {
        let kubernetes = include_str!("../go/kubernetes/go.mod");
        assert_eq!(required(kubernetes, "k8s.io/kubernetes"), KUBERNETES);
        assert_eq!(required(include_str!("../go/etcd/go.mod"), "go.etcd.io/etcd/server/v3"), ETCD);
        let containerd = include_str!("../go/containerd/go.mod");
        assert_eq!(required(containerd, "github.com/containerd/containerd/v2"), CONTAINERD);
        assert_eq!(required(containerd, "github.com/containernetworking/plugins"), CNI_PLUGINS);
        assert_eq!(required(include_str!("../go/coredns/go.mod"), "github.com/coredns/coredns"), COREDNS);

        let staging = KUBERNETES.replacen("v1.", "v0.", 1);
        let replaced: Vec<_> = kubernetes.lines().filter(|line| line.contains(" => ")).collect();
        assert!(!replaced.is_empty());
        for line in replaced {
            assert!(line.ends_with(&staging), "{line} is not of the release {staging}");
        }
    }

    fn required<'a>(go_mod: &'a str, module: &str) -> &'a str {
        let words = go_mod.lines().map(|line| line.trim_start_matches("require").split_whitespace());
        let mut versions = words.filter_map(|mut words| (words.next()? == module).then(|| words.next())?);
        versions.find(|version| version.starts_with('v')).unwrap_or_default()
    }
}
