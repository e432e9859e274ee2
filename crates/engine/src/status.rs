//! The status that a plan records: counters, weights, conditions, phase. And how its changes become a patch.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value, json};
use serin_api::conditions::{Condition, ConditionStatus, ConditionType, reason};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::status::{Phase, RolloutStatus, WeightDestination, Weights};
use serin_api::validate::FieldError;

use crate::abort;
use crate::action::template_subject;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::gates;
use crate::progress::{self, Progress, set_condition};
use crate::snapshot::{Revision, ServiceView, TrafficView};
use crate::traffic;
use crate::waits::Wait;

/// Fills in everything that is only a report. Comes last: it reads what the rules decided.
pub fn report(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    draft.status.observed_generation = Some(world.rollout.generation);
    draft.status.stable_rs = course.stable().map(|stable| stable.hash.clone());
    draft.status.selector = Some(selector_text(draft));
    counters(draft);
    weights(draft, course);
    managed(draft, course);
    explain_refusals(draft);
    explain_holds(draft);
    conditions(draft, course);
    phase(draft, course);
}

fn counters(draft: &mut Draft<'_>) {
    let world = draft.world;
    let sum = |of: fn(&Revision) -> i32| Some(world.revisions.iter().map(of).sum());
    draft.status.replicas = sum(|revision| revision.existing);
    draft.status.hpa_replicas = draft.status.replicas;
    draft.status.ready_replicas = sum(|revision| revision.ready);
    draft.status.available_replicas = sum(|revision| revision.available);
    draft.status.updated_replicas = Some(world.current().map_or(0, |current| current.existing));
}

