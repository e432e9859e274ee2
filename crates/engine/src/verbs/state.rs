//! The states of a Rollout that make a difference to those who ask something of it.

use jiff::Timestamp;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::status::Phase;

use crate::abort;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::plan::plan;
use crate::snapshot::{Revision, Snapshot};
use crate::traffic;

/// Where a Rollout stands. Nothing records it: it follows from what can be seen.
///
/// `spec.paused` is no state of its own: it holds the steps in whatever state the Rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No revision was ever stable.
    FirstDeploy,
    /// A canary is on its way: its pods, its Service or the weight of its step are not there yet.
    Stepping,
    /// A pause step stands.
    Paused,
    /// All steps are done, and the canary waits for all its pods and all the traffic, and then to be recorded.
    Committing,
    /// The wanted revision is the stable one, but Services or weights are not where they belong: after a promotion, after
    /// a return to the stable template, or because somebody has changed them.
    HandOver,
    /// The canary is aborted, and traffic or the canary Service are still on their way back.
    Aborting,
    /// The canary is aborted, and all traffic is on the stable revision. Pods may still drain.
    Aborted,
    /// A canary is wanted, and an older one still has the canary Service.
    Superseding,
    /// The wanted revision is the stable one and has all its pods and traffic.
    Healthy,
    /// It will not go on by itself although nobody has aborted it: the spec or an object that it names cannot be used, the
    /// API server refuses the template, or pods do not come in time. Or, without a canary, fewer pods are available than
    /// are wanted; then every verb does what it does when healthy.
    Degraded,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::FirstDeploy,
        Self::Stepping,
        Self::Paused,
        Self::Committing,
        Self::HandOver,
        Self::Aborting,
        Self::Aborted,
        Self::Superseding,
        Self::Healthy,
        Self::Degraded,
    ];

    /// The state of `world`, by what is there and what would be reported `now`. The first of these that holds:
    ///
    /// 1. no revision is recorded as stable: first deploy;
    /// 2. the wanted revision counts as aborted: aborted where both Services select the stable revision at weights 100/0,
    ///    else aborting;
    /// 3. the stable Service does not select the stable revision, or the wanted revision is the stable one and Services or
    ///    weights are not yet so: hand-over;
    /// 4. the wanted revision is the stable one: healthy where the spec can be used and all its pods are available, else
    ///    degraded;
    /// 5. the phase is Degraded: degraded;
    /// 6. the canary Service selects a revision that is neither the stable nor the wanted one: superseding;
    /// 7. a pause step stands: paused;
    /// 8. all steps are done: committing;
    /// 9. otherwise: stepping.
    pub fn of(world: &Snapshot, now: Timestamp) -> Self {
        let aborted = abort::judge(&mut Draft::new(world, now));
        let report = plan(world, now).report;
        let Some(stable) = world.stable() else { return Self::FirstDeploy };
        let settled = world.traffic.as_ref().is_some_and(|traffic| traffic::is_settled(traffic, stable));
        match Course::of(world, aborted) {
            Course::FirstDeploy { .. } => Self::FirstDeploy,
            Course::Aborted { .. } if settled => Self::Aborted,
            Course::Aborted { .. } => Self::Aborting,
            _ if hand_over_unfinished(&Draft::new(world, now), stable) => Self::HandOver,
            Course::Settled { .. } if !settled => Self::HandOver,
            Course::Settled { .. } if world.is_valid() && stable.available >= world.rollout.replicas => {
                Self::Healthy
            }
            Course::Settled { .. } => Self::Degraded,
            Course::Stepping { .. } if report.phase == Some(Phase::Degraded) => Self::Degraded,
            Course::Stepping { canary, .. } if older_canary_serves(world, stable, canary) => {
                Self::Superseding
            }
            Course::Stepping { .. } if !report.pause_conditions.is_empty() => Self::Paused,
            Course::Stepping { .. } => {
                let steps = world.strategy.as_ref().map_or(0, |strategy| strategy.steps.len());
                let index = usize::try_from(report.current_step_index.unwrap_or(0)).unwrap_or(0);
                if index >= steps { Self::Committing } else { Self::Stepping }
            }
        }
    }

    /// The row of the table that holds for `world`: where nothing is under way, a degraded Rollout answers as a healthy one.
    pub fn for_verbs(world: &Snapshot, now: Timestamp) -> Self {
        let rests = match (world.stable(), world.current()) {
            (Some(stable), Some(current)) => stable.uid == current.uid,
            _ => false,
        };
        match Self::of(world, now) {
            Self::Degraded if rests => Self::Healthy,
            state => state,
        }
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstDeploy => "first deploy",
            Self::Stepping => "stepping",
            Self::Paused => "paused",
            Self::Committing => "committing",
            Self::HandOver => "hand-over",
            Self::Aborting => "aborting",
            Self::Aborted => "aborted",
            Self::Superseding => "superseding",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
        }
    }

    /// What it means, in one or two sentences.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::FirstDeploy => {
                "No revision was ever stable: the first one is being deployed, without steps."
            }
            Self::Stepping => {
                "A canary is on its way: its pods, its Service or the weight of its step are not there yet."
            }
            Self::Paused => "A canary stands at a pause step.",
            Self::Committing => {
                "All steps are done. The canary gets all pods and all traffic, and then is recorded as stable."
            }
            Self::HandOver => {
                "The wanted revision is stable already; Services and weights are still on their way there."
            }
            Self::Aborting => {
                "The canary is aborted; traffic or the canary Service are still on their way back."
            }
            Self::Aborted => "The canary is aborted, and all traffic is on the stable revision.",
            Self::Superseding => "A new canary is wanted, and an older one still has the canary Service.",
            Self::Healthy => "The wanted revision is stable and has all its pods and traffic.",
            Self::Degraded => {
                "A canary cannot go on by itself: the spec or an object that it names cannot be used, the API server \
                 refuses the template, or its pods do not come in time. Without a canary it means missing pods or a spec \
                 that cannot be used, and every verb does what it does when healthy."
            }
        }
    }
}

/// The canary Service selects a revision that is neither stable nor wanted.
fn older_canary_serves(world: &Snapshot, stable: &Revision, canary: Option<&Revision>) -> bool {
    let Some(traffic) = &world.traffic else { return false };
    traffic.canary.found
        && traffic.canary.selector.get(POD_TEMPLATE_HASH).is_some_and(|selected| {
            *selected != stable.hash && canary.is_none_or(|canary| *selected != canary.hash)
        })
}
