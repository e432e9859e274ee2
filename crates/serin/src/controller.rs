//! The loop: gather, plan, apply, fold, and again until nothing is left to do.
//!
//! The controller does not wait for the echo of its own writes: their answers are in the caches before the next plan
//! is made. It decides nothing: see the engine.

mod memory;
mod reconcile;
mod root;
mod roster;

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use kube::runtime::controller::{Action, Config};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::{Controller, WatchStreamExt, reflector};
use serin_api::{Names, RolloutApi};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{debug, warn};

use crate::apply::{Applier, Failure};
use crate::clock::Clock;
use crate::events::EventQueue;
use crate::metrics::Metrics;
use crate::preflight::desk::Desk;
use crate::triggers::Key;
use serin_process::caches::Caches;
use serin_process::recovery::backoff;

pub use memory::{Memories, Memory, Rest};
pub use root::{Root, RootEvent};
pub use roster::Roster;

/// Everything that a reconcile works with.
pub struct Context {
    pub api: RolloutApi,
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
/// `roots` says which Rollouts exist; `wakes` which of them something has happened to. The first complete list in
/// `roots` starts the work, so it must not be sent before the caches are complete.
pub async fn run(
    context: Arc<Context>,
    roots: UnboundedReceiver<RootEvent>,
    wakes: UnboundedReceiver<Key>,
    concurrency: u16,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let api = context.api;
    let writer = reflector::store::Writer::<Root>::new(api);
    let store = writer.as_reader();
    let roots = received(roots).map(Ok).reflect(writer).touched_objects();
    let wakes = received(wakes).map(move |key| ObjectRef::new_with(&key.name, api).within(&key.namespace));
    Controller::for_stream_with(roots, store, api)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(wakes)
        .graceful_shutdown_on(stop)
        .run(reconcile_root, error_policy, context)
        .for_each(|outcome| async move {
            match outcome {
                Ok((object, action)) => debug!(%object, ?action, "reconciled"),
                Err(error) => debug!(%error, "reconcile ended early"),
            }
        })
        .await;
}

fn received<T>(receiver: UnboundedReceiver<T>) -> impl Stream<Item = T> {
    stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|item| (item, receiver)))
}

async fn reconcile_root(root: Arc<Root>, context: Arc<Context>) -> Result<Action, Failure> {
    let _busy = context.events.busy();
    let started = tokio::time::Instant::now();
    let outcome = reconcile::reconcile(&Key::of(&*root), &context).await;
    context.metrics.observe_reconcile(started.elapsed());
    outcome
}

fn error_policy(root: Arc<Root>, failure: &Failure, context: Arc<Context>) -> Action {
    let key = Key::of(&*root);
    let failures = context.roster.memories.failed(&key);
    context.metrics.count_error(failure.category);
    warn!(namespace = key.namespace, rollout = key.name, failures, error = %failure, "reconcile failed; trying again");
    Action::requeue(Duration::try_from(backoff(failures)).unwrap_or_default())
}

#[cfg(test)]
pub mod tests;
