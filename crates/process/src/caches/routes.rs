//! The caches of routes: one for each kind, each at the version that the API server knows.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use serin_api::route::{ROUTE_VERSIONS, RouteId, RouteKind};
use serin_engine::objects::Route;

use crate::cache::Cache;

/// A cache for each kind of route.
pub struct RouteCaches(BTreeMap<RouteKind, RouteCache>);

/// The routes of one kind.
pub struct RouteCache {
    pub cache: Arc<Cache<Route>>,
    version: RwLock<String>,
}

impl RouteCaches {
    pub(super) fn new() -> Self {
        let empty = || RouteCache {
            cache: Arc::new(Cache::new(|_| Vec::new(), super::keep_identity)),
            version: RwLock::new(ROUTE_VERSIONS[0].to_owned()),
        };
        Self(RouteKind::ALL.into_iter().map(|kind| (kind, empty())).collect())
    }

    pub(super) fn fork(&self) -> Self {
        let fork = |of: &RouteCache| RouteCache {
            cache: Arc::new(of.cache.fork()),
            version: RwLock::new(of.version()),
        };
        Self(self.0.iter().map(|(kind, of)| (*kind, fork(of))).collect())
    }

    pub(super) async fn wait_synced(&self) {
        for of in self.0.values() {
            of.cache.wait_synced().await;
        }
    }

    /// The routes of a kind.
    ///
    /// # Panics
    /// Never: there is a cache for every kind.
    pub fn of(&self, kind: RouteKind) -> &RouteCache {
        &self.0[&kind]
    }

    /// One route.
    pub fn get(&self, id: &RouteId) -> Option<Arc<Route>> {
        self.of(id.kind).cache.get(&id.namespace, &id.name)
    }

    /// The kinds that the API server knows, as far as it was heard, each with the version that is asked for.
    pub fn versions(&self) -> BTreeMap<RouteKind, String> {
        let served = self.0.iter().filter(|(_, of)| of.cache.is_served());
        served.map(|(kind, of)| (*kind, of.version())).collect()
    }
}

impl RouteCache {
    /// The version that is read and written.
    pub fn version(&self) -> String {
        self.version.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes which version is read and written from now on.
    pub fn asks_for(&self, version: &str) {
        version.clone_into(&mut self.version.write().unwrap_or_else(PoisonError::into_inner));
    }
}
