//! Defects of plans: actions that are left out, come too early, or are too many.

use serde_json::{Value, json};
use serin_engine::snapshot::Revision;
use serin_engine::{Action, Plan, Snapshot};

use super::Defect;

pub const DEFECTS: &[Defect] = &[
    Defect::of_plan(1, "the share stays where no endpoint is left", keep_dead_share),
    Defect::of_plan(1, "a weight is written before its endpoints are there", raise_early),
    Defect::of_plan(2, "the first weight gives the canary everything", raise_too_far),
    Defect::of_plan(2, "the weight follows as soon as one pod is ready", one_pod_is_enough),
    Defect::of_plan(2, "one ready stable pod takes everything back", take_all_back),
    Defect::of_plan(2, "a step is done although its weight was never written", step_without_weight),
    Defect::of_plan(2, "a step is done although its weight is not verified", step_unverified),
    Defect::of_plan(2, "a weight counts as verified as soon as it is written", verified_when_written),
    Defect::of_plan(3, "old pods go as soon as they are old", scale_old_at_once),
    Defect::of_plan(3, "the canary shrinks before its weight is lowered", shrink_canary),
    Defect::of_plan(3, "an aborted canary's pods go without their delay", drop_aborted),
    Defect::of_plan(3, "a deleted Rollout is let go with its traffic as it is", let_go_at_once),
    Defect::of_plan(4, "the stable Service is moved with the commit", flip_at_commit),
    Defect::of_plan(4, "a selector and a weight change in one pass", select_beside_weight),
    Defect::of_plan(4, "the canary Service is moved under share", select_newest),
    Defect::of_plan(4, "the user's own weights come back while a hand-over is under way", restore_early),
    Defect::of_plan(5, "nobody's changes of weights are put back", ignore_drift),
    Defect::of_plan(6, "an abort leaves the weight", abort_keeps_weight),
    Defect::of_plan(6, "an abort is forgotten with the next status", abort_is_forgotten),
    Defect::of_plan(6, "an edit of the steps lifts an abort", edit_lifts_abort),
    Defect::of_plan(6, "an invalid spec stops everything", freeze_invalid),
    Defect::of_plan(7, "a pause is passed with the status that begins it", skip_pause),
    Defect::of_plan(7, "a request to resume is never removed", keep_requests),
    Defect::of_plan(8, "stable pods that are not ready are scaled away", trim_stable),
    Defect::of_plan(8, "a ReplicaSet gets a pod more than it should", scale_too_far),
    Defect::of_plan(8, "spec.paused stops scaling", paused_stops_scaling),
    Defect::of_plan(9, "live pods keep their old role", no_relabel),
    Defect::of_plan(9, "templates keep their old role", no_role),
    Defect::of_plan(9, "a ReplicaSet is created without its role", create_without_role),
    Defect::of_plan(10, "wake-ups are forgotten", never_wake),
    Defect::of_plan(10, "the canary Service flaps after an abort", flap_after_abort),
    Defect::of_plan(10, "a change of status is never written", no_status),
    Defect::of_plan(11, "a created ReplicaSet is never scaled", never_scale_up),
    Defect::of_plan(11, "pods that run never learn for how long they have to be ready", keep_min_ready),
    Defect::of_plan(12, "a first revision is stable before it is ready", stable_at_once),
    Defect::of_plan(12, "the commit is only written to status", commit_in_status),
    Defect::of_plan(12, "a lost status begins at the first step of another canary", forget_stable),
];

pub(super) fn canary(world: &Snapshot) -> Option<&Revision> {
    let stable = world.stable()?;
    world.current().filter(|current| current.hash != stable.hash)
}

pub(super) fn select(world: &Snapshot, is_stable: bool, hash: &str) -> Option<Action> {
    let traffic = world.traffic.as_ref().filter(|traffic| traffic.recorded)?;
    let service = if is_stable { &traffic.stable } else { &traffic.canary };
    let selector = service.found.then(|| service.selector.clone())?;
    (!service.selects(hash)).then(|| Action::Select {
        service: service.name.clone(),
        before: selector,
        hash: Some(hash.to_owned()),
        drift: None,
    })
}

