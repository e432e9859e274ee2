//! The parts that make a machine a node. runc and nft are not among them: they need C, and distributions
//! have them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serin_image::{File, Image};

use super::build::Part;
use super::control_plane::kubernetes;
use crate::node::PAUSE_IMAGE;
use crate::{go, versions};

pub fn parts(root: &Path) -> Vec<Part> {
    let (bin, plugins) = (root.join("bin"), network_plugins_folder(root));
    let part = |name, version, place, make| Part { name, version, place, make };
    let of_containerd = |name| part(name, versions::CONTAINERD, bin.join(name), containerd as _);
    vec![
        part("kubelet", versions::KUBERNETES, bin.join("kubelet"), kubernetes as _),
        part("kube-proxy", versions::KUBERNETES, bin.join("kube-proxy"), kubernetes as _),
        of_containerd("containerd"),
        of_containerd("containerd-shim-runc-v2"),
        of_containerd("ctr"),
        part("ptp", versions::CNI_PLUGINS, plugins.join("ptp"), ptp as _),
        part("host-local", versions::CNI_PLUGINS, plugins.join("host-local"), host_local as _),
        part("coredns", versions::COREDNS, bin.join("coredns"), coredns as _),
        part("pause image", "1", pause_archive(root), pause_image as _),
    ]
}

pub fn network_plugins_folder(root: &Path) -> PathBuf {
    root.join("network-plugins")
}

pub fn pause_archive(root: &Path) -> PathBuf {
    root.join("images/pause.tar")
}

fn containerd(scratch: &Path, product: &Path) -> Result<()> {
    let name = product.file_name().and_then(|name| name.to_str()).context("a program has a name")?;
    let module = "github.com/containerd/containerd/v2";
    let version = versions::CONTAINERD.trim_start_matches('v');
    let flags = format!("-s -w -X {module}/version.Version={version}");
    go::CONTAINERD.build(&format!("{module}/cmd/{name}"), &flags, scratch, product)
}

fn ptp(scratch: &Path, product: &Path) -> Result<()> {
    network_plugin("main/ptp", scratch, product)
}

fn host_local(scratch: &Path, product: &Path) -> Result<()> {
    network_plugin("ipam/host-local", scratch, product)
}

fn network_plugin(name: &str, scratch: &Path, product: &Path) -> Result<()> {
    let package = format!("github.com/containernetworking/plugins/plugins/{name}");
    go::CONTAINERD.build(&package, "-s -w", scratch, product)
}

fn coredns(scratch: &Path, product: &Path) -> Result<()> {
    go::COREDNS.build(".", "-s -w", scratch, product)
}

fn pause_image(scratch: &Path, product: &Path) -> Result<()> {
    let program = scratch.join("pause");
    go::PAUSE.build(".", "-s -w", scratch, &program)?;
    let image = Image {
        reference: PAUSE_IMAGE.to_owned(),
        files: vec![File { path: "/pause".to_owned(), content: fs::read(&program)?, mode: 0o755 }],
        entrypoint: vec!["/pause".to_owned()],
        env: Vec::new(),
        user: Some("65532:65532".to_owned()),
        labels: BTreeMap::new(),
    };
    image.write_archive(product)?;
    Ok(())
}
