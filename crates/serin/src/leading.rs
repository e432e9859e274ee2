//! What a process does while it leads: watch, and reconcile.
//!
//! The watches start only now, so that every plan of a new leader is made from lists that are younger than its lease.

use std::sync::Arc;

use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::route::RouteKind;
use serin_api::{Names, Rollout, RolloutApi};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tracing::info;

use crate::apply::Applier;
use crate::clock::Clock;
use crate::controller::{self, Context, Memories, Roster};
use crate::events::EventQueue;
use crate::lease::Claim;
use crate::metrics::Metrics;
use crate::preflight::desk::Desk;
use crate::triggers::{self, Wake};
use crate::watch::{run_route_watch, run_watch};
use serin_process::cache::{Cache, Changed};
use serin_process::caches::{Caches, SERVICE_NAME};

/// What leading needs.
pub struct Setup {
    pub client: Client,
    pub claim: Claim,
    pub api: RolloutApi,
    pub names: Arc<Names>,
    /// The only namespace to watch; all of them when absent.
    pub namespace: Option<String>,
    pub concurrency: u16,
    pub events: EventQueue,
    pub metrics: Metrics,
    pub clock: Clock,
}

/// Watches and reconciles until `stop` resolves, then finishes what is under way. `synced` is called once, when every
/// cache is complete and the first plan is about to be made.
pub async fn lead(
    setup: Setup,
    synced: impl FnOnce(),
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) {
    let caches = Arc::new(Caches::new());
    let (wakes, woken) = unbounded_channel();
    let roster = Roster { memories: Memories::default(), metrics: setup.metrics.clone() };
    let watches = Watches { setup: &setup, caches: &caches, wakes: &wakes };
    let mut tasks = watches.start(&roster);
    caches.wait_synced().await;
    info!(rollouts = caches.rollouts.all().len(), "caches are complete");
    synced();
    let existing = caches.rollouts.all();
    wake(&wakes, existing.iter().map(|rollout| triggers::of_start(rollout, &setup.names)).collect());
    let Setup { client, claim, names, concurrency, events, metrics, clock, .. } = setup;
    let preflight = Desk::new(client.clone(), wakes.clone());
    let applier = Applier { client, claim, metrics: metrics.clone() };
    let context = Context { names, caches, applier, events, metrics, clock, roster, preflight };
    controller::run(Arc::new(context), woken, concurrency, stop).await;
    tasks.shutdown().await;
}

struct Watches<'s> {
    setup: &'s Setup,
    caches: &'s Arc<Caches>,
    wakes: &'s UnboundedSender<Wake>,
}

impl Watches<'_> {
    fn start(&self, roster: &Roster) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        let all = watcher::Config::default();
        let with_label = |label: &str| watcher::Config::default().labels(label);
        let (caches, wakes, roster) = (Arc::clone(self.caches), self.wakes.clone(), roster.clone());
        let names = Arc::clone(&self.setup.names);
        let api: Api<Rollout> = match &self.setup.namespace {
            Some(namespace) => Api::namespaced_with(self.setup.client.clone(), namespace, &self.setup.api),
            None => Api::all_with(self.setup.client.clone(), &self.setup.api),
        };
        tasks.spawn(run_watch(
            api,
            self.setup.api,
            all.clone(),
            Arc::clone(&self.caches.rollouts),
            move |changed| {
                roster.follow(&changed);
                wake(&wakes, triggers::of_rollouts(&caches, &changed, &names));
            },
        ));
        let labelled = with_label(POD_TEMPLATE_HASH);
        self.watch(&mut tasks, &self.caches.replica_sets, labelled.clone(), triggers::of_replica_sets);
        self.watch(&mut tasks, &self.caches.pods, labelled, triggers::of_pods);
        self.watch(&mut tasks, &self.caches.services, all, triggers::of_services);
        self.watch(&mut tasks, &self.caches.slices, with_label(SERVICE_NAME), triggers::of_slices);
        for kind in RouteKind::ALL {
            let (caches, wakes) = (Arc::clone(self.caches), self.wakes.clone());
            let concerned = Arc::clone(self.caches);
            let (client, namespace) = (self.setup.client.clone(), self.setup.namespace.clone());
            tasks.spawn(run_route_watch(client, namespace, kind, caches, move |changed| {
                wake(&wakes, triggers::of_routes(kind, &concerned, &changed));
            }));
        }
        tasks
    }

    fn watch<K>(
        &self,
        tasks: &mut JoinSet<()>,
        cache: &Arc<Cache<K>>,
        config: watcher::Config,
        concerns: fn(&Caches, &Changed<K>) -> Vec<Wake>,
    ) where
        K: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let api: Api<K> = match &self.setup.namespace {
            Some(namespace) => Api::namespaced(self.setup.client.clone(), namespace),
            None => Api::all(self.setup.client.clone()),
        };
        let (caches, wakes) = (Arc::clone(self.caches), self.wakes.clone());
        tasks.spawn(run_watch(api, (), config, Arc::clone(cache), move |changed| {
            wake(&wakes, concerns(&caches, &changed));
        }));
    }
}

fn wake(wakes: &UnboundedSender<Wake>, all: Vec<Wake>) {
    for one in all {
        // The receiver lives as long as the controller; without it there is nobody to wake.
        let _ = wakes.send(one);
    }
}
