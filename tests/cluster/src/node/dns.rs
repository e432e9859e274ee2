//! CoreDNS: knows the names of Services. It runs beside the pods, not as one of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::components::{Identity, Layout};
use crate::kubeconfig;

pub(super) const DOMAIN: &str = "cluster.local";
pub(super) const PORT: u16 = 53;
/// What it may read.
pub(super) const RIGHTS: &str = include_str!("../../manifests/dns.yaml");

pub(super) fn command(layout: &Layout) -> Result<Command> {
    let configuration = layout.folder.join("Corefile");
    let (access, context) = (Identity::Dns.kubeconfig(&layout.folder), kubeconfig::CONTEXT);
    let plugin =
        format!("kubernetes {DOMAIN} in-addr.arpa {{\n kubeconfig {} {context}\n}}", access.display());
    fs::write(&configuration, format!(".:{PORT} {{\nerrors\n{plugin}\n}}\n"))?;
    let mut coredns = Command::new(layout.kit.bin("coredns"));
    coredns.arg("-conf").arg(configuration);
    Ok(coredns)
}

/// What tells programs outside of pods, and pods that want the node's own, whom to ask.
pub(super) fn resolver_configuration(folder: &Path) -> PathBuf {
    folder.join("resolv.conf")
}
