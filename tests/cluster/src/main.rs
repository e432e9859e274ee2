//! `cluster`: builds, starts and lends a Kubernetes control plane.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use serin_cluster::{Cluster, Kit, Options};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const PAUSE: Duration = Duration::from_millis(100);

#[derive(Parser)]
#[command(
    about = "A real Kubernetes control plane with fake nodes, built from source and started in seconds"
)]
struct Args {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build what is missing of the programs; minutes the first time, nothing later
    Build,
    /// Print the folder of the built programs
    Bin,
    /// Start a cluster and keep it until Ctrl-C or SIGTERM
    Up {
        #[command(flatten)]
        place: Place,
    },
    /// Start a cluster, run a command with KUBECONFIG, PATH and SERIN_AUDIT_LOG set, and stop it again
    Run {
        #[command(flatten)]
        place: Place,
        #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args)]
struct Place {
    /// Keep the cluster's files, with its logs and its audit log, in this folder
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Read kwok Stages from this file too; may be repeated
    #[arg(long = "stage", value_name = "FILE")]
    stages: Vec<PathBuf>,
}

impl From<Place> for Options {
    fn from(place: Place) -> Self {
        Self { dir: place.dir, stages: place.stages }
    }
}

fn main() -> ExitCode {
    let outcome = match Args::parse().command {
        Task::Build => Kit::ready().map(|_| ExitCode::SUCCESS),
        Task::Bin => Kit::ready().map(|kit| {
            println!("{}", kit.bin_folder().display());
            ExitCode::SUCCESS
        }),
        Task::Up { place } => up(place.into()),
        Task::Run { place, command } => run(place.into(), &command),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("cluster: {error:#}");
        ExitCode::FAILURE
    })
}

fn up(options: Options) -> Result<ExitCode> {
    let mut cluster = Cluster::start(options)?;
    let mut signals = signals()?;
    println!("export KUBECONFIG={}", cluster.kubeconfig().display());
    println!("export SERIN_AUDIT_LOG={}", cluster.audit_log().display());
    eprintln!("cluster: running at {} until Ctrl-C; files in {}", cluster.url(), cluster.dir().display());
    while signals.pending().next().is_none() {
        cluster.check()?;
        std::thread::sleep(PAUSE);
    }
    Ok(ExitCode::SUCCESS)
}

fn run(options: Options, command: &[OsString]) -> Result<ExitCode> {
    let cluster = Cluster::start(options)?;
    let mut signals = signals()?;
    let (program, args) = command.split_first().context("no command given")?;
    let mut child = cluster
        .configure(&mut Command::new(program))
        .args(args)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    loop {
        if let Some(status) = child.try_wait()? {
            // A shell's way of telling which signal it was.
            let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)));
        }
        for signal in signals.pending() {
            // Ctrl-C reaches the command by itself, as it is in the same terminal group.
            if signal != SIGINT {
                terminate(&child);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Called once the cluster runs: before that a signal ends this process at once, and what it has started.
fn signals() -> Result<Signals> {
    Ok(Signals::new([SIGINT, SIGTERM, SIGHUP])?)
}

fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended in this moment, which is as well.
        let _ = kill_process(pid, Signal::TERM);
    }
}
