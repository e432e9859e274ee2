//! Where one cluster keeps its files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

pub(crate) enum Folder {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    /// The caller's folder, emptied of an earlier cluster; without one, a folder that goes with the value.
    pub(crate) fn new(callers: Option<&Path>) -> Result<Self> {
        Ok(match callers {
            Some(folder) => Self::Kept(emptied(folder)?),
            None => Self::Temporary(tempfile::Builder::new().prefix("serin-cluster-").tempdir()?),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }

    /// What somebody else has to remove when this process cannot.
    pub(crate) fn temporary(&self) -> Option<&Path> {
        match self {
            Self::Temporary(folder) => Some(folder.path()),
            Self::Kept(_) => None,
        }
    }
}

/// A folder of the caller's may hold an earlier cluster; its keys are gone, so its data is of no use.
fn emptied(folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    for stale in ["etcd", "kubectl-cache", "containerd", "kubelet", "pod-logs", "network", "bin"] {
        let _ = fs::remove_dir_all(folder.join(stale));
    }
    for stale in ["audit.log", "node.pid"] {
        let _ = fs::remove_file(folder.join(stale));
    }
    Ok(folder)
}
