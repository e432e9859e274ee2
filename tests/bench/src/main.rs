//! Prints how fast and how small Serin is: latencies of single canaries, a wave of them, drift, and rest.
//!
//! Everything runs on one machine: a real control plane, pods that become ready at once, and the operator as a
//! process. The floor is measured in the same run: the same API calls made one after the other by nobody who thinks.

mod audit;
mod floor;
mod lane;
mod operator;
mod rest;
mod single;
mod stats;
mod wave;
mod world;

use std::path::PathBuf;

use clap::Parser;
use serin_cluster::{Cluster, Options};

/// Measures the operator on a real control plane.
#[derive(Parser)]
struct Args {
    /// The operator's binary; an optimised build, or the numbers mean nothing.
    #[arg(long, env = "SERIN_BIN")]
    serin: PathBuf,
    /// The CRDs to install.
    #[arg(long, default_value = "crds/rollouts.serin.dev.yaml")]
    crds: PathBuf,
    /// Repetitions of each single measurement.
    #[arg(long, default_value_t = 10)]
    repeat: usize,
    /// Foreign writes that are put back.
    #[arg(long, default_value_t = 240)]
    drift: usize,
    /// Rollouts that are in the middle of a canary while others are aborted.
    #[arg(long, default_value_t = 300)]
    busy: usize,
    /// Aborts meanwhile.
    #[arg(long, default_value_t = 60)]
    aborts: usize,
    /// Seconds from step to step of those that are busy.
    #[arg(long, default_value_t = 5)]
    pause: u64,
    /// Rollouts in the wave.
    #[arg(long, default_value_t = 300)]
    wave: usize,
    /// Seconds of rest to count requests in.
    #[arg(long, default_value_t = 30)]
    rest: u64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // Without it the first TLS connection would panic, or not, by the order of things.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cluster = tokio::task::block_in_place(|| Cluster::start(Options::default()))?;
    cluster.kubectl(&["apply", "--filename", &args.crds.to_string_lossy()])?;
    cluster.kubectl(&["wait", "--for=condition=Established", "crd/rollouts.serin.dev", "--timeout=20s"])?;
    println!("On {} cores; {} repetitions; pods become ready at once.", cores(), args.repeat);

    let world = world::World::connect(&cluster.kubeconfig()).await?;
    floor::measure(&world, args.repeat).await?;
    let operator = operator::Operator::start(&args.serin, &cluster)?;
    single::measure(&world, &cluster.audit_log(), args.repeat).await?;
    rest::drift(&world, args.drift).await?;
    wave::measure(&world, &operator, args.wave).await?;
    let load = lane::Load { rollouts: args.busy, aborts: args.aborts, pause: args.pause };
    lane::measure(&world, &operator, &cluster.audit_log(), load).await?;
    rest::idle(&operator, &cluster.audit_log(), args.rest).await
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
