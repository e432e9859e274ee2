//! The parts of a cluster that act on their own: each is a step that a test takes when it wants to.
//!
//! They speak to the world through its API, so that their writes have versions, events and failures like all others.

mod endpoint_slices;
mod garbage;
pub mod gateway;
mod kubelet;
mod namespaces;
mod objects;
mod replica_sets;

use jiff::Timestamp;

use crate::world::World;

pub use self::endpoint_slices::EndpointSliceController;
pub use self::garbage::GarbageCollector;
pub use self::gateway::Gateway;
pub use self::kubelet::{Kubelet, Startup};
pub use self::namespaces::NamespaceController;
pub use self::replica_sets::ReplicaSetController;

/// How many rounds a cluster may take to come to rest before it counts as never doing so.
const ROUNDS: usize = 200;

/// All controllers of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Controllers {
    pub replica_sets: ReplicaSetController,
    pub kubelet: Kubelet,
    pub endpoint_slices: EndpointSliceController,
    pub garbage: GarbageCollector,
    pub namespaces: NamespaceController,
}

impl Controllers {
    /// Lets each controller take one step. Returns whether anything changed or is still under way.
    pub fn step(&mut self, world: &mut World) -> bool {
        let before = world.version();
        self.replica_sets.step(world);
        let waits = self.kubelet.step(world);
        let lags = self.endpoint_slices.step(world);
        self.garbage.step(world);
        self.namespaces.step(world);
        waits || lags || world.version() != before
    }

    /// When something will happen by nothing but the time that passes.
    pub fn due(&self, world: &World) -> Option<Timestamp> {
        self.kubelet.due(world).into_iter().chain(self.replica_sets.due(world)).min()
    }

    /// Steps until nothing changes any more without time passing.
    ///
    /// # Panics
    /// That never happens.
    pub fn settle(&mut self, world: &mut World) {
        for _ in 0..ROUNDS {
            if !self.step(world) {
                return;
            }
        }
        panic!("the cluster does not come to rest within {ROUNDS} rounds");
    }
}
