//! The operator as a process, and what it costs.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use serin_cluster::Cluster;

/// The operator; ends with this value.
pub struct Operator(Child);

/// The unit of `/proc/PID/stat`: a hundredth of a second on every Linux that matters.
const TICK: Duration = Duration::from_millis(10);

impl Operator {
    /// Starts the operator on the whole cluster.
    pub fn start(serin: &Path, cluster: &Cluster) -> anyhow::Result<Self> {
        let mut command = Command::new(serin);
        command.args(["operator", "--lease-namespace", "default", "--admin-addr", "127.0.0.1:0"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = cluster.configure(&mut command).spawn();
        child.map(Self).with_context(|| format!("cannot start {}", serin.display()))
    }

    /// CPU time used so far.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        // Counted from the state that follows the name: user time is the 12th field, system time the 13th.
        let ticks: u32 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// Resident memory in MiB, now and at its highest.
    pub fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let mib = |field: &str| {
            let line = status.lines().find(|line| line.starts_with(field)).unwrap_or_default();
            let kib: f64 =
                line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(f64::NAN);
            kib / 1024.0
        };
        Ok((mib("VmRSS:"), mib("VmHWM:")))
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