fn weights(world: &Snapshot, percent: i32) -> Option<Action> {
    let routes = &world.traffic.as_ref().filter(|traffic| traffic.recorded)?.routes;
    let change = routes.changes_for(percent).ok()?.into_iter().next()?;
    Some(change.action(&world.rollout.namespace, percent, None))
}

pub(super) fn scale(revision: &Revision, to: i32) -> Option<Action> {
    (revision.replicas != to && revision.owned).then(|| Action::Scale {
        replica_set: revision.name.clone(),
        uid: revision.uid.clone(),
        revision: revision.number,
        unchanged: None,
        from: revision.replicas,
        to,
    })
}

/// Takes actions out, and the Events that told of them.
fn drop_actions(plan: &mut Plan, drops: impl Fn(&Action) -> bool) {
    plan.actions.retain(|action| !drops(action));
    plan.events.clear();
}

/// In place of a plan's move of traffic.
pub(super) fn replace_move(plan: &mut Plan, action: Option<Action>) {
    if let Some(action) = action {
        drop_actions(plan, Action::is_traffic);
        plan.actions.insert(0, action);
    }
}

pub(super) fn add(plan: &mut Plan, action: Option<Action>) {
    plan.actions.extend(action);
}

pub(super) fn waits_for(plan: &Plan, what: &str) -> bool {
    plan.report.waiting_for.iter().any(|wait| wait.what == what)
}

fn edit_status(plan: &mut Plan, edit: impl FnOnce(&mut Value)) {
    if let Some(status) = &mut plan.status {
        edit(status);
    }
}

fn keep_dead_share(world: &Snapshot, plan: &mut Plan) {
    let is_empty = world.traffic.as_ref().is_some_and(|traffic| traffic.canary.ready.is_empty());
    drop_actions(plan, |action| is_empty && matches!(action, Action::SetWeights { percent: 0, .. }));
}

fn raise_early(world: &Snapshot, plan: &mut Plan) {
    if waits_for(plan, "Endpoints") && canary(world).is_some() {
        replace_move(plan, weights(world, 50));
    }
}

fn raise_too_far(world: &Snapshot, plan: &mut Plan) {
    let rises =
        |action: &Action| matches!(action, Action::SetWeights { from, percent, .. } if percent > from);
    if plan.actions.iter().any(rises) {
        replace_move(plan, weights(world, 100));
    }
}

fn one_pod_is_enough(world: &Snapshot, plan: &mut Plan) {
    let is_ready = canary(world).is_some_and(|canary| {
        world.traffic.as_ref().is_some_and(|traffic| traffic.canary.ready_of(&canary.hash) > 0)
    });
    let desired = plan.report.canary.as_ref().and_then(|canary| Some(canary.weights.as_ref()?.desired));
    if is_ready && waits_for(plan, "Endpoints") {
        replace_move(plan, desired.and_then(|desired| weights(world, desired)));
    }
}

fn take_all_back(world: &Snapshot, plan: &mut Plan) {
    let is_ready = world.stable().is_some_and(|stable| stable.ready > 0);
    if is_ready && canary(world).is_some() && waits_for(plan, "StableEndpoints") {
        replace_move(plan, weights(world, 0));
    }
}

fn step_without_weight(world: &Snapshot, plan: &mut Plan) {
    let index = world.recorded.current_step_index.unwrap_or(0);
    if canary(world).is_some() && waits_for(plan, "Endpoints") {
        plan.status = Some(json!({ "currentStepIndex": index + 1 }));
    }
}

fn restore_early(world: &Snapshot, plan: &mut Plan) {
    let (Some(traffic), Some(stable)) = (&world.traffic, world.stable()) else { return };
    let hands_over = traffic.canary.selects(&stable.hash) && !traffic.stable.selects(&stable.hash);
    let changes = traffic.routes.restoring().unwrap_or_default();
    if let Some(change) = changes.into_iter().next().filter(|_| hands_over) {
        plan.actions.retain(|action| !action.is_traffic());
        plan.actions.insert(0, change.action(&world.rollout.namespace, 50, None));
    }
}

