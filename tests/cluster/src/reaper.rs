//! Ends what this process has started, should it have no chance to do so itself.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context, Result};

/// What stays of ended programs.
pub(crate) struct Leftovers<'a> {
    pub folder: Option<&'a Path>,
    /// With the groups below them.
    pub cgroups: &'a [PathBuf],
}

/// A shell that kills the programs once this process is gone, even by SIGKILL; dropped, it just ends.
///
/// It reads a pipe that only this process holds open. The parent-death signal of Linux would not do: it
/// needs `unsafe` here, and it fires when the *thread* that started the child ends, as test threads do.
pub(crate) struct Reaper {
    shell: Child,
    orders: Option<ChildStdin>,
}

impl Reaper {
    /// A control group is busy for a moment after its last process has been killed.
    const SCRIPT: &str = r#"
        trap '' HUP INT TERM
        pids=
        while read -r order; do
            [ "$order" = dismissed ] && exit 0
            pids="$pids $order"
        done
        [ -z "$pids" ] || kill -KILL $pids
        [ -z "$*" ] || sleep 1
        folder=$1
        shift
        for group; do
            for attempt in 1 2 3 4 5 6 7 8 9 10; do
                find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
                [ -d "$group" ] || break
                sleep 0.5
            done
        done
        [ -z "$folder" ] || rm -rf -- "$folder"
    "#;

    pub(crate) fn start(leftovers: &Leftovers<'_>) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", Self::SCRIPT, "reaper"]);
        shell.arg(leftovers.folder.unwrap_or(Path::new(""))).args(leftovers.cgroups);
        // No inherited output: it would keep a caller's pipe open after the caller has ended.
        shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut shell = shell.spawn().context("/bin/sh does not start")?;
        let orders = shell.stdin.take();
        Ok(Self { shell, orders })
    }

    pub(crate) fn watch(&mut self, pid: u32) -> Result<()> {
        self.order(&pid.to_string())
    }

    fn order(&mut self, line: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the reaper has no pipe")?;
        writeln!(orders, "{line}").context("the reaper is gone")
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        let _ = self.order("dismissed");
        let _ = self.shell.wait();
    }
}
