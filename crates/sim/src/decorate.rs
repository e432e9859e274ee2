//! What stands between the operator and the world in a test that wants to see a defect found.

use jiff::Timestamp;
use serin_engine::{ApiCall, Plan, Snapshot};

/// Changes plans and calls on their way, as a defect in the planner or in the shell would. The planner itself has no
/// switch for that.
pub trait Decorate: Send {
    /// Changes a plan before it is carried out.
    fn plan(&mut self, _world: &Snapshot, _plan: &mut Plan) {}

    /// Changes a call before it is sent.
    fn call(&mut self, _world: &Snapshot, _call: &mut ApiCall) {}

    /// Changes when a reconcile that failed is tried again; without a time it never is.
    fn again(&mut self, at: Timestamp) -> Option<Timestamp> {
        Some(at)
    }

    /// Whether it changes nothing, so that a plan is what the planner made.
    fn is_faithful(&self) -> bool {
        false
    }
}

/// Changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faithful;

impl Decorate for Faithful {
    fn is_faithful(&self) -> bool {
        true
    }
}
