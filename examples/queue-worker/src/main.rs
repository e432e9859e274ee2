//! A worker that knows whether it is the canary, and learns without a restart that it is not any more.
//!
//! ```text
//! /etc/podinfo/labels ── watch ──> settings ──> consumer ──> acknowledge
//!                                      └────────────┴──────> http: / /healthz /readyz
//! ```

mod acknowledge;
mod broker;
mod consumer;
mod http;
mod settings;
mod tools;
mod watch;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::builder::BoolishValueParser;
use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch as state;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::acknowledge::OwnPod;
use crate::consumer::{Progress, Worker};
use crate::http::{App, Kind};
use crate::settings::{RoleOnly, Settings};
use crate::watch::Labels;

/// What a shell says of who ends by that signal.
const KILLED_BY_SIGTERM: i32 = 128 + 15;

/// A queue worker that takes its role, its broker and its queue from the labels of its pod.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    work: Work,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Work on the queue that the labels name. The same as no command at all.
    Work(Work),
    /// Publish numbered messages to a queue.
    Produce(tools::Produce),
    /// Print what the workers say they have done.
    Receipts(tools::Receipts),
    /// Print how many messages wait in a queue.
    Depth(tools::Depth),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// What SIGTERM does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum End {
    /// What has begun is finished.
    Orderly,
    /// The process is gone in that moment, as one is that does not know the signal.
    AtOnce,
}

#[derive(Clone, Debug, clap::Args)]
struct Work {
    /// Where to serve /, /healthz and /readyz.
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// The file that the downward API makes of metadata.labels.
    #[arg(long, env = "LABELS_FILE", default_value = "/etc/podinfo/labels")]
    labels_file: PathBuf,
    /// The file is read this often also when nothing says that it has changed.
    #[arg(long, env = "REREAD_SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    reread_seconds: u64,
    /// Only serve HTTP: a web application that knows its version and, if there are labels, its role.
    #[arg(long)]
    no_queue: bool,
    /// QUEUE=off is --no-queue.
    #[arg(long, env = "QUEUE", value_enum, default_value = "on", hide = true)]
    queue_mode: Switch,
    /// How long the work on one message takes.
    #[arg(long, env = "WORK_MS", default_value_t = 5)]
    work_ms: u64,
    /// How many messages the broker may send ahead.
    #[arg(long, env = "PREFETCH", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    prefetch: u16,
    /// For each message that is done, publish a receipt to this queue before acknowledging the message.
    #[arg(long, env = "RECEIPTS_QUEUE", default_value = "")]
    receipts_queue: String,
    /// After SIGTERM serve HTTP for so long; messages are not taken any more in any case.
    #[arg(long, env = "DRAIN_SECONDS", default_value_t = 0)]
    drain_seconds: u64,
    /// What SIGTERM does; `at-once` is for tests of who may end when.
    #[arg(long, env = "END", value_enum, default_value = "orderly", hide = true)]
    end: End,
    /// The version to show.
    #[arg(long, env = "APP_VERSION", default_value = "unknown")]
    app_version: String,
    /// The name of this pod.
    #[arg(long, env = "POD_NAME", default_value = "unknown")]
    pod_name: String,
    /// The namespace of this pod.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pod_namespace: String,
    /// Annotate this pod with the role that it has taken up.
    #[arg(
        long, env = "ACKNOWLEDGE_ROLE", value_parser = BoolishValueParser::new(), action = ArgAction::Set,
        num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true"
    )]
    acknowledge_role: bool,
    /// What to log: error, warn, info, debug or trace, also by module.
    #[arg(long, env = "RUST_LOG", default_value = "info")]
    log: String,
    #[command(flatten)]
    access: broker::Access,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("queue-worker: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match cli.command {
            None => work(cli.work).await,
            Some(Command::Work(args)) => work(args).await,
            // In a container these are process 1, which no signal ends unless it asks for that.
            Some(Command::Produce(args)) => unless_stopped(tools::produce(&args)).await,
            Some(Command::Receipts(args)) => unless_stopped(tools::receipts(&args)).await,
            Some(Command::Depth(args)) => unless_stopped(tools::depth(&args)).await,
        }
    });
    // Not by dropping it: that would wait for a name resolution that is under way.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("queue-worker: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn work(args: Work) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&args.log).with_context(|| format!("--log {}", args.log))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    // Before anything else: from here on SIGTERM means the orderly end.
    let stop = stop_signal()?;
    if args.end == End::AtOnce {
        tokio::spawn(end_at_once(stop.clone()));
    }
    let listener =
        TcpListener::bind(args.listen).await.with_context(|| format!("listen on {}", args.listen))?;
    info!(version = args.app_version, pod = args.pod_name, listen = %listener.local_addr()?, "started");

    let (taken_up, roles) = state::channel(None);
    if args.acknowledge_role {
        let pod = OwnPod { name: args.pod_name.clone(), namespace: args.pod_namespace.clone() };
        tokio::spawn(acknowledge::each_role(roles, pod, acknowledge::client));
    }
    let (kind, job) = if args.no_queue || args.queue_mode == Switch::Off {
        let labels = follow::<RoleOnly>(&args);
        let job = tokio::spawn(take_up_each_role(labels.clone(), taken_up, stop.clone()));
        (Kind::Web { labels }, job)
    } else {
        let labels = follow::<Settings>(&args);
        let (progress, seen) = state::channel(Progress::default());
        let worker = Worker {
            labels: labels.clone(),
            stop: stop.clone(),
            progress,
            taken_up,
            access: args.access.clone(),
            prefetch: args.prefetch,
            work: Duration::from_millis(args.work_ms),
            receipts: Some(args.receipts_queue.clone()).filter(|queue| !queue.is_empty()),
            version: args.app_version.clone(),
            pod: args.pod_name.clone(),
        };
        let job = tokio::spawn(async move { worker.run().await });
        (Kind::Worker { labels, progress: seen }, job)
    };

    let app = App { version: args.app_version, pod: args.pod_name, kind };
    let (close, closing) = state::channel(false);
    let mut server = tokio::spawn(http::serve(listener, app, until_true(closing)));
    let drained = async {
        until_true(stop).await;
        info!(drain_seconds = args.drain_seconds, "stopping");
        tokio::time::sleep(Duration::from_secs(args.drain_seconds)).await;
        Ok(())
    };
    tokio::select! {
        // The job ends after the signal, or at once if there is a mistake in it.
        finished = async { tokio::try_join!(job, drained) } => finished.map(|_| ()).context("the worker has failed")?,
        ended = &mut server => ended.context("the server has failed")??,
    }
    close.send_replace(true);
    if tokio::time::timeout(Duration::from_secs(1), server).await.is_err() {
        warn!("ending with requests that have begun and do not end");
    }
    info!("stopped");
    Ok(())
}

