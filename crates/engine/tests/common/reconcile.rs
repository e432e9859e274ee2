//! Rounds of plan and writes, as the shell goes through them.

use jiff::{SignedDuration, Timestamp};
use serin_testkit::{Oracle, World};

use crate::operator::Operator;

/// Rounds of one reconcile, as in the shell.
const ROUNDS: usize = 32;

/// Reconciles until nothing is left to do now, or until it has made `writes` writes (a crash). Tells when it wants to
/// look again.
pub fn reconcile(
    operator: &mut Operator,
    world: &mut World,
    oracle: &mut Oracle,
    writes: Option<usize>,
) -> Option<Timestamp> {
    let mut left = writes.unwrap_or(usize::MAX);
    operator.refused_once.clear();
    for _ in 0..ROUNDS {
        let (snapshot, plan) = operator.plan(world)?;
        if plan.is_empty() {
            return plan.wake_at;
        }
        let succeeded = operator.apply(world, oracle, &snapshot, plan, &mut left)?;
        if !succeeded && operator.refused_once.len() > 20 {
            break;
        }
    }
    Some(world.now() + SignedDuration::from_secs(1))
}
