//! The finished programs and manifests a cluster is started from, built once and kept in the user's cache.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{go, versions};

/// How the folders begin that parts are built in.
const SCRATCH: &str = "scratch-";

/// A folder that holds every program and manifest of one set of versions.
///
/// A file is there under its final name or not at all, because it is built elsewhere and renamed: an
/// interrupted build leaves the finished parts usable and the rest to be built again.
#[derive(Clone, Debug)]
pub struct Kit {
    root: PathBuf,
}

/// One part of the kit: where it lands and how it is made.
struct Part {
    name: &'static str,
    version: &'static str,
    place: PathBuf,
    make: fn(scratch: &Path, product: &Path) -> Result<()>,
}

impl Kit {
    /// The kit in the user's cache; what is missing is built first, which takes minutes.
    pub fn ready() -> Result<Self> {
        let kit = Self { root: cache_folder()?.join("cluster").join(versions::key()) };
        if !kit.missing().is_empty() {
            go::available()?;
            kit.build()
                .with_context(|| format!("building the cluster's programs in {}", kit.root.display()))?;
        }
        Ok(kit)
    }

    pub fn bin_folder(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// A program of the kit, or else of that name on `PATH`.
    pub fn bin(&self, name: &str) -> PathBuf {
        let built = self.bin_folder().join(name);
        if built.exists() { built } else { on_path(name).unwrap_or(built) }
    }

    pub(crate) fn gateway_api(&self) -> PathBuf {
        self.root.join("gateway-api")
    }

    pub(crate) fn kwok_stages(&self) -> PathBuf {
        self.root.join("kwok-stages")
    }

    fn parts(&self) -> Vec<Part> {
        let bin = self.bin_folder();
        let part = |name, version, place, make| Part { name, version, place, make };
        let mut parts = vec![
            part("etcd", versions::ETCD, bin.join("etcd"), etcd as _),
            part("kube-apiserver", versions::KUBERNETES, bin.join("kube-apiserver"), kubernetes as _),
            part(
                "kube-controller-manager",
                versions::KUBERNETES,
                bin.join("kube-controller-manager"),
                kubernetes as _,
            ),
            part("kube-scheduler", versions::KUBERNETES, bin.join("kube-scheduler"), kubernetes as _),
            part("kwok", versions::KWOK, bin.join("kwok"), kwok as _),
            part("helm", versions::HELM, bin.join("helm"), helm as _),
            part("kwok stages", versions::KWOK, self.kwok_stages(), kwok_stages as _),
            part("gateway-api", versions::GATEWAY_API, self.gateway_api(), gateway_api as _),
        ];
        if on_path("kubectl").is_none() {
            parts.push(part("kubectl", versions::KUBERNETES, bin.join("kubectl"), kubernetes as _));
        }
        parts
    }

    fn missing(&self) -> Vec<Part> {
        let mut parts = self.parts();
        parts.retain(|part| !part.place.exists());
        parts
    }

    fn build(&self) -> Result<()> {
        fs::create_dir_all(self.bin_folder())?;
        let _only_builder = lock(&self.root.join("lock"))?;
        self.remove_leftovers()?;
        let missing = self.missing();
        for (index, part) in missing.iter().enumerate() {
            let started = Instant::now();
            eprint!("cluster: building {} {} ({}/{})…", part.name, part.version, index + 1, missing.len());
            // A new one each time: the compiler of an interrupted build may still be writing to the last.
            let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(&self.root)?;
            let product = scratch.path().join(part.place.file_name().context("a part has a name")?);
            if let Err(error) = (part.make)(scratch.path(), &product) {
                eprintln!(" failed");
                return Err(error.context(format!("building {}", part.name)));
            }
            fs::rename(&product, &part.place)?;
            eprintln!(" {} s", started.elapsed().as_secs());
        }
        Ok(())
    }

    /// Builds that were interrupted had no chance to do it; called under the lock.
    fn remove_leftovers(&self) -> Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }
}

fn etcd(scratch: &Path, product: &Path) -> Result<()> {
    go::ETCD.build("go.etcd.io/etcd/server/v3", "-s -w", scratch, product)
}

/// Every program of Kubernetes lives in a folder named after it.
fn kubernetes(scratch: &Path, product: &Path) -> Result<()> {
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

fn cache_folder() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = variable("SERIN_CACHE") {
        return Ok(std::path::absolute(folder)?);
    }
    let caches = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    Ok(caches.context("neither SERIN_CACHE, XDG_CACHE_HOME nor HOME is set")?.join("serin"))
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// The lock ends with the process that holds it, however that ends.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("cluster: waiting for another build to finish");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}