fn follow<T>(args: &Work) -> state::Receiver<Labels<T>>
where
    T: DeserializeOwned + PartialEq + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    watch::follow(args.labels_file.clone(), Duration::from_secs(args.reread_seconds))
}

/// Without a queue a role is taken up by reading it.
async fn take_up_each_role(
    mut labels: state::Receiver<Labels<RoleOnly>>,
    taken_up: state::Sender<Option<String>>,
    stop: state::Receiver<bool>,
) {
    let each = async {
        loop {
            let role = labels.borrow_and_update().settings.as_ref().map(|labels| labels.role.clone());
            if role.is_some() {
                taken_up.send_if_modified(|taken_up| std::mem::replace(taken_up, role.clone()) != role);
            }
            if labels.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = each => {}
        () = until_true(stop) => {}
    }
}

/// Becomes true with SIGTERM, which is how Kubernetes ends a pod, or with Ctrl-C.
fn stop_signal() -> anyhow::Result<state::Receiver<bool>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT")?;
    let (stop, receiver) = state::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        // Kept until the end: whoever listens is told that it stops, and not that nobody speaks any more.
        stop.closed().await;
    });
    Ok(receiver)
}

/// In the middle of whatever is going on.
async fn end_at_once(stop: state::Receiver<bool>) {
    until_true(stop).await;
    std::process::exit(KILLED_BY_SIGTERM)
}

async fn until_true(mut receiver: state::Receiver<bool>) {
    // An error means that it cannot become true any more.
    if receiver.wait_for(|value| *value).await.is_err() {
        error!("the signals are not heard any more");
    }
}

async fn unless_stopped(tool: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::select! {
        result = tool => result,
        () = until_true(stop_signal()?) => anyhow::bail!("stopped"),
    }
}
