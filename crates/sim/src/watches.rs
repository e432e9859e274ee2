//! Watches that tell when they are told to.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::runtime::watcher::Event;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_api::route::RouteKind;
use serin_process::caches::Caches;
use serin_world::world::{EventType, WatchEvent};
use serin_world::{Kind, World};

use crate::view::View;

/// The kinds that the operator watches.
pub const WATCHED: [Kind; 10] = [
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

/// How far each watch of one process has come.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    seen: BTreeMap<Kind, u64>,
    view: View,
}

impl Watches {
    /// Lets a watch tell at most `events` of what it has not told yet. A watch whose version is too old, or that has not
    /// begun, begins with a list. Returns whether it told anything.
    pub fn deliver(&mut self, kind: Kind, events: usize, world: &World, caches: &Caches) -> bool {
        let Some(since) = self.seen.get(&kind).copied() else { return self.list(kind, world, caches) };
        if since == world.version() {
            return false;
        }
        let Ok(changes) = world.events_since(since, kind) else { return self.list(kind, world, caches) };
        let told = changes.len().min(events);
        for change in &changes[..told] {
            self.tell(kind, change, caches);
        }
        let seen = if told == changes.len() { world.version() } else { changes[told - 1].version };
        self.seen.insert(kind, seen);
        told > 0
    }

    /// Lets every watch tell everything. Returns whether one told anything.
    pub fn catch_up(&mut self, world: &World, caches: &Caches) -> bool {
        let mut told = false;
        for kind in WATCHED {
            told |= self.deliver(kind, usize::MAX, world, caches);
        }
        told
    }

    /// Tells the last few events of a kind once more, as a watch does that was begun anew from an older version.
    pub fn repeat(&mut self, kind: Kind, events: usize, world: &World, caches: &Caches) {
        let Some(seen) = self.seen.get(&kind).copied() else { return };
        let Ok(changes) = world.events_since(0, kind) else { return };
        let told = changes.partition_point(|change| change.version <= seen);
        for change in &changes[told.saturating_sub(events)..told] {
            self.tell(kind, change, caches);
        }
    }

    /// Ends a watch, so that it begins with a list. What happened in between is never told as an event.
    pub fn relist(&mut self, kind: Kind) {
        self.seen.remove(&kind);
    }

    /// Whether every watch has told everything.
    pub fn are_current(&self, world: &World) -> bool {
        WATCHED.iter().all(|kind| match self.seen.get(kind) {
            Some(seen) => world.events_since(*seen, *kind).is_ok_and(|changes| changes.is_empty()),
            None => false,
        })
    }

    /// What the watches have told, and what was answered, as plain objects.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Takes in an object that a call was answered with.
    pub fn answered(&mut self, kind: Kind, object: Arc<Value>) {
        self.view.put(kind, object);
    }

    /// Takes in that an object is gone.
    pub fn forgot(&mut self, kind: Kind, name: &str) {
        self.view.forgot(kind, name);
    }

    fn list(&mut self, kind: Kind, world: &World, caches: &Caches) -> bool {
        self.view.forget(kind);
        feed(kind, Event::Init, caches);
        for object in world.all(kind) {
            self.view.put(kind, Arc::clone(&object));
            feed(kind, Event::InitApply(object), caches);
        }
        feed(kind, Event::InitDone, caches);
        self.seen.insert(kind, world.version());
        true
    }

    fn tell(&mut self, kind: Kind, change: &WatchEvent, caches: &Caches) {
        let object = Arc::clone(&change.object);
        if change.event == EventType::Deleted {
            self.view.remove(kind, &object);
            feed(kind, Event::Delete(object), caches);
        } else {
            self.view.put(kind, Arc::clone(&object));
            feed(kind, Event::Apply(object), caches);
        }
    }
}

fn feed(kind: Kind, event: Event<Arc<Value>>, caches: &Caches) {
    macro_rules! feed {
        ($cache:expr) => {
            if let Some(event) = read(event) {
                $cache.apply_event(event);
            }
        };
    }
    match kind {
        Kind::Rollout => feed!(caches.rollouts),
        Kind::ReplicaSet => feed!(caches.replica_sets),
        Kind::Pod => feed!(caches.pods),
        Kind::Service => feed!(caches.services),
        Kind::EndpointSlice => feed!(caches.slices),
        Kind::HttpRoute => feed!(caches.routes.of(RouteKind::Http).cache),
        Kind::GrpcRoute => feed!(caches.routes.of(RouteKind::Grpc).cache),
        Kind::TlsRoute => feed!(caches.routes.of(RouteKind::Tls).cache),
        Kind::TcpRoute => feed!(caches.routes.of(RouteKind::Tcp).cache),
        Kind::UdpRoute => feed!(caches.routes.of(RouteKind::Udp).cache),
        Kind::Namespace | Kind::Lease | Kind::Event => {}
    }
}

/// The event with its object read. One that cannot be read is not told, as the shell's watch leaves it out.
fn read<K: DeserializeOwned>(event: Event<Arc<Value>>) -> Option<Event<K>> {
    let read = |object: Arc<Value>| K::deserialize(&*object).ok();
    Some(match event {
        Event::Apply(object) => Event::Apply(read(object)?),
        Event::Delete(object) => Event::Delete(read(object)?),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(read(object)?),
        Event::InitDone => Event::InitDone,
    })
}