fn step_unverified(world: &Snapshot, plan: &mut Plan) {
    let index = world.recorded.current_step_index.unwrap_or(0);
    if canary(world).is_some() && waits_for(plan, "VerifiedWeights") {
        plan.status = Some(json!({ "currentStepIndex": index + 1 }));
    }
}

fn verified_when_written(_: &Snapshot, plan: &mut Plan) {
    let Some(weights) = plan.status.as_mut().and_then(|status| status.pointer_mut("/canary/weights")) else {
        return;
    };
    if let Some(route) = weights.pointer_mut("/routes/0").filter(|route| route.is_object()) {
        route["verified"] = json!(true);
    }
}

fn scale_old_at_once(world: &Snapshot, plan: &mut Plan) {
    let (stable, current) = (world.stable(), world.current());
    for revision in &world.revisions {
        let is = |other: Option<&Revision>| other.is_some_and(|other| other.uid == revision.uid);
        if stable.is_some() && current.is_some() && !is(stable) && !is(current) {
            add(plan, scale(revision, 0));
        }
    }
}

fn shrink_canary(world: &Snapshot, plan: &mut Plan) {
    let lowers =
        |action: &Action| matches!(action, Action::SetWeights { from, percent, .. } if percent < from);
    if plan.actions.iter().any(lowers)
        && let Some(action) = canary(world).and_then(|canary| scale(canary, 1))
    {
        plan.actions.insert(0, action);
    }
}

fn drop_aborted(world: &Snapshot, plan: &mut Plan) {
    let is_back = world.traffic.as_ref().is_some_and(|traffic| traffic.routes.canary_is_zero());
    if plan.report.abort && is_back {
        add(plan, canary(world).and_then(|canary| scale(canary, 0)));
    }
}

fn let_go_at_once(world: &Snapshot, plan: &mut Plan) {
    let finalizer = &world.names.finalizer;
    let finalizers = world.rollout.finalizers.iter().flatten();
    let index = finalizers.into_iter().position(|present| present == finalizer);
    if let Some(index) = index.filter(|_| world.rollout.deleted_at.is_some()) {
        plan.actions = vec![Action::RemoveFinalizer { index, finalizer: finalizer.clone() }];
        plan.events.clear();
    }
}

fn edit_lifts_abort(_: &Snapshot, plan: &mut Plan) {
    edit_status(plan, |status| {
        if !status["currentStepHash"].is_null() {
            status["abort"] = json!(false);
        }
    });
}

fn flip_at_commit(world: &Snapshot, plan: &mut Plan) {
    let commits = plan.actions.iter().any(|action| matches!(action, Action::RecordStable { .. }));
    if commits && let Some(canary) = canary(world) {
        let percent = world.traffic.as_ref().map_or(100, |traffic| traffic.routes.canary_percent());
        if percent < 100 || world.rollout.replicas > 1 {
            replace_move(plan, weights(world, 0));
        } else {
            replace_move(plan, select(world, true, &canary.hash));
        }
    }
}

fn select_beside_weight(world: &Snapshot, plan: &mut Plan) {
    let moves = plan.actions.iter().any(|action| matches!(action, Action::SetWeights { .. }));
    if moves && let Some(current) = world.current() {
        add(plan, select(world, false, &current.hash));
    }
}

fn select_newest(world: &Snapshot, plan: &mut Plan) {
    let share = world.traffic.as_ref().is_some_and(|traffic| traffic.routes.canary_percent() > 0);
    if share && let Some(canary) = canary(world) {
        replace_move(plan, select(world, false, &canary.hash));
    }
}

fn ignore_drift(_: &Snapshot, plan: &mut Plan) {
    drop_actions(plan, |action| action.drift().is_some());
}

fn abort_keeps_weight(_: &Snapshot, plan: &mut Plan) {
    let aborted = plan.report.abort;
    drop_actions(plan, |action| aborted && matches!(action, Action::SetWeights { .. }));
}

fn abort_is_forgotten(world: &Snapshot, plan: &mut Plan) {
    if world.recorded.abort {
        plan.status = Some(json!({ "abort": false, "abortedPodHash": null, "abortedAt": null }));
    }
}