fn selector_text(draft: &Draft<'_>) -> String {
    let selector = &draft.world.rollout.selector;
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.clone().unwrap_or_default().join(",");
        match expression.operator.as_str() {
            "In" => format!("{} in ({values})", expression.key),
            "NotIn" => format!("{} notin ({values})", expression.key),
            "Exists" => expression.key.clone(),
            _ => format!("!{}", expression.key),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

fn weights(draft: &mut Draft<'_>, course: &Course<'_>) {
    let Some(traffic) =
        draft.world.traffic.as_ref().filter(|traffic| traffic.recorded && traffic.route.found)
    else {
        return;
    };
    let side = |service: &ServiceView, weight| WeightDestination {
        weight,
        service_name: Some(service.name.clone()),
        pod_template_hash: service.selector.get(POD_TEMPLATE_HASH).cloned(),
    };
    let canary = traffic.route.canary_percent();
    let desired = match (course, &draft.world.strategy) {
        (Course::Stepping { .. }, Ok(strategy)) => gates::wanted_percent(draft, &strategy.steps),
        (Course::Stepping { .. }, Err(_)) => {
            draft.world.recorded_weights().map_or(canary, |weights| weights.desired)
        }
        _ => 0,
    };
    let written_at = draft
        .world
        .recorded_weights()
        .filter(|before| before.canary.weight == canary)
        .map_or_else(|| Some(Time(draft.now_in_seconds())), |before| before.written_at.clone());
    let weights = Weights {
        canary: side(&traffic.canary, canary),
        stable: side(&traffic.stable, 100 - canary),
        desired,
        written_at,
    };
    draft.status.canary.get_or_insert_default().weights = Some(weights);
}

/// Remembers what the Services were made to select, so that a foreign write can be told from our own and put back.
fn managed(draft: &mut Draft<'_>, course: &Course<'_>) {
    let Some(traffic) = draft.world.traffic.as_ref().filter(|traffic| traffic.recorded) else { return };
    let target = match course {
        Course::FirstDeploy { target } => *target,
        _ => course.stable(),
    };
    let canary = course.canary();
    let Some(managed) = draft.status.canary.as_mut().and_then(|canary| canary.managed.as_mut()) else {
        return;
    };
    if managed.stable_service.name != traffic.stable.name {
        return;
    }
    if let Some(target) = target.filter(|target| traffic.stable.selects(&target.hash)) {
        managed.stable_service.pod_template_hash = Some(target.hash.clone());
    }
    let recorded = managed.canary_service.pod_template_hash.clone();
    let is_recorded = |revision: &&Revision| recorded.as_ref() == Some(&revision.hash);
    let selected =
        [canary, target].into_iter().flatten().find(|revision| traffic.canary.selects(&revision.hash));
    // While the canary's own Service is recorded to be its own, another selector is a foreign write, not a new fact.
    if let Some(selected) = selected
        && (canary.is_none_or(|canary| canary.hash == selected.hash) || canary.filter(is_recorded).is_none())
    {
        managed.canary_service.pod_template_hash = Some(selected.hash.clone());
    }
}

fn explain_refusals(draft: &mut Draft<'_>) {
    let standing: Vec<(String, String)> = draft
        .world
        .recall
        .refused
        .iter()
        .filter(|(_, refusal)| refusal.retry_at > draft.now)
        .map(|(subject, refusal)| (subject.clone(), refusal.message.clone()))
        .collect();
    for (subject, message) in standing {
        draft.wait(
            Wait::RefusedWrite,
            format!("the API server refused a write to {subject}: {message}"),
            None,
        );
    }
}

/// An aborted or held Rollout waits for a person, who has to know what to do.
fn explain_holds(draft: &mut Draft<'_>) {
    let (resource, rollout) = (draft.world.names.resource(), &draft.world.rollout);
    let patch = |options: &str, body: &str| {
        Some(format!(
            "kubectl patch {resource} {} -n {} {options}--type merge -p '{body}'",
            rollout.name, rollout.namespace
        ))
    };
    if draft.status.abort {
        let retry = patch("--subresource status ", r#"{"status":{"abort":false}}"#);
        draft.wait(Wait::Retry, "the update was aborted: change the template, or retry it", retry);
    }
    if rollout.paused {
        let unpause = patch("", r#"{"spec":{"paused":false}}"#);
        draft.wait(Wait::Unpause, "spec.paused holds the steps and the promotion", unpause);
    }
}

/// What makes the spec unusable, as one text.
fn invalid(draft: &Draft<'_>) -> Option<String> {
    let errors: Vec<&FieldError> = match &draft.world.strategy {
        Err(errors) => errors.iter().collect(),
        Ok(_) => draft.world.reference_errors.iter().collect(),
    };
    let texts: Vec<String> = errors.iter().map(|error| error.to_string()).collect();
    (!texts.is_empty())
        .then(|| format!("The Rollout {:?} is invalid: {}", draft.world.rollout.name, texts.join("; ")))
}

fn conditions(draft: &mut Draft<'_>, course: &Course<'_>) {
    match invalid(draft) {
        Some(message) => {
            draft.wait(Wait::ValidSpec, message.clone(), None);
            set(draft, ConditionType::InvalidSpec, ConditionStatus::True, reason::INVALID_SPEC, message);
        }
        None => unset(draft, ConditionType::InvalidSpec),
    }
    let replicas = draft.world.rollout.replicas;
    let is_available = draft.status.available_replicas.unwrap_or(0) >= replicas;
    let message = if is_available {
        "Rollout has minimum availability"
    } else {
        "Rollout does not have minimum availability"
    };
    set(draft, ConditionType::Available, is_available.into(), reason::AVAILABLE, message.into());
    progressing(draft, course);
    let paused = draft.world.rollout.paused || !draft.status.pause_conditions.is_empty();
    let message = if paused { "Rollout is paused" } else { "Rollout is not paused" };
    set(draft, ConditionType::Paused, paused.into(), reason::ROLLOUT_PAUSED, message.into());
    let completed = matches!(course, Course::Settled { .. });
    set(
        draft,
        ConditionType::Completed,
        completed.into(),
        reason::ROLLOUT_COMPLETED,
        "RolloutCompleted".into(),
    );
    let healthy = is_healthy(draft, course);
    let message = if healthy { "Rollout is healthy" } else { "Rollout is not healthy" };
    set(draft, ConditionType::Healthy, healthy.into(), reason::ROLLOUT_HEALTHY, message.into());
    let failure = draft.world.current().and_then(|current| current.failure.clone());
    let failure =
        failure.or_else(|| draft.world.revisions.iter().find_map(|revision| revision.failure.clone()));
    match failure {
        Some(message) => {
            set(draft, ConditionType::ReplicaFailure, ConditionStatus::True, "FailedCreate", message)
        }
        None => unset(draft, ConditionType::ReplicaFailure),
    }
    roles_converged(draft);
    frozen(draft);
    contested(draft);
    draft.status.conditions.sort_by_key(|condition| condition.kind);
}

fn progressing(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    let Progress { last, exceeded } = progress::measure(draft, course);
    let current = world.current();
    let name =
        current.map_or_else(|| format!("{}-{}", world.rollout.name, world.template.hash), |r| r.name.clone());
    let refused = world
        .recall
        .refused
        .get(&template_subject(&world.template.id))
        .map(|refusal| refusal.message.clone());
    let (status, reason, message) = if draft.status.abort {
        let number = current.map_or(0, |current| current.number);
        let cause = abort::cause(world).map_or_else(|| recorded_cause(draft), |cause| Some(cause.to_owned()));
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        let message = format!("Rollout aborted update to revision {number}{cause}");
        (ConditionStatus::False, reason::ROLLOUT_ABORTED, message)
    } else if let Some(refused) = refused.filter(|_| current.is_none()) {
        (
            ConditionStatus::False,
            reason::REPLICA_SET_CREATE_ERROR,
            format!("Failed to create ReplicaSet {name:?}: {refused}"),
        )
    } else if exceeded {
        let failure = current.and_then(|current| current.failure.clone());
        let failure = failure.map(|failure| format!(" {failure}")).unwrap_or_default();
        let message = format!("ReplicaSet {name:?} has timed out progressing.{failure}");
        (ConditionStatus::False, reason::PROGRESS_DEADLINE_EXCEEDED, message)
    } else if world.rollout.paused || !draft.status.pause_conditions.is_empty() {
        (ConditionStatus::Unknown, reason::ROLLOUT_PAUSED, "Rollout is paused".into())
    } else if is_healthy(draft, course) {
        let message = format!("ReplicaSet {name:?} has successfully progressed.");
        (ConditionStatus::True, reason::REPLICA_SET_AVAILABLE, message)
    } else {
        (ConditionStatus::True, reason::REPLICA_SET_UPDATED, format!("ReplicaSet {name:?} is progressing."))
    };
    let condition = condition(ConditionType::Progressing, status, reason, message);
    set_condition(draft, condition, Some(last));
}

/// The cause of an abort outlives what caused it.
fn recorded_cause(draft: &Draft<'_>) -> Option<String> {
    let recorded = draft.world.recorded.conditions.iter().find(|c| c.reason == reason::ROLLOUT_ABORTED)?;
    recorded.message.split_once(": ").map(|(_, cause)| cause.to_owned())
}

fn roles_converged(draft: &mut Draft<'_>) {
    let Some(roles) = draft.status.roles.clone() else { return };
    let converged =
        roles.active.labelled == roles.active.wanted && roles.preview.labelled == roles.preview.wanted;
    let message = format!(
        "{} of {} active and {} of {} preview pods carry their role's metadata",
        roles.active.labelled, roles.active.wanted, roles.preview.labelled, roles.preview.wanted
    );
    set(draft, ConditionType::RolesConverged, converged.into(), reason::ROLES_CONVERGED, message);
}

/// Said as long as it is so: an application that never learns of its promotion fails long after it.
fn frozen(draft: &mut Draft<'_>) {
    let frozen = draft.world.strategy.as_ref().map_or(&[][..], |strategy| &strategy.frozen);
    let message = frozen.iter().map(FieldError::to_string).collect::<Vec<_>>().join("; ");
    if message.is_empty() {
        unset(draft, ConditionType::RoleMetadataFrozen);
    } else {
        let kind = ConditionType::RoleMetadataFrozen;
        set(draft, kind, ConditionStatus::True, reason::ROLE_METADATA_FROZEN, message);
    }
}

fn contested(draft: &mut Draft<'_>) {
    let until = |(subject, contest): (&String, &crate::drift::Contest)| {
        Some((subject.clone(), contest.contested_until(draft.now)?))
    };
    let contested: Vec<(String, Timestamp)> = draft.world.recall.contests.iter().filter_map(until).collect();
    if let Some((subject, until)) = contested.first() {
        let message = format!("another writer keeps changing {subject}; corrections are slowed down");
        draft.wake(*until);
        set(draft, ConditionType::RouteContested, ConditionStatus::True, reason::ROUTE_CONTESTED, message);
    } else {
        unset(draft, ConditionType::RouteContested);
    }
}

fn condition(kind: ConditionType, status: ConditionStatus, reason: &str, message: String) -> Condition {
    let time = Time(Timestamp::UNIX_EPOCH);
    Condition {
        kind,
        status,
        reason: reason.into(),
        message,
        last_update_time: time.clone(),
        last_transition_time: time,
    }
}

fn set(draft: &mut Draft<'_>, kind: ConditionType, status: ConditionStatus, reason: &str, message: String) {
    set_condition(draft, condition(kind, status, reason, message), None);
}

fn unset(draft: &mut Draft<'_>, kind: ConditionType) {
    draft.status.conditions.retain(|condition| condition.kind != kind);
}

/// The wanted revision is stable, has all its pods, and its hand-over has finished.
fn is_healthy(draft: &Draft<'_>, course: &Course<'_>) -> bool {
    let Course::Settled { stable } = course else { return false };
    let traffic_is_there = |traffic: &TrafficView| traffic.recorded && traffic::is_settled(traffic, stable);
    draft.world.is_valid()
        && stable.available >= draft.world.rollout.replicas
        && draft.world.traffic.as_ref().is_some_and(traffic_is_there)
}

/// The verdict, in the peer's order and words.
fn phase(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    let failed = |condition: &&Condition| {
        condition.kind == ConditionType::InvalidSpec && condition.status == ConditionStatus::True
            || [reason::ROLLOUT_ABORTED, reason::PROGRESS_DEADLINE_EXCEEDED, reason::REPLICA_SET_CREATE_ERROR]
                .contains(&condition.reason.as_str())
    };
    let replicas = world.rollout.replicas;
    let updated = draft.status.updated_replicas.unwrap_or(0);
    let current_available = world.current().map_or(0, |current| current.available);
    let (phase, message) = if let Some(condition) = draft.status.conditions.iter().find(failed) {
        (Phase::Degraded, format!("{}: {}", condition.reason, condition.message))
    } else if world.rollout.paused {
        (Phase::Paused, "manually paused".into())
    } else if let Some(pause) = draft.status.pause_conditions.first() {
        (Phase::Paused, pause.reason.clone())
    } else if is_healthy(draft, course) {
        (Phase::Healthy, String::new())
    } else if updated < replicas {
        (Phase::Progressing, "more replicas need to be updated".into())
    } else if current_available < updated.min(replicas) {
        (Phase::Progressing, "updated replicas are still becoming available".into())
    } else if course.stable().is_some_and(|stable| hand_over_unfinished(draft, stable))
        || matches!(course, Course::Settled { .. })
    {
        (Phase::Progressing, "waiting for the Services to hand over".into())
    } else {
        (Phase::Progressing, "waiting for all steps to complete".into())
    };
    draft.status.phase = Some(phase);
    draft.status.message = (!message.is_empty()).then_some(message);
}

/// How long a change of status that is not urgent waits for others that follow from the same cause.
const GATHERING: SignedDuration = SignedDuration::from_millis(250);

/// How long it waits at least after the last write.
const SPACING: SignedDuration = SignedDuration::from_secs(1);

/// How soon a change of status has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// It goes on, or only counters moved: together with what follows, at most once a second.
    Coalesced,
    /// Something that people wait for, or that later plans build on.
    Now,
}

impl Urgency {
    /// When a change has to be written that was first seen at `since`, where `last` was the last write.
    pub fn due(self, since: Timestamp, last: Option<Timestamp>) -> Timestamp {
        let after = |time: Timestamp, delay| time.checked_add(delay).unwrap_or(time);
        match self {
            Self::Coalesced => {
                let gathered = after(since, GATHERING);
                last.map_or(gathered, |last| gathered.max(after(last, SPACING)))
            }
            Self::Now => since,
        }
    }
}

/// How urgent the difference is, or `None` where there is none.
pub fn urgency(before: &RolloutStatus, after: &RolloutStatus) -> Option<Urgency> {
    if before == after {
        return None;
    }
    let memory = |status: &RolloutStatus| {
        let canary = status.canary.clone().unwrap_or_default();
        let managed = canary
            .managed
            .map(|managed| (managed.http_route, managed.stable_service, managed.canary_service.name));
        let pause = (status.pause_conditions.clone(), status.controller_pause, status.judged_resume.clone());
        let abort = (status.abort, status.aborted_pod_hash.clone(), status.collision_count);
        (managed, pause, abort)
    };
    // A pause that has merely run out is told with what follows from it.
    let ran_out =
        after.pause_conditions.is_empty() && after.judged_resume == before.judged_resume && !after.abort;
    let remembers = if ran_out {
        let without_pause = |status: &RolloutStatus| {
            let (managed, _, abort) = memory(status);
            (managed, abort)
        };
        without_pause(before) != without_pause(after)
    } else {
        memory(before) != memory(after)
    };
    let drains = |status: &RolloutStatus| {
        status.canary.as_ref().map(|canary| canary.drains.clone()).unwrap_or_default()
    };
    // A drain that begins must be remembered; one that is over is only no longer told.
    let drains_begin = drains(after).iter().any(|drain| !drains(before).contains(drain));
    let verdict = after.phase != before.phase && after.phase != Some(Phase::Progressing);
    Some(if remembers || drains_begin || verdict { Urgency::Now } else { Urgency::Coalesced })
}

/// The merge patch that turns one status into the other: only what differs, null for what goes.
pub fn patch(before: &RolloutStatus, after: &RolloutStatus) -> Value {
    let value = |status: &RolloutStatus| serde_json::to_value(status).unwrap_or(Value::Null);
    difference(&value(before), &value(after)).unwrap_or_else(|| json!({}))
}

fn difference(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let mut changes = Map::new();
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                changes.insert(key.clone(), Value::Null);
            }
            for (key, value) in after {
                let changed =
                    before.get(key).map_or_else(|| Some(value.clone()), |before| difference(before, value));
                if let Some(changed) = changed {
                    changes.insert(key.clone(), changed);
                }
            }
            (!changes.is_empty()).then_some(Value::Object(changes))
        }
        (before, after) => (before != after).then(|| after.clone()),
    }
}
