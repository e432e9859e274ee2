//! The container runtime, and the images it has.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{PAUSE_IMAGE, network};
use crate::components::Layout;
use crate::processes::Processes;
use crate::tools;

/// The usual place, in a `/run` that only this node has.
pub(super) const SOCKET: &str = "/run/containerd/containerd.sock";
/// The variable by which `ctr` finds it, too.
const ADDRESS: &str = "CONTAINERD_ADDRESS";
/// Where the kubelet's images and containers are.
const NAMESPACE: &str = "k8s.io";
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) fn start(layout: &Layout, processes: &mut Processes) -> Result<()> {
    let configuration = configure(layout)?;
    let mut containerd = Command::new(layout.kit.bin("containerd"));
    // It looks for its shim there.
    let mut path = layout.kit.bin_folders();
    path.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    containerd.env("PATH", std::env::join_paths(path)?).arg("--config").arg(configuration);
    processes.start("containerd", &mut containerd)?;
    let started = Instant::now();
    let (program, environment) = (layout.kit.bin("ctr"), environment(layout));
    while tools::succeed(ctr(&program, &environment).arg("version")).is_err() {
        processes.check()?;
        if started.elapsed() > PATIENCE {
            bail!("containerd does not answer; it says:\n{}", processes.tail("containerd"));
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// What `ctr` and [`load`] read.
pub(super) fn environment(layout: &Layout) -> Vec<(&'static str, OsString)> {
    vec![
        (ADDRESS, SOCKET.into()),
        ("CONTAINERD_NAMESPACE", NAMESPACE.into()),
        ("CONTAINERD_SNAPSHOTTER", snapshotter(&layout.folder).into()),
    ]
}

/// Imports OCI archives, on whatever thread it is called.
pub(super) fn importer(layout: &Layout) -> impl Fn(&[PathBuf]) -> Result<()> + Send + 'static {
    let (program, environment) = (layout.kit.bin("ctr"), environment(layout));
    move |archives| import_with(|| ctr(&program, &environment), archives)
}

/// Imports OCI archives into the node whose command this is called in.
pub fn load(archives: &[PathBuf]) -> Result<()> {
    if std::env::var_os(ADDRESS).is_none() {
        bail!("there is no node here: `cluster load` belongs into the command of `cluster run --node`");
    }
    import_with(|| Command::new("ctr"), archives)
}

fn import_with(ctr: impl Fn() -> Command, archives: &[PathBuf]) -> Result<()> {
    for archive in archives {
        tools::succeed(ctr().args(["images", "import"]).arg(archive))
            .with_context(|| format!("the image archive {}", archive.display()))?;
    }
    // The part of containerd that the kubelet asks hears of images a moment later, and marks them then.
    let started = Instant::now();
    let unknown = r#"labels."io.cri-containerd.image"!=managed"#;
    loop {
        let images = tools::succeed(ctr().args(["images", "list", "--quiet", unknown]))?;
        if images.trim().is_empty() {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            bail!("containerd does not offer these images to the kubelet: {}", images.trim());
        }
        std::thread::sleep(PAUSE);
    }
}

fn ctr(program: &Path, environment: &[(&'static str, OsString)]) -> Command {
    let mut ctr = Command::new(program);
    ctr.envs(environment.iter().map(|(name, value)| (name, value)));
    ctr
}

fn configure(layout: &Layout) -> Result<PathBuf> {
    let runc = tools::on_path("runc").context("runc is not on PATH (Debian: apt-get install runc)")?;
    let configuration = include_str!("../../manifests/containerd.toml")
        .replace("{folder}", &layout.folder.to_string_lossy())
        .replace("{network}", &network::configure_pods(&layout.folder)?.to_string_lossy())
        .replace("{network-plugins}", &layout.kit.network_plugins()?.to_string_lossy())
        .replace("{pause-image}", PAUSE_IMAGE)
        .replace("{runc}", &runc.to_string_lossy())
        .replace("{snapshotter}", snapshotter(&layout.folder));
    let file = layout.folder.join("containerd.toml");
    fs::write(&file, configuration)?;
    Ok(file)
}

/// In a container the folder is often an overlay itself, which cannot be the base of another one.
fn snapshotter(folder: &Path) -> &'static str {
    let kind = tools::run("stat", [Path::new("--file-system"), Path::new("--format=%T"), folder]);
    if kind.is_ok_and(|kind| kind.trim() == "overlayfs") { "native" } else { "overlayfs" }
}
