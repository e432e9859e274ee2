//! One reconcile: rounds of gather, plan and apply until a plan is empty.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serin_engine::api_call::api_call;
use serin_engine::events::After;
use serin_engine::{Action, ApiCall, Plan, Snapshot, observe, plan};
use tracing::{debug, info, warn};

use super::{Context, Memory};
use crate::apply::Failure;
use crate::triggers::Key;
use serin_process::fingerprint::fingerprint;
use serin_process::recovery::{Recovery, is_stale, recovery};
use serin_process::rest::Rest;
use serin_process::rounds::{MAX_ROUNDS, NEXT_TURN, in_parallel, in_sequence, is_left_out};

/// Does everything that is safe now for one Rollout, and tells after how long to look again although nothing happens.
///
/// # Errors
/// The first call that failed in a way that a later try may mend.
pub async fn reconcile(key: &Key, context: &Context) -> Result<Option<Duration>, Failure> {
    let mut memory = context.roster.memories.take(key);
    let outcome = rounds(key, context, &mut memory).await;
    if context.caches.rollouts.get(&key.namespace, &key.name).is_some() {
        if outcome.is_ok() {
            memory.failures = 0;
        }
        context.roster.memories.put(key, memory);
    } else {
        context.preflight.forget(key);
        context.roster.forget(key);
    }
    outcome
}

async fn rounds(key: &Key, context: &Context, memory: &mut Memory) -> Result<Option<Duration>, Failure> {
    // Objects whose cached version a write has proved wrong once in this reconcile.
    let mut refreshed = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let Some(mut objects) = context.caches.objects_of(&key.namespace, &key.name) else {
            return Ok(None);
        };
        if objects.rollout.metadata.deletion_timestamp.is_some() {
            objects.namespace_terminating = context.applier.is_namespace_terminating(&key.namespace).await;
        }
        let (fingerprint, now) = (fingerprint(&objects), context.clock.now());
        // The echoes of our own writes wake us, and most of them bring nothing new.
        let rest = memory.rest.filter(|rest| rest.holds(fingerprint, now) && !objects.namespace_terminating);
        if let Some(rest) = rest.filter(|_| !context.preflight.has_news(key)) {
            return Ok(rest.until.map(|at| wait(at, now)));
        }
        let mut world = observe(&objects, &context.names, &memory.recall);
        let notes = &mut memory.preflight;
        if let Some(verdict) = context.preflight.look(key, notes, &objects, &world, &context.caches, now) {
            memory.recall.preflight = Some(verdict.clone());
            world.recall.preflight = Some(verdict);
        }
        let plan = plan(&world, now);
        memory.recall.planned(&plan, now);
        context.metrics.record_rollout(&key.namespace, &key.name, &plan.report);
        if plan.is_empty() {
            memory.rest = Some(Rest { fingerprint, since: now, until: plan.wake_at });
            return Ok(plan.wake_at.map(|at| wait(at, now)));
        }
        memory.rest = None;
        apply(key, context, memory, &world, &plan, &mut refreshed).await?;
    }
    warn!(namespace = key.namespace, rollout = key.name, "not at rest after {MAX_ROUNDS} rounds");
    Ok(Some(Duration::try_from(NEXT_TURN).unwrap_or_default()))
}

/// A moment later, so that rounding never wakes us before the time has come.
fn wait(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default() + Duration::from_millis(1)
}

/// Carries out a plan. A failed write stops none of the others: they are safe together, and so each alone. But of weights
/// that are raised, none follows one that has failed.
async fn apply(
    key: &Key,
    context: &Context,
    memory: &mut Memory,
    world: &Snapshot,
    plan: &Plan,
    refreshed: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let mut failure = None;
    let mut done = BTreeSet::new();
    let mut failed: Vec<&Action> = Vec::new();
    for (index, action) in in_sequence(plan) {
        if failed.iter().any(|failed| is_left_out(action, failed)) {
            continue;
        }
        match carry_out(key, context, memory, world, action, refreshed).await {
            Ok(true) => drop(done.insert(index)),
            Ok(false) => failed.push(action),
            Err(error) => {
                failed.push(action);
                failure.get_or_insert(error);
            }
        }
    }
    let calls = in_parallel(plan).map(|(_, action)| async move {
        let call = api_call(world, action);
        (action, context.applier.call(&context.caches, &call).await, call)
    });
    for (action, outcome, call) in join_all(calls).await {
        match outcome {
            Ok(_) => debug!(rollout = key.name, ?action, "done"),
            Err(error) => drop(
                recover(context, memory, action, &call, error, refreshed)
                    .await
                    .map_err(|e| failure.get_or_insert(e)),
            ),
        }
    }
    let recorded = match &plan.status {
        Some(changes) if failure.is_none() => {
            let call = ApiCall::patch_status(world, changes.clone());
            match context.applier.call(&context.caches, &call).await {
                Ok(_) => {
                    memory.recall.status_written_at = Some(context.clock.now());
                    true
                }
                Err(error) if is_stale(error.category) => {
                    context.applier.refresh(&context.caches, &call).await?;
                    false
                }
                Err(error) => {
                    failure.get_or_insert(error);
                    false
                }
            }
        }
        _ => false,
    };
    let rollout = context.caches.rollouts.get(&key.namespace, &key.name);
    for event in &plan.events {
        let is_true = match event.after {
            After::Seen => true,
            After::Action(index) => done.contains(&index),
            After::Status => recorded,
        };
        if let Some(rollout) = rollout.as_ref().filter(|_| is_true) {
            context.events.tell(rollout, event);
        }
    }
    failure.map_or(Ok(()), Err)
}

/// Carries out one action. `false` means that it was overtaken by events and has to be planned again.
async fn carry_out(
    key: &Key,
    context: &Context,
    memory: &mut Memory,
    world: &Snapshot,
    action: &Action,
    refreshed: &mut BTreeSet<String>,
) -> Result<bool, Failure> {
    let call = api_call(world, action);
    match context.applier.call(&context.caches, &call).await {
        Ok(answer) => {
            info!(namespace = key.namespace, rollout = key.name, action = %action.describe(), "done");
            if let (Action::CompareTemplate { template, .. }, Some(defaulted)) = (action, answer.defaulted) {
                memory.recall.defaulted = Some((template.clone(), defaulted));
            }
            if let Some(drift) = action.drift() {
                context.metrics.count_drift(&key.namespace, &key.name, &drift.subject);
            }
            memory.recall.applied(action, context.clock.now());
            Ok(true)
        }
        Err(failure) => recover(context, memory, action, &call, failure, refreshed).await.map(|()| false),
    }
}

/// After a refusal the object is read afresh and planned again, once. A second refusal is final for a while and is
/// told in status.
async fn recover(
    context: &Context,
    memory: &mut Memory,
    action: &Action,
    call: &ApiCall,
    failure: Failure,
    refreshed: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    let subject = action.subject();
    debug!(subject, error = %failure, "refused");
    let is_first = !refreshed.contains(&subject);
    let rest = match recovery(action, call.verb, failure.category, is_first) {
        Recovery::Refresh => {
            refreshed.insert(subject);
            return context.applier.refresh(&context.caches, call).await;
        }
        Recovery::PutOff(rest) => rest,
        Recovery::GiveUp => return Err(failure),
    };
    memory.recall.refused(action, failure.sentence(), context.clock.now() + rest);
    Ok(())
}
