//! The network of the node: an address of its own, and a way from there to Services and pods.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::ADDRESS;
use crate::tools;

const DEVICE: &str = "node0";
const POD_RANGE: &str = "10.244.0.0/24";

/// Sets up the namespace's own devices; containerd adds those of the pods.
pub(super) fn arrange() -> Result<()> {
    let address = format!("{ADDRESS}/24");
    for args in [
        &["link", "set", "lo", "up"][..],
        &["link", "add", DEVICE, "type", "bridge"],
        &["address", "add", &address, "dev", DEVICE],
        &["link", "set", DEVICE, "up"],
        // It leads nowhere; without one the kernel refuses the addresses of Services before they are translated.
        &["route", "add", "default", "dev", DEVICE],
    ] {
        tools::run("ip", args)?;
    }
    Ok(())
}

/// How containerd connects a pod: by a cable to the node, which routes. On a bridge, answers of one pod to
/// another would go past the translation of Services' addresses, unless the kernel has a module for that.
pub(super) fn configure_pods(folder: &Path) -> Result<PathBuf> {
    let configurations = folder.join("network");
    fs::create_dir_all(&configurations)?;
    let network = json!({
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [{
            "type": "ptp",
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": POD_RANGE}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    });
    fs::write(configurations.join("10-pods.conflist"), format!("{network:#}\n"))?;
    Ok(configurations)
}
