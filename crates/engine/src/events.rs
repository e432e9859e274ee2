//! Kubernetes Events: what people read first. Names and texts follow the peer's where they mean the same.

pub mod reasons;

use crate::action::Action;
use crate::snapshot::Snapshot;

pub use reasons::{REASONS, Reason};

/// Something to tell about a Rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub severity: Severity,
    pub reason: &'static str,
    pub note: String,
    /// What has to succeed before it is true.
    pub after: After,
}

/// How much attention an Event asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Normal,
    Warning,
}

/// What has to succeed before an Event is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing: it is about what was seen.
    Seen,
    /// The action at this place in the plan.
    Action(usize),
    /// The status of the plan.
    Status,
}

impl Event {
    /// An Event about what was seen.
    pub fn seen(reason: Reason, note: impl Into<String>) -> Self {
        Self::after(After::Seen, reason, note)
    }

    /// An Event about something that has to succeed first.
    pub fn after(after: After, reason: Reason, note: impl Into<String>) -> Self {
        Self { severity: reason.severity, reason: reason.name, note: note.into(), after }
    }
}

/// The Events of a plan's actions.
pub fn of_actions(actions: &[Action], world: &Snapshot) -> Vec<Event> {
    let of = |(index, action)| of_action(action, world, After::Action(index));
    actions.iter().enumerate().flat_map(of).collect()
}

fn of_action(action: &Action, world: &Snapshot, after: After) -> Vec<Event> {
    let tell = |reason, note: String| vec![Event::after(after, reason, note)];
    if let Some(drift) = action.drift() {
        if drift.announced {
            return Vec::new();
        }
        let writer = drift.writer.as_deref().unwrap_or("another writer");
        return tell(
            reasons::DRIFT_CORRECTED,
            format!("{} was changed by {writer:?}; put back", drift.subject),
        );
    }
    match action {
        Action::CreateReplicaSet { name, revision, replicas, .. } => tell(
            reasons::NEW_REPLICA_SET_CREATED,
            format!("Created ReplicaSet {name} (revision {revision}) with {replicas} pods"),
        ),
        // Canary and first pods come and go with the weights, whose Events say enough.
        Action::Scale { replica_set, revision, from, to: 0, .. } => tell(
            reasons::SCALING_REPLICA_SET,
            format!("Scaled down ReplicaSet {replica_set} (revision {revision}) from {from} to 0"),
        ),
        Action::Adopt { replica_set, .. } => {
            tell(reasons::FOUND_NEW_REPLICA_SET, format!("Adopted ReplicaSet {replica_set}"))
        }
        Action::RecordStable { hash, replica_set, .. } => {
            let number =
                world.revisions.iter().find(|revision| revision.name == *replica_set).map_or(0, |r| r.number);
            tell(
                reasons::ROLLOUT_COMPLETED,
                format!("Rollout completed update to revision {number} ({hash})"),
            )
        }
        Action::Select { service, before, hash, .. } => {
            let before = before.get(serin_api::names::POD_TEMPLATE_HASH).map_or("", String::as_str);
            let hash = hash.as_deref().unwrap_or_default();
            tell(
                reasons::SWITCH_SERVICE,
                format!("Switched selector for service '{service}' from '{before}' to '{hash}'"),
            )
        }
        // Both Services have the same pods by then: what is told is that the Service was switched.
        Action::SetWeights { .. } if hands_over(world) => Vec::new(),
        Action::SetWeights { from, percent, .. } => {
            tell(reasons::TRAFFIC_WEIGHT_UPDATED, format!("Traffic weight updated from {from} to {percent}"))
        }
        _ => Vec::new(),
    }
}

/// Whether the weights return after a commit, which moves no traffic between revisions.
fn hands_over(world: &Snapshot) -> bool {
    let (Some(traffic), Some(stable)) = (&world.traffic, world.stable()) else { return false };
    traffic.stable.selects(&stable.hash) && traffic.canary.selects(&stable.hash)
}
