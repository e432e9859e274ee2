//! The parts every cluster has, and those that pretend to be its nodes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::build::Part;
use crate::{go, tools, versions};

pub fn parts(root: &Path) -> Vec<Part> {
    let bin = root.join("bin");
    let part = |name, version, place, make| Part { name, version, place, make };
    let of_kubernetes = |name| part(name, versions::KUBERNETES, bin.join(name), kubernetes as _);
    let mut parts = vec![
        part("etcd", versions::ETCD, bin.join("etcd"), etcd as _),
        of_kubernetes("kube-apiserver"),
        of_kubernetes("kube-controller-manager"),
        of_kubernetes("kube-scheduler"),
        part("kwok", versions::KWOK, bin.join("kwok"), kwok as _),
        part("helm", versions::HELM, bin.join("helm"), helm as _),
        part("kwok stages", versions::KWOK, kwok_stages_folder(root), kwok_stages as _),
        part("gateway-api", versions::GATEWAY_API, gateway_api_folder(root), gateway_api as _),
    ];
    if tools::on_path("kubectl").is_none() {
        parts.push(of_kubernetes("kubectl"));
    }
    parts
}

pub fn gateway_api_folder(root: &Path) -> PathBuf {
    root.join("gateway-api")
}

pub fn kwok_stages_folder(root: &Path) -> PathBuf {
    root.join("kwok-stages")
}

fn etcd(scratch: &Path, product: &Path) -> Result<()> {
    go::ETCD.build("go.etcd.io/etcd/server/v3", "-s -w", scratch, product)
}

/// Every program of Kubernetes lives in a folder named after it.
pub fn kubernetes(scratch: &Path, product: &Path) -> Result<()> {
    let name = product.file_name().and_then(|name| name.to_str()).context("a program has a name")?;
    // Without a version the API server calls itself v0.0.0, and clients refuse to work with it.
    let variable = "k8s.io/component-base/version";
    let mut release = versions::KUBERNETES.trim_start_matches('v').split('.');
    let (major, minor) = (release.next().unwrap_or_default(), release.next().unwrap_or_default());
    let flags = format!(
        "-s -w -X {variable}.gitVersion={} -X {variable}.gitMajor={major} -X {variable}.gitMinor={minor}",
        versions::KUBERNETES,
    );
    go::KUBERNETES.build(&format!("k8s.io/kubernetes/cmd/{name}"), &flags, scratch, product)
}

fn kwok(scratch: &Path, _product: &Path) -> Result<()> {
    go::install("sigs.k8s.io/kwok/cmd/kwok", versions::KWOK, scratch)
}

fn helm(scratch: &Path, _product: &Path) -> Result<()> {
    go::install("helm.sh/helm/v3/cmd/helm", versions::HELM, scratch)
}

/// kwok does nothing by itself: what a node and a pod go through is told by these files.
fn kwok_stages(scratch: &Path, product: &Path) -> Result<()> {
    let module = go::download("sigs.k8s.io/kwok", versions::KWOK, scratch)?;
    let stages = module.join("kustomize/stage");
    for kind in ["node/fast", "node/heartbeat-with-lease", "pod/fast"] {
        copy_manifests(&stages.join(kind), product)?;
    }
    Ok(())
}

fn gateway_api(scratch: &Path, product: &Path) -> Result<()> {
    let module = go::download("sigs.k8s.io/gateway-api", versions::GATEWAY_API, scratch)?;
    copy_manifests(&module.join("config/crd/standard"), product)
}

/// Copies what can be applied or read as a configuration, so that starting a cluster needs no Go.
fn copy_manifests(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("{} is not in the module", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let manifest = path.extension().is_some_and(|extension| extension == "yaml");
        if manifest && name != "kustomization.yaml" {
            // Not fs::copy: the module cache is read-only, and its copies should not be.
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}
