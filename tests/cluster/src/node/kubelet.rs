//! The kubelet: runs the pods.

use std::fs;
use std::process::Command;

use anyhow::Result;
use rustix::process::{Resource, getrlimit};
use serde_json::json;

use super::{ADDRESS, NAME, containerd, dns};
use crate::components::{Identity, Layout};

/// As many as it asks for by itself.
const OPEN_FILES: u64 = 1_000_000;

pub(super) fn command(layout: &Layout) -> Result<Command> {
    let configuration = layout.folder.join("kubelet.yaml");
    fs::write(&configuration, format!("{:#}\n", configuration_of(layout)))?;
    let mut kubelet = Command::new(layout.kit.bin("kubelet"));
    kubelet.arg("--config").arg(configuration);
    kubelet.arg("--kubeconfig").arg(Identity::Kubelet.kubeconfig(&layout.folder));
    kubelet.arg(format!("--hostname-override={NAME}")).arg(format!("--node-ip={ADDRESS}"));
    Ok(kubelet)
}

fn configuration_of(layout: &Layout) -> serde_json::Value {
    // Raising the limit takes a right that few containers have.
    let open_files = getrlimit(Resource::Nofile).maximum.map_or(OPEN_FILES, |limit| limit.min(OPEN_FILES));
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "readOnlyPort": 0,
        "tlsCertFile": layout.kubelet_certificate(),
        "tlsPrivateKeyFile": layout.kubelet_key(),
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.ca()},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": format!("unix://{}", containerd::SOCKET),
        "cgroupDriver": "cgroupfs",
        // The node is as large as the machine, and its own programs are not counted.
        "enforceNodeAllocatable": ["none"],
        "failCgroupV1": false,
        "failSwapOn": false,
        "oomScoreAdj": 0,
        "maxOpenFiles": open_files,
        // kube-proxy does without iptables, so the node has none.
        "makeIPTablesUtilChains": false,
        // The machine's disk and memory are not for the node to judge.
        "evictionHard": {
            "memory.available": "0%",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "0%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "resolvConf": dns::resolver_configuration(&layout.folder),
        "clusterDNS": [ADDRESS],
        "clusterDomain": dns::DOMAIN,
        "serializeImagePulls": false,
        "podLogsDir": layout.folder.join("pod-logs"),
        "volumePluginDir": layout.folder.join("kubelet-volume-plugins"),
    })
}
