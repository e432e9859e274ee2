//! Keeps a cache in step with the API server, for ever and through every error.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, pin_mut};
use kube::api::ListParams;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_kind};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use serin_process::cache::{Cache, Changed};
use serin_process::error::brief;

/// How often a kind is asked for that the API server does not know, or whose list hung.
const RESTART: Duration = Duration::from_secs(10);

/// How long the next page of a list may take. A watch notices by itself when its connection is dead; a list does not.
const LIST_PATIENCE: Duration = Duration::from_secs(60);

/// How long the look-up of one object may take.
const LOOK_UP: Duration = Duration::from_secs(5);

/// How often the same watch may complain.
const COMPLAINTS: Duration = Duration::from_secs(60);

/// Watches one kind into `cache` and calls `on_change` with every change. Never returns.
///
/// Errors are logged and retried, with delays that grow from 0.8 s to 30 s. A kind that the API server does not know
/// makes the cache complete and empty (see [`Cache::is_served`]) and is asked for again every 10 s.
pub async fn run_watch<K>(
    api: Api<K>,
    kind: K::DynamicType,
    config: watcher::Config,
    cache: Arc<Cache<K>>,
    on_change: impl Fn(Changed<K>) + Send + Sync,
) where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut watch = Watch::new(resource_name::<K>(&kind), config, cache, on_change);
    loop {
        watch.until_lost(&api).await;
        sleep(RESTART).await;
    }
}

/// One kind that is watched into a cache.
struct Watch<K, F> {
    config: watcher::Config,
    cache: Arc<Cache<K>>,
    on_change: F,
    log: WatchLog,
    unknown_before: bool,
}

impl<K, F> Watch<K, F>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
    F: Fn(Changed<K>) + Send + Sync,
{
    fn new(resource: String, config: watcher::Config, cache: Arc<Cache<K>>, on_change: F) -> Self {
        Self { config, cache, on_change, log: WatchLog::new(resource), unknown_before: false }
    }

    fn tell(&self, changed: Changed<K>) {
        if !changed.is_empty() {
            (self.on_change)(changed);
        }
    }

    /// Watches until the kind is unknown, or the watch hangs. A watcher that met "not found" may go on asking for changes
    /// since a version of the lost kind: a new one has to begin, with a list.
    async fn until_lost(&mut self, api: &Api<K>) {
        let stream = watch_kind(api.clone(), self.config.clone()).default_backoff();
        pin_mut!(stream);
        let mut listing = false;
        loop {
            let patience = if listing { LIST_PATIENCE } else { Duration::MAX };
            let Ok(Some(event)) = timeout(patience, stream.next()).await else { return self.log.stalled() };
            match event {
                Ok(event) => {
                    let (begun, listed) = (matches!(event, Event::Init), matches!(event, Event::InitDone));
                    listing = begun || listing && !listed;
                    self.tell(self.cache.apply_event(event));
                    if !begun {
                        self.log.recovered();
                    }
                    if listed {
                        self.unknown_before = false;
                        check_unlisted(api, &self.cache, &|changed| self.tell(changed)).await;
                    }
                }
                Err(error) if is_unknown_kind(&error) => return self.is_unknown(),
                Err(error) => {
                    listing = false;
                    self.log.failed(&error);
                }
            }
        }
    }

    /// An API server that has just started may not have loaded its CRDs yet. So a kind that was known is given up, with
    /// all its objects, only when the answer is repeated.
    fn is_unknown(&mut self) {
        if self.unknown_before || !self.cache.is_synced() {
            self.tell(self.cache.not_served());
        }
        self.log.not_served();
        self.unknown_before = true;
    }
}

/// Looks up the objects that the last list lacked although we had just written them.
async fn check_unlisted<K>(api: &Api<K>, cache: &Cache<K>, on_change: &impl Fn(Changed<K>))
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
{
    for object in cache.take_unlisted() {
        let meta = object.meta();
        let (Some(name), Some(uid)) = (&meta.name, &meta.uid) else { continue };
        let namespace = meta.namespace.as_deref().unwrap_or_default();
        // A list of one, because an `Api` of all namespaces cannot get by name.
        let mut fields = format!("metadata.name={name}");
        if !namespace.is_empty() {
            fields.push_str(&format!(",metadata.namespace={namespace}"));
        }
        match timeout(LOOK_UP, api.list(&ListParams::default().fields(&fields))).await {
            Ok(Ok(found)) if found.items.iter().any(|found| found.meta().uid.as_ref() == Some(uid)) => {}
            Ok(Ok(_)) => on_change(cache.deleted(namespace, name, uid)),
            // It stays in doubt. A write to it will be answered with "not found", which settles it too.
            Ok(Err(error)) => {
                debug!(%error, name, namespace, "could not look up an object that a list lacked")
            }
            Err(_) => debug!(name, namespace, "no answer about an object that a list lacked"),
        }
    }
}

fn is_unknown_kind(error: &watcher::Error) -> bool {
    matches!(
        error,
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) if status.code == 404
    )
}

fn is_forbidden(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status.code == 403,
        watcher::Error::WatchError(status) => status.code == 403,
        _ => false,
    }
}

/// Whether the error is part of every watch's life: its version grew too old, or its connection was closed.
fn is_routine(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::WatchError(status) => status.code == 410,
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) => status.code == 410,
        watcher::Error::WatchFailed(kube::Error::Api(_) | kube::Error::SerdeError(_)) => false,
        watcher::Error::WatchFailed(_) => true,
        _ => false,
    }
}

/// One line, without the client's debug output of the same.
fn brief_of(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => brief(error),
        watcher::Error::WatchError(status) => format!("{}: {}", status.code, status.message),
        watcher::Error::NoResourceVersion => error.to_string(),
    }
}

fn resource_name<K: Resource>(kind: &K::DynamicType) -> String {
    match (K::plural(kind), K::group(kind)) {
        (plural, group) if group.is_empty() => plural.into_owned(),
        (plural, group) => format!("{plural}.{group}"),
    }
}

/// Says what goes wrong with a watch, without repeating itself at every retry.
struct WatchLog {
    resource: String,
    last: Option<Instant>,
    unserved: bool,
}

impl WatchLog {
    fn new(resource: String) -> Self {
        Self { resource, last: None, unserved: false }
    }

    fn failed(&mut self, error: &watcher::Error) {
        let resource = &self.resource;
        if is_routine(error) || self.last.is_some_and(|last| last.elapsed() < COMPLAINTS) {
            debug!(resource, error = brief_of(error), "watch interrupted");
            return;
        }
        self.last = Some(Instant::now());
        if is_forbidden(error) {
            warn!(
                resource,
                error = brief_of(error),
                "permission missing: this operator's role must allow list and watch on {resource}"
            );
        } else {
            warn!(resource, error = brief_of(error), "watch failed; trying again");
        }
    }

    fn stalled(&mut self) {
        self.last = Some(Instant::now());
        warn!(resource = self.resource, "the list hung; trying again");
    }

    fn not_served(&mut self) {
        if !std::mem::replace(&mut self.unserved, true) {
            warn!(
                resource = self.resource,
                "the API server does not know this kind (is its CRD installed?); asking every {} s",
                RESTART.as_secs()
            );
        }
    }

    fn recovered(&mut self) {
        let (complained, unserved) = (self.last.take().is_some(), std::mem::take(&mut self.unserved));
        if complained || unserved {
            info!(resource = self.resource, "watch works again");
        }
    }
}

mod routes;

pub use routes::{api_of, run_route_watch, served_version};

#[cfg(test)]
mod tests;
