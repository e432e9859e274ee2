//! What is done first inside of the new namespaces.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};

use super::{mounts, network, outside};
use crate::cluster::Cluster;

/// Process 1 of the namespace: runs this program again with other arguments and answers its exit code.
///
/// It waits for everybody else's children as well, since theirs become its own when they end: each container
/// has one. When it ends, the kernel ends all others.
pub fn init(arguments: &[OsString]) -> Result<u8> {
    let child = Command::new(std::env::current_exe()?).args(arguments).spawn()?;
    let child = i32::try_from(child.id())?;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid.as_raw_nonzero().get() == child => {
                // A shell's way of telling which signal it was.
                let code = status.exit_status().or(status.terminating_signal().map(|signal| 128 + signal));
                return Ok(u8::try_from(code.unwrap_or(1)).unwrap_or(1));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("waiting for the cluster"),
        }
    }
}

pub(super) fn arrange(folder: &Path) -> Result<()> {
    // Still the outer /proc, where this process has its outer number.
    fs::write(outside::pid_file(folder), fs::read_link("/proc/self")?.as_os_str().as_encoded_bytes())?;
    mounts::arrange(folder)?;
    network::arrange()
}

/// Puts `cluster` on the command's PATH, for `cluster load`.
pub(super) fn link_program(folder: &Path) -> Result<()> {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin)?;
    let link = bin.join("cluster");
    symlink(std::env::current_exe()?, &link).with_context(|| link.display().to_string())
}

pub(super) fn way_in(cluster: &Cluster) -> Result<String> {
    let pid = fs::read_to_string(outside::pid_file(cluster.dir()))?;
    let mut settings = String::new();
    let mut shell = Command::new("");
    for (name, value) in cluster.configure(&mut shell).get_envs() {
        if let Some(value) = value {
            settings.push_str(&format!(" {}='{}'", name.display(), value.display()));
        }
    }
    Ok(format!("nsenter --target {pid} --mount --pid --net --cgroup env{settings} bash"))
}
