//! Watches of routes, at whichever version the API server has them.

use std::sync::Arc;

use kube::runtime::watcher;
use kube::{Api, Client};
use serin_api::route::{ROUTE_GROUP, ROUTE_VERSIONS, RouteKind};
use serin_engine::objects::{Route, RouteApi};
use serin_process::cache::Changed;
use serin_process::caches::Caches;
use tokio::time::sleep;

use super::{RESTART, Watch};

/// Watches the routes of one kind into their cache, as [`super::run_watch`] does. Never returns.
///
/// Which version the API server has them at is asked when the watch begins, and again when it has lost them: so a CRD that
/// is installed later, or that serves another version from then on, is found within 10 s.
pub async fn run_route_watch(
    client: Client,
    namespace: Option<String>,
    kind: RouteKind,
    caches: Arc<Caches>,
    on_change: impl Fn(Changed<Route>) + Send + Sync,
) {
    let of = caches.routes.of(kind);
    let resource = format!("{}.{ROUTE_GROUP}", kind.plural());
    let mut watch = Watch::new(resource, watcher::Config::default(), Arc::clone(&of.cache), on_change);
    loop {
        match served_version(&client, kind).await {
            Ok(Some(version)) => {
                of.asks_for(version);
                let api = RouteApi { kind, version: version.to_owned() };
                watch.until_lost(&api_of(&client, namespace.as_deref(), &api)).await;
            }
            Ok(None) => watch.is_unknown(),
            Err(error) => watch.log.failed(&watcher::Error::InitialListFailed(error)),
        }
        sleep(RESTART).await;
    }
}

/// The routes of one kind, in one namespace or all.
pub fn api_of(client: &Client, namespace: Option<&str>, api: &RouteApi) -> Api<Route> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, api),
        None => Api::all_with(client.clone(), api),
    }
}

/// The best version of a kind that the API server has and Serin understands; nothing where it has none.
///
/// # Errors
/// The API server cannot be asked.
pub async fn served_version(client: &Client, kind: RouteKind) -> kube::Result<Option<&'static str>> {
    for version in ROUTE_VERSIONS {
        match client.list_api_group_resources(&format!("{ROUTE_GROUP}/{version}")).await {
            Ok(list) if list.resources.iter().any(|resource| resource.name == kind.plural()) => {
                return Ok(Some(version));
            }
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
