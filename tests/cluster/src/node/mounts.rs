//! The files of the node, apart from those of the machine where the two would meet.
//!
//! Some places cannot be configured away: containerd and the network plugins write below `/run` and
//! `/var/lib/cni`, the kubelet below `/var/lib/kubelet` and `/var/log/containers`. The machine has none of
//! these afterwards, not even as an empty folder to mount something on.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};

use super::{ADDRESS, cgroups, dns};
use crate::tools;

/// Where mirrored folders are seen while they are being covered.
const BEHIND: &str = "/run/behind";

/// The kubelet sets these for the whole machine, unless it finds them set.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

pub(super) fn arrange(folder: &Path) -> Result<()> {
    mount(["-t", "proc", "proc", "/proc"])?;
    // Hides the machine's services too: no program of the node is to ask systemd for anything.
    tmpfs(Path::new("/run"))?;
    mirror(Path::new("/var/lib"), &["cni", "containerd", "kubelet"])?;
    mirror(Path::new("/var/log"), &["containers", "pods"])?;
    let kubelet = folder.join("kubelet");
    fs::create_dir_all(&kubelet)?;
    fs::create_dir("/var/lib/kubelet")?;
    bind(&kubelet, Path::new("/var/lib/kubelet"))?;
    remount_cgroups()?;
    pretend_kernel_settings(folder)?;
    resolve_services(folder)?;
    // Volumes that the kubelet mounts have to reach the containers. Last: what is covered above would
    // otherwise be covered behind its cover as well.
    mount(["--make-rshared", "/"])
}

/// Covers a folder with an empty one in which all that was there is seen again, apart from the names to hide:
/// what is added to it afterwards is not added to the machine's.
fn mirror(folder: &Path, hidden: &[&str]) -> Result<()> {
    let behind = Path::new(BEHIND);
    fs::create_dir_all(behind)?;
    recursively_bind(folder, behind)?;
    tmpfs(folder)?;
    for entry in fs::read_dir(behind)? {
        let entry = entry?;
        let (kind, name, place) = (entry.file_type()?, entry.file_name(), folder.join(entry.file_name()));
        if hidden.iter().any(|hidden| name == *hidden) {
            continue;
        }
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, place)?;
        } else if kind.is_dir() {
            fs::create_dir(&place)?;
            recursively_bind(&entry.path(), &place)?;
        } else {
            File::create(&place)?;
            bind(&entry.path(), &place)?;
        }
    }
    tools::run("umount", ["--lazy", BEHIND])?;
    Ok(fs::remove_dir(behind)?)
}

/// Shows the groups as the namespace has them, its own at the top.
fn remount_cgroups() -> Result<()> {
    for hierarchy in cgroups::hierarchies()? {
        let place = hierarchy.mount.to_string_lossy().into_owned();
        tools::run("umount", [&place])?;
        match hierarchy.version {
            2 => mount(["-t", "cgroup2", "cgroup2", &place])?,
            _ => mount(["-t", "cgroup", "-o", &hierarchy.options, "cgroup", &place])?,
        }
    }
    Ok(())
}

fn pretend_kernel_settings(folder: &Path) -> Result<()> {
    for (name, value) in KERNEL_SETTINGS {
        let (pretended, real) = (folder.join("kernel").join(name), Path::new("/proc/sys").join(name));
        if real.exists() {
            fs::create_dir_all(pretended.parent().context("a setting is in a folder")?)?;
            fs::write(&pretended, format!("{value}\n"))?;
            bind(&pretended, &real)?;
        }
    }
    Ok(())
}

/// The command knows the names of Services as pods do. No other name is known: nothing leads out of here.
fn resolve_services(folder: &Path) -> Result<()> {
    let file = dns::resolver_configuration(folder);
    fs::write(&file, format!("nameserver {ADDRESS}\nsearch {}\n", dns::DOMAIN))?;
    let place = Path::new("/etc/resolv.conf");
    // Where it is a link into /run, it leads nowhere now.
    if place.exists() { bind(&file, place) } else { Ok(()) }
}

fn tmpfs(place: &Path) -> Result<()> {
    mount([
        Path::new("-t"),
        Path::new("tmpfs"),
        Path::new("-o"),
        Path::new("mode=755"),
        Path::new("tmpfs"),
        place,
    ])
}

fn bind(what: &Path, place: &Path) -> Result<()> {
    mount([Path::new("--bind"), what, place])
}

fn recursively_bind(what: &Path, place: &Path) -> Result<()> {
    mount([Path::new("--rbind"), what, place])
}

fn mount<Arg: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = Arg>) -> Result<()> {
    tools::run("mount", args).map(drop)
}
