//! What is outside of the namespaces: the process that made them, and what has to go with it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::cgroups::Cgroups;
use super::{Options, preflight};
use crate::folder::Folder;
use crate::reaper::{Leftovers, Reaper};
use crate::tools;

/// Puts itself into control groups, up to `--`, and becomes the program after that.
const ENTER: &str = r#"
    while [ "$1" != -- ]; do
        echo $$ > "$1/cgroup.procs" || exit 1
        shift
    done
    shift
    exec "$@"
"#;

/// A node and a command that uses it; both end with the value, and with this process.
pub struct Node {
    child: Child,
    // Before the folder: a group goes once its last process, which may be writing, has gone.
    _groups: Cgroups,
    folder: Folder,
    // The last to go: until then something may be left for it to do.
    _reaper: Reaper,
}

impl Node {
    /// Starts this very program in new namespaces, where it starts a cluster and then the command; without a
    /// command it keeps the cluster until it is told to end.
    pub fn start(options: &Options, command: &[OsString]) -> Result<Self> {
        preflight::check()?;
        super::kit(options)?;
        let folder = Folder::new(options.dir.as_deref())?;
        if folder.path().starts_with("/run") || folder.path().starts_with("/var/run") {
            bail!(
                "{} cannot be the node's folder: it has a /run of its own (see --dir, TMPDIR)",
                folder.path().display()
            );
        }
        let groups = Cgroups::create("serin-node")?;
        let leftovers = Leftovers { folder: folder.temporary(), cgroups: groups.paths() };
        let mut reaper = Reaper::start(&leftovers)?;
        let child = inside(&folder, &groups, options, command)?.spawn().context("unshare does not start")?;
        reaper.watch(child.id())?;
        Ok(Self { child, _groups: groups, folder, _reaper: reaper })
    }

    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Tells the process inside to end; it passes that on to the command.
    pub fn terminate(&mut self) {
        match fs::read_to_string(pid_file(self.folder.path())).ok().and_then(|pid| pid.trim().parse().ok()) {
            Some(pid) => {
                // It may have ended in this moment, which is as well.
                let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, Signal::TERM));
            }
            // There is nothing inside yet.
            None => self.kill(),
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // With it the first process of the namespaces ends, and with that all others.
        self.kill();
        let _ = self.child.wait();
    }
}

/// Holds the number of the process that started the cluster, as it is known outside.
pub(super) fn pid_file(folder: &Path) -> PathBuf {
    folder.join("node.pid")
}

/// The namespace of control groups begins at the groups themselves, the programs are one below.
fn inside(folder: &Folder, groups: &Cgroups, options: &Options, command: &[OsString]) -> Result<Command> {
    let mut inside = Command::new("sh");
    inside.env("PATH", tools::administration_path());
    inside.args(["-c", ENTER, "enter"]).args(groups.paths()).args(["--", "unshare", "--cgroup"]);
    inside.args(["sh", "-c", ENTER, "enter"]).args(groups.programs()).args(["--", "unshare"]);
    inside.args(["--mount", "--propagation=private", "--pid", "--net", "--fork", "--kill-child"]);
    inside.arg(std::env::current_exe()?).arg("node-init").args(arguments(folder.path(), options, command)?);
    Ok(inside)
}

/// As `main` reads them.
fn arguments(folder: &Path, options: &Options, command: &[OsString]) -> Result<Vec<OsString>> {
    let mut arguments = vec![OsString::from("node-inside"), "--folder".into(), folder.into()];
    for image in &options.images {
        if !image.is_file() {
            bail!("there is no image archive {}", image.display());
        }
        arguments.extend(["--image".into(), std::path::absolute(image)?.into()]);
    }
    arguments.extend(options.gateway_api.then(|| "--gateway-api".into()));
    arguments.extend(options.gateway.then(|| "--gateway".into()));
    arguments.push("--".into());
    arguments.extend(command.iter().map(OsStr::new).map(OsStr::to_owned));
    Ok(arguments)
}
