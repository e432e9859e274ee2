//! The caches of everything that plans are made from, and what of it concerns one Rollout.

mod routes;

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use serin_api::Rollout;
use serin_api::route::RouteId;
use serin_engine::objects::{EndpointSlice, Pod, ReplicaSet, Service};
use serin_engine::observe::{self, Objects, controller_uid, references};

use crate::cache::{Cache, IndexKey};

pub use routes::{RouteCache, RouteCaches};

/// The label that names an EndpointSlice's Service.
pub const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// One cache for each watched kind.
pub struct Caches {
    pub rollouts: Arc<Cache<Rollout>>,
    pub replica_sets: Arc<Cache<ReplicaSet>>,
    pub pods: Arc<Cache<Pod>>,
    pub services: Arc<Cache<Service>>,
    pub slices: Arc<Cache<EndpointSlice>>,
    pub routes: RouteCaches,
}

/// What objects are looked up by. Prefixes keep the kinds of keys apart.
pub mod key {
    use super::RouteId;

    /// Rollouts and EndpointSlices, by the Service that they refer to.
    pub fn service(namespace: &str, name: &str) -> String {
        format!("service/{namespace}/{name}")
    }

    /// Rollouts, by the route that they refer to.
    pub fn route(RouteId { kind, namespace, name }: &RouteId) -> String {
        format!("{}/{namespace}/{name}", kind.plural())
    }

    /// ReplicaSets and pods, by the uid of their controller.
    pub fn owner(uid: &str) -> String {
        format!("owner/{uid}")
    }

    /// ReplicaSets without a controller, and all Rollouts, by namespace.
    pub fn namespace(namespace: &str) -> String {
        format!("namespace/{namespace}")
    }
}

impl Default for Caches {
    fn default() -> Self {
        Self::new()
    }
}

impl Caches {
    /// Empty caches.
    pub fn new() -> Self {
        Self {
            rollouts: Arc::new(Cache::new(rollout_keys, drop_last_applied)),
            replica_sets: Arc::new(Cache::new(replica_set_keys, |_| {})),
            pods: Arc::new(Cache::new(pod_keys, |_| {})),
            services: Arc::new(Cache::new(|_| Vec::new(), keep_identity)),
            slices: Arc::new(Cache::new(slice_keys, keep_service_name)),
            routes: RouteCaches::new(),
        }
    }

    /// Caches of their own that hold what these hold. The objects themselves are shared.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            rollouts: Arc::new(self.rollouts.fork()),
            replica_sets: Arc::new(self.replica_sets.fork()),
            pods: Arc::new(self.pods.fork()),
            services: Arc::new(self.services.fork()),
            slices: Arc::new(self.slices.fork()),
            routes: self.routes.fork(),
        }
    }

    /// Returns when every cache holds a complete list.
    pub async fn wait_synced(&self) {
        self.rollouts.wait_synced().await;
        self.replica_sets.wait_synced().await;
        self.pods.wait_synced().await;
        self.services.wait_synced().await;
        self.slices.wait_synced().await;
        self.routes.wait_synced().await;
    }

    /// The objects that concern one Rollout, or `None` where it does not exist.
    pub fn objects_of(&self, namespace: &str, name: &str) -> Option<Objects> {
        let rollout = self.rollouts.get(namespace, name)?;
        let references = references(&rollout);
        let mut replica_sets = self.replica_sets.by_index(&key::owner(uid_of(&*rollout)));
        let orphans = self.replica_sets.by_index(&key::namespace(namespace));
        replica_sets.extend(orphans.into_iter().filter(|orphan| observe::could_own(&rollout, orphan)));
        let pods =
            replica_sets.iter().flat_map(|owner| self.pods.by_index(&key::owner(uid_of(&**owner)))).collect();
        let mut services = BTreeMap::new();
        let mut slices = BTreeMap::new();
        let mut rivals: Vec<Arc<Rollout>> = Vec::new();
        for service in references.services {
            let by_service = key::service(namespace, &service);
            slices.insert(service.clone(), self.slices.by_index(&by_service));
            rivals.extend(
                self.rollouts.by_index(&by_service).into_iter().filter(|other| !Arc::ptr_eq(other, &rollout)),
            );
            if let Some(found) = self.services.get(namespace, &service) {
                services.insert(service, found);
            }
        }
        let route = |id: RouteId| self.routes.get(&id).map(|route| (id, route));
        Some(Objects {
            name_holder: self.replica_sets.get(namespace, &observe::next_replica_set_name(&rollout)),
            routes: references.routes.into_iter().filter_map(route).collect(),
            rollout,
            replica_sets,
            pods,
            services,
            slices,
            rivals,
            namespace_terminating: false,
            route_versions: self.routes.versions(),
        })
    }
}

