//! Defects that leave weights, selectors and delays as they should be, and fail requests all the same.

use serin_engine::{Plan, Snapshot};

use super::Defect;
use super::plans::{add, canary, replace_move, scale, select, waits_for};

pub const DEFECTS: &[Defect] = &[
    Defect::of_plan(1, "the canary Service is moved before a pod is ready", select_unready),
    Defect::of_plan(3, "a revision that drains keeps one pod", drain_to_one),
];

fn select_unready(world: &Snapshot, plan: &mut Plan) {
    let share = world.traffic.as_ref().map_or(100, |traffic| traffic.routes.canary_percent());
    if waits_for(plan, "AvailablePods") && share == 0 && !world.rollout.paused {
        replace_move(plan, canary(world).and_then(|canary| select(world, false, &canary.hash)));
    }
}

fn drain_to_one(world: &Snapshot, plan: &mut Plan) {
    let drains = plan.report.canary.iter().flat_map(|canary| &canary.drains);
    let hashes: Vec<String> = drains.map(|drain| drain.pod_template_hash.clone()).collect();
    for revision in world.revisions.iter().filter(|revision| hashes.contains(&revision.hash)) {
        if revision.replicas > 1 {
            add(plan, scale(revision, 1));
        }
    }
}