fn freeze_invalid(_: &Snapshot, plan: &mut Plan) {
    if plan.rules.iter().any(|rule| matches!(*rule, "invalid-spec" | "template-refused")) {
        plan.actions.clear();
        plan.events.clear();
    }
}

fn skip_pause(world: &Snapshot, plan: &mut Plan) {
    let index = world.recorded.current_step_index.unwrap_or(0);
    if world.recorded.controller_pause {
        plan.status = Some(json!({
            "currentStepIndex": index + 1, "pauseConditions": null, "controllerPause": null,
        }));
    }
}

fn keep_requests(_: &Snapshot, plan: &mut Plan) {
    drop_actions(plan, |action| {
        matches!(action, Action::RemoveResume { .. } | Action::RemoveAnnotation { .. })
    });
}

fn trim_stable(world: &Snapshot, plan: &mut Plan) {
    if let Some(stable) = world.stable().filter(|stable| stable.ready < stable.replicas && stable.ready > 0) {
        drop_actions(plan, |action| matches!(action, Action::Scale { .. }));
        add(plan, scale(stable, stable.ready));
    }
}

fn scale_too_far(_: &Snapshot, plan: &mut Plan) {
    for action in &mut plan.actions {
        if let Action::Scale { from, to, .. } = action
            && to > from
        {
            *to += 1;
        }
    }
}

fn paused_stops_scaling(world: &Snapshot, plan: &mut Plan) {
    let paused = world.rollout.paused;
    drop_actions(plan, |action| paused && matches!(action, Action::Scale { .. }));
}

fn no_relabel(_: &Snapshot, plan: &mut Plan) {
    drop_actions(plan, |action| matches!(action, Action::RelabelPod { .. }));
}

fn no_role(_: &Snapshot, plan: &mut Plan) {
    drop_actions(plan, |action| matches!(action, Action::SetRole { .. }));
}

fn create_without_role(_: &Snapshot, plan: &mut Plan) {
    for action in &mut plan.actions {
        if let Action::CreateReplicaSet { body, .. } = action
            && let Some(labels) = body["spec"]["template"]["metadata"]["labels"].as_object_mut()
        {
            labels.remove("role");
        }
    }
}

fn never_wake(_: &Snapshot, plan: &mut Plan) {
    plan.wake_at = None;
}

fn flap_after_abort(world: &Snapshot, plan: &mut Plan) {
    if plan.report.abort && plan.actions.is_empty() {
        let hash = canary(world).map(|canary| canary.hash.clone());
        add(plan, hash.and_then(|hash| select(world, false, &hash)));
    }
}

fn no_status(_: &Snapshot, plan: &mut Plan) {
    plan.status = None;
    plan.events.clear();
}

fn keep_min_ready(_: &Snapshot, plan: &mut Plan) {
    plan.actions.retain(|action| !matches!(action, Action::SetMinReadySeconds { .. }));
}

fn never_scale_up(_: &Snapshot, plan: &mut Plan) {
    drop_actions(plan, |action| matches!(action, Action::Scale { from, to, .. } if to > from));
}

fn stable_at_once(world: &Snapshot, plan: &mut Plan) {
    if world.stable().is_none()
        && let Some(current) = world.current().filter(|current| current.owned)
        && current.available < world.rollout.replicas
    {
        plan.actions.push(Action::RecordStable {
            replica_set: current.name.clone(),
            uid: current.uid.clone(),
            unchanged: None,
            hash: current.hash.clone(),
            has_annotations: current.has_annotations,
            before: None,
            ordinal: 1,
        });
    }
}

fn commit_in_status(world: &Snapshot, plan: &mut Plan) {
    let commits = plan.actions.iter().any(|action| matches!(action, Action::RecordStable { .. }));
    if commits && let Some(current) = world.current() {
        plan.actions.clear();
        plan.events.clear();
        plan.status = Some(json!({ "stableRS": current.hash }));
    }
}

fn forget_stable(world: &Snapshot, plan: &mut Plan) {
    if world.recorded.phase.is_none() {
        edit_status(plan, |status| status["stableRS"] = json!("0000000000"));
    }
}
