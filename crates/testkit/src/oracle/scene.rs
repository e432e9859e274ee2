//! Where the oracle looks.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use serin_world::world::{Key, Kind, World};

/// What the oracle judges: Leases and Events are nobody's business.
pub(super) const JUDGED: [Kind; 10] = [
    Kind::Rollout,
    Kind::ReplicaSet,
    Kind::Pod,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::HttpRoute,
    Kind::GrpcRoute,
    Kind::TlsRoute,
    Kind::TcpRoute,
    Kind::UdpRoute,
];

/// A world at one moment.
pub trait Scene {
    /// All objects of one kind, by namespace and name.
    fn all(&self, kind: Kind) -> Vec<Arc<Value>>;

    /// What time it is.
    fn now(&self) -> Timestamp;
}

impl Scene for World {
    fn all(&self, kind: Kind) -> Vec<Arc<Value>> {
        Self::all(self, kind)
    }

    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// A world that does nothing: objects that somebody puts and removes. A copy costs little.
#[derive(Clone, Debug, Default)]
pub struct Still {
    objects: BTreeMap<Key, Arc<Value>>,
    now: Timestamp,
}

impl Still {
    /// A world with no objects.
    pub fn at(now: Timestamp) -> Self {
        Self { objects: BTreeMap::new(), now }
    }

    /// A world with these objects.
    pub fn of(objects: BTreeMap<Key, Arc<Value>>, now: Timestamp) -> Self {
        Self { objects, now }
    }

    /// The world as it is at this moment, as far as the oracle judges it.
    pub fn taken_of(world: &World) -> Self {
        let shared = |(key, object): (&Key, &Arc<Value>)| (key.clone(), Arc::clone(object));
        let objects = JUDGED.into_iter().flat_map(|kind| world.of_kind(kind).map(shared)).collect();
        Self { objects, now: world.now() }
    }

    /// Puts an object that is shared with another world.
    pub fn share(&mut self, kind: Kind, object: Arc<Value>) {
        self.objects.insert(key(kind, &object), object);
    }

    /// Moves the clock, back too.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Adds an object or puts it in the place of the one with its name. Returns the former.
    pub fn put(&mut self, kind: Kind, object: Value) -> Option<Arc<Value>> {
        self.objects.insert(key(kind, &object), Arc::new(object))
    }

    /// Takes an object away; `name` is in the namespace `default` unless it is `namespace/name`.
    pub fn remove(&mut self, kind: Kind, name: &str) -> Option<Arc<Value>> {
        self.objects.remove(&Key::new(kind, name))
    }

    /// An object; `name` is in the namespace `default` unless it is `namespace/name`.
    pub fn find(&self, kind: Kind, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&Key::new(kind, name))
    }
}

impl Scene for Still {
    fn all(&self, kind: Kind) -> Vec<Arc<Value>> {
        let first = Key { kind, namespace: Arc::default(), name: Arc::default() };
        let of_kind = self.objects.range(first..).take_while(|(key, _)| key.kind == kind);
        of_kind.map(|(_, object)| Arc::clone(object)).collect()
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

/// Where an object is: in the namespace `default` if it says nothing else.
pub(super) fn key(kind: Kind, object: &Value) -> Key {
    let mut key = Key::of(kind, object);
    if key.namespace.is_empty() && kind.is_namespaced() {
        key.namespace = "default".into();
    }
    key
}
