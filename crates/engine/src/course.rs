//! What the Rollout is about, as the objects show it: nothing here remembers how it got there.

use crate::draft::Draft;
use crate::snapshot::{Revision, Snapshot};

/// Where the Rollout is going.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Course<'w> {
    /// No revision was ever stable: the wanted one gets all pods, then all traffic, and then is stable.
    FirstDeploy { target: Option<&'w Revision> },
    /// A new template moves towards promotion. Its ReplicaSet may not exist yet.
    Stepping { stable: &'w Revision, canary: Option<&'w Revision> },
    /// The new template was aborted: all traffic belongs to the stable revision.
    Aborted { stable: &'w Revision, canary: Option<&'w Revision> },
    /// The wanted revision is the stable one: whatever is still on its way there is finished.
    Settled { stable: &'w Revision },
}

impl<'w> Course<'w> {
    /// The course, given whether the wanted revision counts as aborted.
    pub fn of(world: &'w Snapshot, aborted: bool) -> Self {
        match (world.stable(), world.current()) {
            (None, target) => Self::FirstDeploy { target },
            (Some(stable), Some(current)) if current.uid == stable.uid => Self::Settled { stable },
            (Some(stable), canary) if aborted => Self::Aborted { stable, canary },
            (Some(stable), canary) => Self::Stepping { stable, canary },
        }
    }

    /// The stable revision.
    pub fn stable(&self) -> Option<&'w Revision> {
        match self {
            Self::FirstDeploy { .. } => None,
            Self::Stepping { stable, .. } | Self::Aborted { stable, .. } | Self::Settled { stable } => {
                Some(stable)
            }
        }
    }

    /// The revision that is on its way and not aborted.
    pub fn canary(&self) -> Option<&'w Revision> {
        match self {
            Self::Stepping { canary, .. } => *canary,
            _ => None,
        }
    }
}

/// Whether a hand-over that a commit began still has to finish before anything else may begin: the stable Service does
/// not yet select the stable revision.
pub fn hand_over_unfinished(draft: &Draft<'_>, stable: &Revision) -> bool {
    draft
        .world
        .traffic
        .as_ref()
        .is_some_and(|traffic| traffic.stable.found && !traffic.stable.selects(&stable.hash))
}
