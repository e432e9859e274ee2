//! The loop: gather, plan, apply, fold, and again until nothing is left to do.
//!
//! The controller does not wait for the echo of its own writes: their answers are in the caches before the next plan
//! is made. It decides nothing: see the engine.

mod memory;
mod reconcile;
mod roster;

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serin_api::Names;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};
use tracing::{debug, warn};

use crate::apply::{Applier, Failure};
use crate::clock::Clock;
use crate::events::EventQueue;
use crate::metrics::Metrics;
use crate::preflight::desk::Desk;
use crate::triggers::{Key, Wake};
use serin_process::caches::Caches;
use serin_process::queue::Queue;
use serin_process::recovery::backoff;

pub use memory::{Memories, Memory};
pub use roster::Roster;

/// How many Rollouts that may not wait are worked on beside as many others as may be at once.
const RESERVE: usize = 4;

/// Everything that a reconcile works with.
pub struct Context {
    pub names: Arc<Names>,
    pub caches: Arc<Caches>,
    pub applier: Applier,
    pub events: EventQueue,
    pub metrics: Metrics,
    pub clock: Clock,
    pub roster: Roster,
    pub preflight: Desk,
}

/// Reconciles until `stop` resolves, then finishes what is under way.
///
/// `wakes` says which Rollouts something has happened to. No Rollout is reconciled twice at the same time, and none that
/// may have to lose traffic waits behind those that have not.
pub async fn run(
    context: Arc<Context>,
    mut wakes: UnboundedReceiver<Wake>,
    concurrency: u16,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let mut queue = Queue::new(concurrency.into(), RESERVE);
    let mut running = FuturesUnordered::new();
    tokio::pin!(stop);
    loop {
        while let Ok(Wake { key, urgency }) = wakes.try_recv() {
            queue.wake(key, urgency);
        }
        while let Some(key) = queue.next(Instant::now()) {
            running.push(turn(key, &context));
        }
        let due = queue.due();
        tokio::select! {
            () = &mut stop => break,
            wake = wakes.recv() => match wake {
                Some(Wake { key, urgency }) => queue.wake(key, urgency),
                None => break,
            },
            Some((key, again)) = running.next() => queue.done(key, again.map(|after| Instant::now() + after)),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
    while running.next().await.is_some() {}
}

/// One reconcile, and how long until the next one if nothing happens before.
async fn turn(key: Key, context: &Context) -> (Key, Option<Duration>) {
    let busy = context.events.busy();
    let started = Instant::now();
    let outcome = reconcile::reconcile(&key, context).await;
    context.metrics.observe_reconcile(started.elapsed());
    drop(busy);
    let again = match outcome {
        Ok(again) => again,
        Err(failure) => Some(after_failure(&key, &failure, context)),
    };
    debug!(namespace = key.namespace, rollout = key.name, ?again, "reconciled");
    (key, again)
}

fn after_failure(key: &Key, failure: &Failure, context: &Context) -> Duration {
    let failures = context.roster.memories.failed(key);
    context.metrics.count_error(failure.category);
    warn!(namespace = key.namespace, rollout = key.name, failures, error = %failure, "reconcile failed; trying again");
    Duration::try_from(backoff(failures)).unwrap_or_default()
}

#[cfg(test)]
pub mod tests;
