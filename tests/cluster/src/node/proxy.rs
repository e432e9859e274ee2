//! kube-proxy: leads the addresses of Services to pods.

use std::process::Command;

use super::NAME;
use crate::components::{Identity, Layout};

pub(super) fn command(layout: &Layout) -> Command {
    let mut proxy = Command::new(layout.kit.bin("kube-proxy"));
    proxy.arg("--kubeconfig").arg(Identity::KubeProxy.kubeconfig(&layout.folder));
    proxy.arg(format!("--hostname-override={NAME}"));
    proxy.args([
        "--proxy-mode=nftables",
        // These take rights that few containers have, or are settings of the whole machine.
        "--oom-score-adj=0",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    ]);
    proxy
}