fn uid_of<K: Resource>(object: &K) -> &str {
    object.meta().uid.as_deref().unwrap_or_default()
}

fn namespace_of<K: Resource>(object: &K) -> &str {
    object.meta().namespace.as_deref().unwrap_or_default()
}

fn rollout_keys(rollout: &Rollout) -> Vec<IndexKey> {
    let namespace = namespace_of(rollout);
    let references = references(rollout);
    let services = references.services.iter().map(|name| key::service(namespace, name));
    let routes = references.routes.iter().map(key::route);
    services.chain(routes).chain([key::namespace(namespace)]).map(String::into_boxed_str).collect()
}

fn replica_set_keys(replica_set: &ReplicaSet) -> Vec<IndexKey> {
    let key = match controller_uid(replica_set) {
        Some(uid) => key::owner(uid),
        None => key::namespace(namespace_of(replica_set)),
    };
    vec![key.into_boxed_str()]
}

fn pod_keys(pod: &Pod) -> Vec<IndexKey> {
    let owners = pod.metadata.owner_references.iter().flatten();
    owners
        .filter(|owner| owner.controller == Some(true))
        .map(|owner| key::owner(&owner.uid).into_boxed_str())
        .collect()
}

fn slice_keys(slice: &EndpointSlice) -> Vec<IndexKey> {
    let labels = slice.metadata.labels.as_ref();
    let service = labels.and_then(|labels| labels.get(SERVICE_NAME));
    service.map(|service| key::service(namespace_of(slice), service).into_boxed_str()).into_iter().collect()
}

/// `kubectl apply` notes the whole manifest on each object that it writes, template and all.
fn drop_last_applied(rollout: &mut Rollout) {
    if let Some(annotations) = &mut rollout.metadata.annotations {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
}

/// Of an EndpointSlice's metadata nothing else is asked about.
fn keep_service_name(slice: &mut EndpointSlice) {
    let metadata = &mut slice.metadata;
    metadata.annotations = None;
    metadata.owner_references = None;
    if let Some(labels) = &mut metadata.labels {
        labels.retain(|name, _| name == SERVICE_NAME);
    }
}

/// Most Services and routes of a cluster are nobody's: of their metadata only what identifies them is kept.
fn keep_identity<K: Resource>(object: &mut K) {
    let metadata = object.meta_mut();
    metadata.labels = None;
    metadata.annotations = None;
    metadata.owner_references = None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_nobody_asks_about_is_not_kept() {
        let mut rollout: Rollout =
            serde_json::from_value(json!({"metadata": {"name": "web", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}", "serin.dev/abort": "current",
            }}}))
            .unwrap();
        drop_last_applied(&mut rollout);
        let kept: Vec<_> = rollout.metadata.annotations.unwrap().into_keys().collect();
        assert_eq!(kept, ["serin.dev/abort"]);

        let mut slice: EndpointSlice = serde_json::from_value(json!({"metadata": {
            "name": "web-1", "labels": {SERVICE_NAME: "web", "app": "web"}, "annotations": {"a": "b"},
        }}))
        .unwrap();
        keep_service_name(&mut slice);
        assert_eq!(slice_keys(&slice), ["service//web".into()]);
        assert_eq!((slice.metadata.labels.unwrap().len(), slice.metadata.annotations), (1, None));
    }
}
