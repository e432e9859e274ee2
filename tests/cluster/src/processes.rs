//! The running programs of one cluster: their logs, their early deaths and their end.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::reaper::{Leftovers, Reaper};

const TAIL_LINES: usize = 25;

/// Children of this process that end when it does: dropped, killed or crashed.
pub(crate) struct Processes {
    running: Vec<Running>,
    reaper: Reaper,
    logs: PathBuf,
}

struct Running {
    name: String,
    child: Child,
}

impl Processes {
    /// `folder` is what to remove should this process be killed and have no chance to do so itself.
    pub(crate) fn new(logs: &Path, folder: Option<&Path>) -> Result<Self> {
        std::fs::create_dir_all(logs)?;
        let reaper = Reaper::start(&Leftovers { folder, cgroups: &[] })?;
        Ok(Self { running: Vec::new(), reaper, logs: logs.to_path_buf() })
    }

    pub(crate) fn start(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let log = File::create(self.log(name))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C in a terminal reaches the whole group: the cluster has to outlive the command that uses it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("{name} does not start"))?;
        self.reaper.watch(child.id())?;
        self.running.push(Running { name: name.to_owned(), child });
        Ok(())
    }

    /// Fails with the end of its log when a program has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        for running in &mut self.running {
            if let Some(status) = running.child.try_wait()? {
                let name = &running.name;
                bail!("{name} ended early ({status}):\n{}", tail(&self.logs.join(format!("{name}.log"))));
            }
        }
        Ok(())
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    pub(crate) fn tail(&self, name: &str) -> String {
        tail(&self.log(name))
    }

    pub(crate) fn pids(&self) -> Vec<u32> {
        self.running.iter().map(|running| running.child.id()).collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // Killed outright: nothing a cluster holds is worth the seconds of an orderly stop.
        for running in &mut self.running {
            let _ = running.child.kill();
        }
        for running in &mut self.running {
            let _ = running.child.wait();
        }
        // Only then the reaper has nothing left to do.
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}
