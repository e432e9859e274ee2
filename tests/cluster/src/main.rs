//! `cluster`: builds, starts and lends a Kubernetes cluster.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use serin_cluster::node::{self, Node};
use serin_cluster::{Cluster, Kit, Options};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const PAUSE: Duration = Duration::from_millis(100);
/// The exit code that says: not on this machine.
const IMPOSSIBLE: u8 = 3;

#[derive(Parser)]
#[command(
    about = "A real Kubernetes control plane with fake nodes, or a real one, built from source, ready in seconds"
)]
struct Args {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build what is missing of the programs; minutes the first time, nothing later
    Build {
        /// Also what a real node needs
        #[arg(long)]
        node: bool,
        /// Also a gateway, and the real node that it runs on
        #[arg(long)]
        gateway: bool,
    },
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
    /// Import images into the real node whose command this is run by
    Load {
        /// OCI archives
        #[arg(required = true, value_name = "FILE")]
        archives: Vec<PathBuf>,
    },
    /// Can this machine be a real node? If not, say why and exit with code 3
    CanNode,
    /// What `--node` runs as the first process of the new namespaces
    #[command(hide = true)]
    NodeInit {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// What that runs in turn
    #[command(hide = true)]
    NodeInside {
        #[arg(long)]
        folder: PathBuf,
        #[arg(long = "image")]
        images: Vec<PathBuf>,
        #[arg(long)]
        gateway_api: bool,
        #[arg(long)]
        gateway: bool,
        #[arg(last = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args)]
struct Place {
    /// Keep the cluster's files, with its logs and its audit log, in this folder
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Read kwok Stages from this file too; may be repeated
    #[arg(long = "stage", value_name = "FILE", conflicts_with = "node")]
    stages: Vec<PathBuf>,
    /// With a real node in place of the fake ones: in namespaces of its own, where the command is as well
    #[arg(long)]
    node: bool,
    /// Import an OCI archive into the real node; may be repeated
    #[arg(long = "image", value_name = "FILE", requires = "node")]
    images: Vec<PathBuf>,
    /// Install the Gateway API in the cluster with the real node; with fake nodes it always is
    #[arg(long, requires = "node")]
    gateway_api: bool,
    /// Install Envoy Gateway on the real node, with its own Gateway API, and set SERIN_GATEWAY to the address of its
    /// Gateway `eg`
    #[arg(long, requires = "node", conflicts_with = "gateway_api")]
    gateway: bool,
}

impl Place {
    fn into_node_options(self) -> node::Options {
        node::Options {
            dir: self.dir,
            images: self.images,
            gateway_api: self.gateway_api,
            gateway: self.gateway,
        }
    }

    fn into_options(self) -> Options {
        Options { dir: self.dir, stages: self.stages }
    }
}

fn main() -> ExitCode {
    perform(Args::parse().command).unwrap_or_else(|error| {
        eprintln!("cluster: {error:#}");
        ExitCode::from(if error.is::<node::Impossible>() { IMPOSSIBLE } else { 1 })
    })
}

fn perform(task: Task) -> Result<ExitCode> {
    match task {
        Task::Build { gateway: true, .. } => Kit::with_gateway().map(drop)?,
        Task::Build { node: true, .. } => Kit::with_node().map(drop)?,
        Task::Build { .. } => Kit::ready().map(drop)?,
        Task::Bin => println!("{}", Kit::ready()?.bin_folder().display()),
        Task::Up { place } if place.node => return attend(place, &[]),
        Task::Up { place } => {
            let cluster = Cluster::start(place.into_options())?;
            println!("export KUBECONFIG={}", cluster.kubeconfig().display());
            println!("export SERIN_AUDIT_LOG={}", cluster.audit_log().display());
            return keep(cluster);
        }
        Task::Run { place, command } if place.node => return attend(place, &command),
        Task::Run { place, command } => {
            return lend(&Cluster::start(place.into_options())?, &command);
        }
        Task::Load { archives } => node::load(&archives)?,
        Task::CanNode => node::check()?,
        Task::NodeInit { arguments } => return Ok(ExitCode::from(node::init(&arguments)?)),
        Task::NodeInside { folder, images, gateway_api, gateway, command } => {
            let options = node::Options { dir: Some(folder), images, gateway_api, gateway };
            let cluster = node::start_inside(options)?;
            if !command.is_empty() {
                return lend(&cluster, &command);
            }
            println!("{}", node::way_in(&cluster)?);
            return keep(cluster);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps a cluster until a signal.
fn keep(mut cluster: Cluster) -> Result<ExitCode> {
    let mut signals = signals()?;
    eprintln!("cluster: running at {} until Ctrl-C; files in {}", cluster.url(), cluster.dir().display());
    while signals.pending().next().is_none() {
        cluster.check()?;
        std::thread::sleep(PAUSE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command with a cluster.
fn lend(cluster: &Cluster, command: &[OsString]) -> Result<ExitCode> {
    let mut signals = signals()?;
    let (program, args) = command.split_first().context("no command given")?;
    let mut child = cluster
        .configure(&mut Command::new(program))
        .args(args)
        .spawn()
        .with_context(|| format!("{} does not start", program.display()))?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(exit_code(status));
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

/// Waits for a real node, and for the command that it is there for.
fn attend(place: Place, command: &[OsString]) -> Result<ExitCode> {
    let mut node = Node::start(&place.into_node_options(), command)?;
    let mut signals = signals()?;
    loop {
        if let Some(status) = node.try_wait()? {
            return Ok(exit_code(status));
        }
        for signal in signals.pending() {
            if signal != SIGINT || command.is_empty() {
                node.terminate();
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Called once the cluster runs: before that a signal ends this process at once, and what it has started.
fn signals() -> Result<Signals> {
    Ok(Signals::new([SIGINT, SIGTERM, SIGHUP])?)
}

fn exit_code(status: ExitStatus) -> ExitCode {
    // A shell's way of telling which signal it was.
    let code = status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may have ended in this moment, which is as well.
        let _ = kill_process(pid, Signal::TERM);
    }
}
