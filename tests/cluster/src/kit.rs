//! The finished programs and manifests a cluster is started from, built once and kept in the user's cache.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{tools, versions};

mod build;
mod control_plane;
mod gateway;
mod node;

/// The folders that hold every program and manifest of one set of versions.
#[derive(Clone, Debug)]
pub struct Kit {
    root: PathBuf,
    /// Apart from the rest: who needs no node does not wait for its programs.
    node: Option<PathBuf>,
    /// And who needs no gateway, not for that.
    gateway: Option<PathBuf>,
}

impl Kit {
    /// The kit in the user's cache; what is missing is built first, which takes minutes.
    pub fn ready() -> Result<Self> {
        let root = cache_folder()?.join("cluster").join(versions::key());
        build::complete(&root, || control_plane::parts(&root))?;
        Ok(Self { root, node: None, gateway: None })
    }

    /// The same with what makes a machine a node.
    pub fn with_node() -> Result<Self> {
        let kit = Self::ready()?;
        let node = cache_folder()?.join("cluster").join(versions::node_key());
        build::complete(&node, || node::parts(&node))?;
        Ok(Self { node: Some(node), ..kit })
    }

    /// The same with a gateway and its Envoy.
    pub fn with_gateway() -> Result<Self> {
        let kit = Self::with_node()?;
        let gateway = cache_folder()?.join("cluster").join(versions::gateway_key());
        build::complete(&gateway, || gateway::parts(&gateway))?;
        Ok(Self { gateway: Some(gateway), ..kit })
    }

    pub fn bin_folder(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// What belongs on `PATH`.
    pub(crate) fn bin_folders(&self) -> Vec<PathBuf> {
        [Some(&self.root), self.node.as_ref()].into_iter().flatten().map(|root| root.join("bin")).collect()
    }

    /// A program of the kit, or else of that name on `PATH`.
    pub fn bin(&self, name: &str) -> PathBuf {
        let built = self.bin_folders().into_iter().map(|folder| folder.join(name)).find(|file| file.exists());
        built.or_else(|| tools::on_path(name)).unwrap_or_else(|| self.bin_folder().join(name))
    }

    pub(crate) fn gateway_api(&self) -> PathBuf {
        control_plane::gateway_api_folder(&self.root)
    }

    pub(crate) fn kwok_stages(&self) -> PathBuf {
        control_plane::kwok_stages_folder(&self.root)
    }

    /// The network plugins of the node; not on `PATH`, where their names mean other programs.
    pub(crate) fn network_plugins(&self) -> Result<PathBuf> {
        Ok(node::network_plugins_folder(self.node()?))
    }

    pub(crate) fn pause_image(&self) -> Result<PathBuf> {
        Ok(node::pause_archive(self.node()?))
    }

    pub(crate) fn gateway_images(&self) -> Result<[PathBuf; 3]> {
        Ok(gateway::archives(self.gateway()?))
    }

    pub(crate) fn gateway_chart(&self) -> Result<PathBuf> {
        Ok(gateway::chart_folder(self.gateway()?))
    }

    pub(crate) fn gateway_program(&self) -> Result<PathBuf> {
        Ok(gateway::program(self.gateway()?))
    }

    fn gateway(&self) -> Result<&PathBuf> {
        self.gateway.as_ref().context("this kit was made without a gateway")
    }

    fn node(&self) -> Result<&PathBuf> {
        self.node.as_ref().context("this kit was made without the programs of a node")
    }
}

fn cache_folder() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("SERIN_CACHE") {
        return Ok(std::path::absolute(folder)?);
    }
    let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(caches.context("neither SERIN_CACHE, XDG_CACHE_HOME nor HOME is set")?.join("serin"))
}
