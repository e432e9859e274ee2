//! The life of a process, from its flags to its exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serin_api::Names;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tracing::{error, info, warn};

use crate::args::{Cli, Command, OperatorArgs};
use crate::clock::Clock;
use crate::leading::{Setup, lead};
use crate::lease::{Candidate, Claim, Leadership, Settings, identity};
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::stop::Stop;
use crate::{admin, bundle, client, events, explain, logging, plan, preflight, probe, release, replay};

/// The gate that is closed from winning the lease until the caches are complete.
const CACHES: &str = "caches";

/// How long work that is under way may take to end. A pod is killed after 30 s.
const WIND_DOWN: Duration = Duration::from_secs(15);

/// How long Events that are still queued may take.
const FLUSH: Duration = Duration::from_secs(3);

/// Does what the command line asks for. The exit code is 0 on success and after a request to end, and 1 after a
/// failure or the loss of the lease, so that the process is started again.
pub fn run(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Crds(args) => print_crds(args.api()),
        Command::Operator(args) => {
            logging::start(&args.log).map_err(Into::into).and_then(|()| block_on(operator(args)))
        }
        Command::Release(args) => {
            logging::start(&args.log).map_err(Into::into).and_then(|()| block_on(release::run(args)))
        }
        Command::Probe(args) => block_on(probe::run(args)),
        Command::Explain(args) => block_on(explain::run(args)),
        Command::Bundle(args) => block_on(bundle::run(args)),
        Command::Replay(args) => replay::run(args),
        Command::Plan(args) => block_on(plan::run(args)),
        Command::Preflight(args) => block_on(preflight::run(args)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Also on the terminal of somebody who has asked for no logs.
            if tracing::enabled!(tracing::Level::ERROR) {
                error!("{failure:#}")
            } else {
                eprintln!("serin: {failure:#}")
            }
            ExitCode::FAILURE
        }
    }
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(work);
    // Waits for nothing: a look-up of a host name that hangs must not keep alive a process that has lost its lease.
    runtime.shutdown_background();
    done
}

fn print_crds(api: serin_api::RolloutApi) -> anyhow::Result<()> {
    print(&serde_yaml::to_string(&serin_api::crd(api))?)
}

/// Prints what was asked for.
///
/// # Errors
/// Standard output cannot be written.
pub fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // The reader has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

async fn operator(args: OperatorArgs) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    let (metrics, readiness, identity) = (Metrics::new(), Readiness::default(), identity());
    info!(version = env!("CARGO_PKG_VERSION"), identity, "serin starts");
    let clients = client::connect().await?;
    let listener = TcpListener::bind(args.admin_addr)
        .await
        .with_context(|| format!("cannot listen on {}", args.admin_addr))?;
    let admin = tokio::spawn(admin::serve(listener, metrics.clone(), readiness.clone()));

    let namespace = args.lease.namespace(&clients.namespace).to_owned();
    let leadership = if args.leader_elect {
        let settings = Settings::new(namespace, args.lease.lease_name.clone(), identity.clone());
        let candidate = Candidate::new(clients.lease, settings, Clock::system());
        tokio::select! {
            leadership = candidate.acquire() => Some(leadership),
            () = stop.clone().requested() => return Ok(()),
        }
    } else {
        info!("leading without a lease: no second process may run");
        None
    };
    let claim = leadership.as_ref().map_or_else(Claim::unconditional, Leadership::claim);
    readiness.close(CACHES);
    metrics.set_leader(true);

    let (api, clock) = (args.api.api(), Clock::system());
    let names = Arc::new(Names::for_group(api.group));
    let (events, publisher) =
        events::queue(clients.main.clone(), Arc::clone(&names), clock.clone(), identity);
    let publisher = tokio::spawn(publisher.run());
    let setup = Setup {
        client: clients.main,
        claim: claim.clone(),
        api,
        names,
        namespace: args.scope.namespace().map(str::to_owned),
        concurrency: args.concurrency,
        events,
        metrics,
        clock,
    };
    let mut work = tokio::spawn(lead(setup, move || readiness.open(CACHES), stop.clone().requested()));

    tokio::select! {
        // In this order, because the work may have ended already on the same request.
        biased;
        () = claim.lost() => bail!("ending because the lease is lost"),
        () = stop.requested() => {}
        ended = &mut work => {
            ended?;
            bail!("ending because the controller has ended");
        }
        ended = admin => {
            ended??;
            bail!("ending because the admin server has ended");
        }
    }
    tokio::select! {
        () = claim.lost() => bail!("lost the lease while ending"),
        ended = timeout(WIND_DOWN, &mut work) => if ended.is_err() {
            work.abort();
            warn!("work under way was cut off after {} s", WIND_DOWN.as_secs());
        }
    }
    // With the work the last sender of Events is gone, and the publisher ends when it has told them.
    if timeout(FLUSH, publisher).await.is_err() {
        warn!("some Events were not published");
    }
    if let Some(leadership) = leadership {
        leadership.release().await;
    }
    Ok(())
}
