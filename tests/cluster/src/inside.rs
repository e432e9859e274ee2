//! What a command finds that `cluster run` has started.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{gateway, tools};

/// The cluster around this process, as its environment tells.
#[derive(Clone, Debug)]
pub struct Inside {
    /// The administrator's.
    pub kubeconfig: PathBuf,
    /// One JSON event a line.
    pub audit_log: PathBuf,
    /// With `kubectl`, unless the machine has one, `helm` and the programs of the cluster.
    pub bin: PathBuf,
    /// With the logs of its programs in `logs`, and with the credentials. Only a real node tells.
    pub folder: Option<PathBuf>,
    /// Where the Gateway listens, if there is one.
    pub gateway: Option<SocketAddr>,
}

impl Inside {
    /// Fails where there is no cluster around this process.
    pub fn from_env() -> Result<Self> {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let there = |name: &'static str| {
            path(name)
                .with_context(|| format!("{name} is not set: `cluster run -- COMMAND` sets it for COMMAND"))
        };
        let bin = tools::on_path("kube-apiserver").and_then(|program| Some(program.parent()?.to_owned()));
        let gateway = path(gateway::ADDRESS).map(|address| {
            let address = address.to_string_lossy();
            address.parse().with_context(|| format!("{} is no address: {address}", gateway::ADDRESS))
        });
        Ok(Self {
            audit_log: there("SERIN_AUDIT_LOG")?,
            kubeconfig: there("KUBECONFIG")?,
            bin: bin.context("the programs of the cluster are not on PATH")?,
            folder: path("SERIN_NODE_DIR"),
            gateway: gateway.transpose()?,
        })
    }
}
