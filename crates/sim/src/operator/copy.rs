//! Copies of a process, and what two processes are compared by.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serin_api::route::RouteKind;
use serin_engine::{Plan, Recall, Snapshot};
use serin_process::caches::Caches;
use serin_process::fingerprint::fingerprint;
use serin_world::World;

use super::{Deed, Operator};
use crate::watches::Watches;

/// What a process knows beside the objects that its watches have told: all that its next steps depend on.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a> {
    pub recall: &'a Recall,
    /// How far its clock is ahead of the server's.
    pub skew: SignedDuration,
    /// What was read afresh in this reconcile.
    pub refreshed: &'a BTreeSet<String>,
    /// Reconciles that have failed in a row.
    pub failures: u32,
    /// Until when its last empty plan stands, if it was made of the objects that it knows now.
    pub rests_until: Option<Option<Timestamp>>,
    pub is_woken: bool,
    pub wake_at: Option<Timestamp>,
    pub in_hand: Option<InHand<'a>>,
}

/// A plan in hand. It follows from the snapshot and the time at which it was made.
#[derive(Clone, Copy, Debug)]
pub struct InHand<'a> {
    pub world: &'a Arc<Snapshot>,
    pub plan: &'a Arc<Plan>,
    /// How many calls are left, the one that records status included.
    pub left: usize,
    pub done: &'a BTreeSet<usize>,
    pub has_failed: bool,
    /// Whether the next step sends a request.
    pub calls_next: bool,
}

impl Operator {
    /// A process of its own that knows and remembers the same.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            user: self.user.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            names: Arc::clone(&self.names),
            caches: self.caches.fork(),
            watches: Watches::clone(&self.watches),
            recall: self.recall.clone(),
            skew: self.skew,
            hand: self.hand.clone(),
            refreshed: self.refreshed.clone(),
            rounds: self.rounds,
            failures: self.failures,
            rest: self.rest,
            is_woken: self.is_woken,
            wake_at: self.wake_at,
            told: self.told.clone(),
        }
    }

    /// What it remembers.
    pub fn memory(&self, world: &World) -> Memory<'_> {
        let versions = || self.objects(world).map(|objects| fingerprint(&objects));
        let in_hand = self.hand.as_ref().map(|hand| {
            let calls_next = match hand.deeds.front() {
                Some(Deed::Act(_)) => true,
                Some(Deed::RecordStatus) => hand.plan.status.is_some() && !hand.has_failed,
                None => false,
            };
            InHand {
                world: &hand.world,
                plan: &hand.plan,
                left: hand.deeds.len(),
                done: &hand.done,
                has_failed: hand.has_failed,
                calls_next,
            }
        });
        Memory {
            recall: &self.recall,
            skew: self.skew,
            refreshed: &self.refreshed,
            failures: self.failures,
            rests_until: self.rest.filter(|rest| versions() == Some(rest.fingerprint)).map(|rest| rest.until),
            is_woken: self.is_woken,
            wake_at: self.wake_at,
            in_hand,
        }
    }

    /// The versions of the objects that its caches hold: kind, name, uid and version of each.
    pub fn held(&self) -> Vec<(&'static str, String, String, String)> {
        let mut held = Vec::new();
        macro_rules! hold {
            ($($kind:tt $cache:expr),+) => {
                $(for object in $cache.all() {
                    let metadata = &object.metadata;
                    let text = |text: &Option<String>| text.clone().unwrap_or_default();
                    let (name, uid) = (text(&metadata.name), text(&metadata.uid));
                    held.push(($kind, name, uid, text(&metadata.resource_version)));
                })+
            };
        }
        let Caches { rollouts, replica_sets, pods, services, slices, routes } = &self.caches;
        hold!("Rollout" rollouts, "ReplicaSet" replica_sets, "Pod" pods, "Service" services);
        hold!("EndpointSlice" slices);
        for kind in RouteKind::ALL {
            let of = routes.of(kind);
            hold!((kind.kind()) of.cache);
        }
        held
    }
}
