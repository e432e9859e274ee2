//! Where and when it is played: what a number means nothing without.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use serin_node::site::root;

pub struct Setting {
    began: Instant,
    seed: u64,
    commit: String,
    /// How much else the machine had to do, looked at after every scene.
    loads: Vec<f64>,
    scenes: BTreeMap<&'static str, usize>,
}

impl Setting {
    pub fn of(seed: u64) -> Self {
        let setting = Self {
            began: Instant::now(),
            seed,
            commit: commit(),
            loads: vec![load()],
            scenes: BTreeMap::new(),
        };
        println!("At commit {}, seed {seed}", setting.commit);
        setting
    }

    pub fn seconds(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    /// One more scene of a kind.
    pub fn played(&mut self, what: &'static str) {
        *self.scenes.entry(what).or_default() += 1;
        self.loads.push(load());
    }

    pub fn told(&self) -> String {
        let scenes: Vec<String> =
            self.scenes.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = self.loads.iter().copied().fold(0.0, f64::max);
        let mut sorted = self.loads.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        format!(
            "Played: {}; seed {}, commit {}, {cores} cores, load average {middle:.1} (median), {most:.1} (most)",
            scenes.join(", "),
            self.seed,
            self.commit
        )
    }
}

/// The average of the last minute: runnable programs on all cores together, these here included.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// With a word about what is not committed.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root()).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let is_clean = git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    if is_clean { commit } else { format!("{commit} with changes") }
}
