//! Can this machine be a node?

use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::cgroups::Cgroups;
use crate::tools;

/// Each program with the Debian package that has it.
const PROGRAMS: [(&str, &str); 7] = [
    ("runc", "runc"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("mount", "mount"),
    ("umount", "mount"),
];

/// Does what a node does first, and leaves with the namespaces it was done in.
const TRIAL: &str = "
    set -e
    mount -t tmpfs tmpfs /run
    ip link add node0 type bridge
    ip link add one type veth peer name other
    nft add table ip trial
";

/// Why this machine cannot be a node, in one line, with the way out where there is one.
#[derive(Debug)]
pub struct Impossible(String);

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no real node is possible on this machine: {}", self.0)
    }
}

impl std::error::Error for Impossible {}

/// Looks for what a node needs, and tries whether the kernel lets it.
pub fn check() -> Result<(), Impossible> {
    if !cfg!(target_os = "linux") {
        return Err(Impossible("it is no Linux".to_owned()));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Impossible("it takes root, as in `sudo -E`".to_owned()));
    }
    programs()?;
    if !Path::new("/dev/kmsg").exists() {
        return Err(Impossible("/dev/kmsg is missing, which the kubelet reads".to_owned()));
    }
    trial()?;
    Cgroups::create("serin-trial").map(drop).map_err(|error| Impossible(format!("{error:#}")))
}

fn programs() -> Result<(), Impossible> {
    let path = tools::administration_path();
    let missing: Vec<_> = PROGRAMS.iter().filter(|(name, _)| tools::find(name, &path).is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    let (names, packages) = (names.join(", "), packages.join(" "));
    Err(Impossible(format!("not on PATH: {names} (Debian: apt-get install {packages})")))
}

fn trial() -> Result<(), Impossible> {
    let mut unshare = Command::new("unshare");
    unshare.args([
        "--mount",
        "--propagation=private",
        "--pid",
        "--fork",
        "--net",
        "--cgroup",
        "sh",
        "-c",
        TRIAL,
    ]);
    let trial = unshare.env("PATH", tools::administration_path()).output();
    let trial = trial.map_err(|error| Impossible(format!("unshare does not start: {error}")))?;
    if trial.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&trial.stderr);
    let reason = said.lines().next().unwrap_or("for no given reason").trim();
    Err(Impossible(format!("the kernel refuses (a container has to be privileged): {reason}")))
}
