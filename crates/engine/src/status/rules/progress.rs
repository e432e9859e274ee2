//! What goes on, and what has arrived.

use serin_api::conditions::{ConditionStatus, reason};
use serin_api::status::Phase;

use super::{Announcement, Finding, Rule, UPDATING};
use crate::events::reasons;
use crate::restart;
use crate::status::facts::Facts;

pub const RESTARTING: Rule = Rule {
    name: "restarting",
    when: "Pods of the stable revision or the canary are older than `spec.restartAt`, and that time has come.",
    advice: "Nothing, unless `waitingFor` names a pod that may not be evicted: look at its PodDisruptionBudget.",
    phase: Phase::Progressing,
    message: "rollout is restarting",
    progressing: UPDATING,
    waits: &[],
    event: None,
    finds: |facts| {
        let world = facts.world();
        let is_due = restart::due(world, facts.draft.now).is_some();
        (is_due && facts.status().restarted_at == world.recorded.restarted_at).then(|| under_way(facts))
    },
};

pub const HEALTHY: Rule = Rule {
    name: "healthy",
    when: "The wanted revision is stable, and has all its pods, both Services and all weight.",
    advice: "Nothing.",
    phase: Phase::Healthy,
    message: "",
    progressing: Some((ConditionStatus::True, reason::REPLICA_SET_AVAILABLE)),
    waits: &[],
    event: Some(Announcement {
        reason: reasons::ROLLOUT_HEALTHY,
        is_new: |facts, _| facts.world().recorded.phase == Some(Phase::Degraded),
        note: |_, _| "Rollout is healthy".into(),
    }),
    finds: |facts| {
        let words = || format!("ReplicaSet {:?} has successfully progressed.", facts.replica_set());
        facts.is_healthy().then(|| Finding::saying(words()))
    },
};

pub const PODS_MISSING: Rule = Rule {
    name: "pods-missing",
    when: "The wanted revision has fewer pods than `replicas`, as a canary has before its last step.",
    advice: "Nothing, unless `waitingFor` names something.",
    phase: Phase::Progressing,
    message: "more replicas need to be updated",
    progressing: UPDATING,
    waits: &[],
    event: None,
    finds: |facts| {
        let updated = facts.status().updated_replicas.unwrap_or(0);
        (updated < facts.world().rollout.replicas).then(|| under_way(facts))
    },
};

pub const PODS_NOT_AVAILABLE: Rule = Rule {
    name: "pods-not-available",
    when: "The wanted revision has its pods, and not all of them are available.",
    advice: "Nothing at first. If it stays, `kubectl describe` its ReplicaSet and pods: image, probes, nodes.",
    phase: Phase::Progressing,
    message: "updated replicas are still becoming available",
    progressing: UPDATING,
    waits: &[],
    event: None,
    finds: |facts| {
        let world = facts.world();
        let updated = facts.status().updated_replicas.unwrap_or(0);
        let available = world.current().map_or(0, |current| current.available);
        (available < updated.min(world.rollout.replicas)).then(|| under_way(facts))
    },
};

pub const HANDING_OVER: Rule = Rule {
    name: "handing-over",
    when: "A revision was promoted, or returned to; Services and weights are still on their way to it.",
    advice: "Nothing, unless `waitingFor` names something.",
    phase: Phase::Progressing,
    message: "waiting for the Services to hand over",
    progressing: UPDATING,
    waits: &[],
    event: None,
    finds: |facts| facts.hands_over().then(|| under_way(facts)),
};

pub const STEPPING: Rule = Rule {
    name: "stepping",
    when: "Nothing of the above: steps, the last weight or the promotion are under way.",
    advice: "Nothing, unless `waitingFor` names something.",
    phase: Phase::Progressing,
    message: "waiting for all steps to complete",
    progressing: UPDATING,
    waits: &[],
    event: None,
    finds: |facts| Some(under_way(facts)),
};

fn under_way(facts: &Facts<'_, '_>) -> Finding {
    Finding::saying(format!("ReplicaSet {:?} is progressing.", facts.replica_set()))
}
