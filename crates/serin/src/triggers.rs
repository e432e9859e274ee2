//! Which Rollouts a change concerns, and which of them may not wait.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serin_api::rollout::KIND;
use serin_api::route::{RouteId, RouteKind};
use serin_api::{Names, Rollout};
use serin_engine::haste;
use serin_engine::objects::{EndpointSlice, Pod, ReplicaSet, Route, Service};

use serin_process::cache::{Change, Changed};
use serin_process::caches::{Caches, SERVICE_NAME, key};
use serin_process::queue::Urgency;

/// The namespace and name of a Rollout.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub namespace: String,
    pub name: String,
}

impl Key {
    /// The key of an object.
    pub fn of<K: Resource>(object: &K) -> Self {
        let metadata = object.meta();
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }
}

/// A Rollout that something has happened to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake {
    pub key: Key,
    pub urgency: Urgency,
}

impl Wake {
    /// One that waits for its turn.
    pub fn routine(key: Key) -> Self {
        Self { key, urgency: Urgency::Routine }
    }

    fn of(key: Key, is_urgent: bool) -> Self {
        Self { key, urgency: if is_urgent { Urgency::Urgent } else { Urgency::Routine } }
    }
}

/// A process that starts looks at every Rollout.
pub fn of_start(rollout: &Rollout, names: &Names) -> Wake {
    Wake::of(Key::of(rollout), haste::of_rollout(None, rollout, names))
}

/// A Rollout concerns itself, and those that name one of its Services.
pub fn of_rollouts(caches: &Caches, changed: &Changed<Rollout>, names: &Names) -> Vec<Wake> {
    let (mut wakes, mut keys) = (Vec::new(), Vec::new());
    for change in changed.iter() {
        let urgent = change
            .after
            .as_ref()
            .is_some_and(|after| haste::of_rollout(change.before.as_deref(), after, names));
        let own = change.before.iter().chain(&change.after).map(|rollout| Key::of(&**rollout));
        wakes.extend(own.map(|key| Wake::of(key, urgent)));
        // Only who is there, and what it names, matters to others.
        if change.before.is_none() || change.after.is_none() || references_changed(change) {
            for rollout in change.before.iter().chain(&change.after) {
                let namespace = rollout.metadata.namespace.as_deref().unwrap_or_default();
                for service in serin_engine::observe::references(rollout).services {
                    keys.extend(referring(caches, &key::service(namespace, &service)));
                }
            }
        }
    }
    wakes.extend(routine(keys));
    wakes
}

/// A ReplicaSet concerns its owner; one without concerns every Rollout that could own it.
pub fn of_replica_sets(caches: &Caches, changed: &Changed<ReplicaSet>) -> Vec<Wake> {
    routine(changed.objects().flat_map(|replica_set| owners(caches, replica_set)).collect())
}

/// A pod concerns the owner of its ReplicaSet, but only by what identifies it, its labels and its annotations.
pub fn of_pods(caches: &Caches, changed: &Changed<Pod>) -> Vec<Wake> {
    let mut keys = Vec::new();
    for change in changed.iter().filter(|change| differs(change, |pod: &Pod| view(&pod.metadata))) {
        for pod in change.before.iter().chain(&change.after) {
            let owner =
                pod.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            let replica_set = owner.and_then(|owner| caches.replica_sets.get(namespace, &owner.name));
            keys.extend(replica_set.iter().flat_map(|replica_set| owners(caches, replica_set)));
        }
    }
    routine(keys)
}

/// A Service concerns the Rollouts that refer to it.
pub fn of_services(caches: &Caches, changed: &Changed<Service>) -> Vec<Wake> {
    let changes = changed.iter().filter(|change| {
        differs(change, |service: &Service| (service.selector.clone(), service.shape.clone()))
    });
    let services = changes.flat_map(|change| change.before.iter().chain(&change.after));
    let by_service = |service: &Service| {
        let Key { namespace, name } = Key::of(service);
        referring(caches, &key::service(&namespace, &name))
    };
    routine(services.flat_map(|service| by_service(service)).collect())
}

/// An EndpointSlice concerns the Rollouts that refer to its Service.
pub fn of_slices(caches: &Caches, changed: &Changed<EndpointSlice>) -> Vec<Wake> {
    let by_service = |slice: &EndpointSlice| {
        let namespace = slice.metadata.namespace.clone().unwrap_or_default();
        let service = slice.metadata.labels.as_ref().and_then(|labels| labels.get(SERVICE_NAME).cloned());
        service.map(|service| referring(caches, &key::service(&namespace, &service))).unwrap_or_default()
    };
    let changes =
        changed.iter().filter(|change| differs(change, |slice: &EndpointSlice| slice.endpoints.clone()));
    let wakes = changes.flat_map(|change| {
        let is_urgent = haste::of_endpoints(change.before.as_deref(), change.after.as_deref());
        let keys = change.before.iter().chain(&change.after).flat_map(|slice| by_service(slice));
        unique(keys.collect()).into_iter().map(move |key| Wake::of(key, is_urgent))
    });
    wakes.collect()
}

/// A route concerns the Rollouts that refer to it.
pub fn of_routes(kind: RouteKind, caches: &Caches, changed: &Changed<Route>) -> Vec<Wake> {
    // Gateways report again and again; what they say matters only where it is news.
    let view = |route: &Route| {
        let Route { metadata, rules, parents, reports, writer: _, written_at, shape } = route.clone();
        (metadata.uid, metadata.generation, rules, parents, reports, written_at, shape)
    };
    let changes = changed.iter().filter(|change| differs(change, view));
    let routes = changes.flat_map(|change| change.before.iter().chain(&change.after));
    let by_route = |route: &Route| {
        let ObjectMeta { namespace, name, .. } = route.metadata.clone();
        let (namespace, name) = (namespace.unwrap_or_default(), name.unwrap_or_default());
        referring(caches, &key::route(&RouteId { kind, namespace, name }))
    };
    routine(routes.flat_map(|route| by_route(route)).collect())
}

fn referring(caches: &Caches, key: &str) -> Vec<Key> {
    caches.rollouts.by_index(key).iter().map(|rollout| Key::of(&**rollout)).collect()
}

fn owners(caches: &Caches, replica_set: &ReplicaSet) -> Vec<Key> {
    let namespace = replica_set.metadata.namespace.clone().unwrap_or_default();
    let owner =
        replica_set.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
    match owner {
        Some(owner) if owner.kind == KIND => vec![Key { namespace, name: owner.name.clone() }],
        Some(_) => Vec::new(),
        None => referring(caches, &key::namespace(&namespace)),
    }
}

fn references_changed(change: &Change<Rollout>) -> bool {
    differs(change, |rollout: &Rollout| {
        (serin_engine::observe::references(rollout).services, rollout.metadata.deletion_timestamp.clone())
    })
}

/// Whether what matters of an object is another than before; an object that comes or goes always matters.
fn differs<K, V: PartialEq>(change: &Change<K>, what: impl Fn(&K) -> V) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => what(before) != what(after),
        _ => true,
    }
}

/// The part of a pod's metadata that plans are made from.
fn view(metadata: &ObjectMeta) -> impl PartialEq + use<> {
    (
        metadata.uid.clone(),
        metadata.labels.clone(),
        metadata.annotations.clone(),
        metadata.deletion_timestamp.clone(),
        metadata.owner_references.clone(),
    )
}

fn routine(keys: Vec<Key>) -> Vec<Wake> {
    unique(keys).into_iter().map(Wake::routine).collect()
}

fn unique(mut keys: Vec<Key>) -> Vec<Key> {
    keys.sort();
    keys.dedup();
    keys
}
