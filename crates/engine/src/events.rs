//! Kubernetes Events: what people read first. Names and texts follow the peer's where they mean the same.

use serin_api::conditions::{ConditionStatus, ConditionType, reason};
use serin_api::status::{Phase, RolloutStatus};

use crate::action::Action;
use crate::snapshot::Snapshot;

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
    pub fn seen(severity: Severity, reason: &'static str, note: impl Into<String>) -> Self {
        Self { severity, reason, note: note.into(), after: After::Seen }
    }
}

/// The Events of a plan's actions.
pub fn of_actions(actions: &[Action], world: &Snapshot) -> Vec<Event> {
    let of = |(index, action)| of_action(action, world, After::Action(index));
    actions.iter().enumerate().flat_map(of).collect()
}

fn of_action(action: &Action, world: &Snapshot, after: After) -> Vec<Event> {
    let normal = |reason, note| Event { severity: Severity::Normal, reason, note, after };
    if let Some(drift) = action.drift() {
        if drift.announced {
            return Vec::new();
        }
        let writer = drift.writer.as_deref().unwrap_or("another writer");
        let note = format!("{} was changed by {writer:?}; put back", drift.subject);
        return vec![Event { severity: Severity::Warning, reason: "DriftCorrected", note, after }];
    }
    match action {
        Action::CreateReplicaSet { name, revision, replicas, .. } => {
            vec![normal(
                "NewReplicaSetCreated",
                format!("Created ReplicaSet {name} (revision {revision}) with {replicas} pods"),
            )]
        }
        // Canary and first pods come and go with the weights, whose Events say enough.
        Action::Scale { replica_set, revision, from, to: 0, .. } => {
            vec![normal(
                "ScalingReplicaSet",
                format!("Scaled down ReplicaSet {replica_set} (revision {revision}) from {from} to 0"),
            )]
        }
        Action::Adopt { replica_set, .. } => {
            vec![normal("FoundNewReplicaSet", format!("Adopted ReplicaSet {replica_set}"))]
        }
        Action::RecordStable { hash, replica_set, .. } => {
            let number =
                world.revisions.iter().find(|revision| revision.name == *replica_set).map_or(0, |r| r.number);
            vec![normal(
                "RolloutCompleted",
                format!("Rollout completed update to revision {number} ({hash})"),
            )]
        }
        Action::Select { service, before, hash, .. } => {
            let before = before.get(serin_api::names::POD_TEMPLATE_HASH).map_or("", String::as_str);
            let hash = hash.as_deref().unwrap_or_default();
            vec![normal(
                "SwitchService",
                format!("Switched selector for service '{service}' from '{before}' to '{hash}'"),
            )]
        }
        // Both Services have the same pods by then: what is told is that the Service was switched.
        Action::SetWeights { .. } if hands_over(world) => Vec::new(),
        Action::SetWeights { from, percent, .. } => {
            vec![normal("TrafficWeightUpdated", format!("Traffic weight updated from {from} to {percent}"))]
        }
        _ => Vec::new(),
    }
}

/// Whether the weights return after a commit, which moves no traffic between revisions.
fn hands_over(world: &Snapshot) -> bool {
    let (Some(traffic), Some(stable)) = (&world.traffic, world.stable()) else { return false };
    traffic.stable.selects(&stable.hash) && traffic.canary.selects(&stable.hash)
}

/// The Events of a change of status.
pub fn of_status(before: &RolloutStatus, after: &RolloutStatus) -> Vec<Event> {
    let mut events = Vec::new();
    let mut tell =
        |severity, reason, note: String| events.push(Event { severity, reason, note, after: After::Status });
    let pause = after.pause_conditions.first().filter(|_| after.pause_conditions != before.pause_conditions);
    if let Some(pause) = pause {
        let how = after.waiting_for.iter().find_map(|waiting| waiting.unblock.as_deref());
        let how = how.map(|command| format!("; to go on: {command}")).unwrap_or_default();
        tell(Severity::Normal, "RolloutPaused", format!("Rollout is paused ({}){how}", pause.reason));
    }
    if after.abort && after.aborted_pod_hash != before.aborted_pod_hash {
        let message = after.message.clone().unwrap_or_default();
        tell(Severity::Warning, reason::ROLLOUT_ABORTED, message);
    }
    let condition = |status: &RolloutStatus, kind, reason: &str| {
        let found = status.conditions.iter().find(|c| c.kind == kind && c.reason == reason);
        found.map(|found| (found.status, found.message.clone()))
    };
    for (kind, reason) in [
        (ConditionType::InvalidSpec, reason::INVALID_SPEC),
        (ConditionType::Progressing, reason::PROGRESS_DEADLINE_EXCEEDED),
        (ConditionType::Progressing, reason::REPLICA_SET_CREATE_ERROR),
        (ConditionType::RoleMetadataFrozen, reason::ROLE_METADATA_FROZEN),
        (ConditionType::RouteContested, reason::ROUTE_CONTESTED),
    ] {
        let now = condition(after, kind, reason);
        if now != condition(before, kind, reason)
            && let Some((status, message)) = now
            && (kind == ConditionType::Progressing || status == ConditionStatus::True)
        {
            tell(Severity::Warning, reason, message);
        }
    }
    if after.phase == Some(Phase::Healthy) && before.phase == Some(Phase::Degraded) {
        tell(Severity::Normal, "RolloutHealthy", "Rollout is healthy".into());
    }
    events
}
