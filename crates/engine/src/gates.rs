//! Steps and pauses: which step is carried out, and which gate stands.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::conditions::reason;
use serin_api::status::PauseCondition;
use serin_api::validate::Step;

use crate::capacity;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::events::{After, Event, reasons};
use crate::hash;
use crate::promote;
use crate::resume::{self, StandingPause};
use crate::snapshot::{Revision, Snapshot, TrafficView};
use crate::traffic;
use crate::verification;
use crate::waits::Wait;

/// Advances the steps as far as observed facts allow, and judges requests to resume.
pub fn advance(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    draft.status.current_pod_hash = Some(world.current_hash().to_owned());
    let Ok(strategy) = &world.strategy else {
        resume::judge(draft, None, None);
        return;
    };
    let steps_hash = hash::steps_hash(&strategy.steps);
    let starts_over = world.recorded.current_pod_hash.as_deref() != Some(world.current_hash())
        || world.recorded.current_step_hash.as_ref() != Some(&steps_hash);
    draft.status.current_step_hash = Some(steps_hash);
    let promoting = promote::judge(draft, course, starts_over);
    match course {
        Course::Stepping { canary, stable } => {
            let start = if starts_over { 0 } else { recorded_index(world, strategy.steps.len()) };
            if starts_over {
                clear_pause(draft);
            }
            let canary = canary.filter(|_| !hand_over_unfinished(draft, stable) && !are_needless(world));
            step_on(draft, &strategy.steps, Start { index: start, starts_over, promoting }, canary);
        }
        Course::Aborted { .. } => rest(draft, &strategy.steps, 0),
        Course::FirstDeploy { .. } | Course::Settled { .. } => {
            rest(draft, &strategy.steps, strategy.steps.len())
        }
    }
}

/// With no pods wanted there is nothing to test a new template on, and nobody to harm: it takes no steps. A canary that
/// has had traffic, or has come to a pause, keeps its step: scaling opens no gate.
pub fn are_needless(world: &Snapshot) -> bool {
    let recorded = &world.recorded;
    let rests = |traffic: &TrafficView| {
        traffic.routes.canary_is_zero()
            || world.stable().is_some_and(|stable| traffic.rests_restored(&stable.hash))
    };
    let has_traffic = world.traffic.as_ref().is_some_and(|traffic| !rests(traffic));
    let has_stepped = recorded.current_pod_hash.as_deref() == Some(world.current_hash())
        && (recorded.current_step_index.unwrap_or(0) > 0 || !recorded.pause_conditions.is_empty());
    world.rollout.replicas == 0 && !has_traffic && !has_stepped
}

/// No step is carried out and no pause stands.
fn rest(draft: &mut Draft<'_>, steps: &[Step], index: usize) {
    clear_pause(draft);
    set_index(draft, steps, index);
    resume::judge(draft, None, None);
}

/// Where the walk along the steps begins in this plan.
#[derive(Clone, Copy)]
struct Start {
    index: usize,
    /// The steps begin anew: what is recorded of pauses is of another walk.
    starts_over: bool,
    /// A person has answered for all pauses.
    promoting: bool,
}

fn step_on(draft: &mut Draft<'_>, steps: &[Step], start: Start, canary: Option<&Revision>) {
    let world = draft.world;
    let Start { mut index, starts_over, promoting } = start;
    if !matches!(steps.get(index), Some(Step::Pause(_))) {
        clear_pause(draft);
    }
    let standing = if starts_over { None } else { standing_pause(world, steps, index, canary) };
    let mut beginning = None;
    let mut written = None;
    if let Some(canary) = canary {
        while !draft.hold {
            match steps.get(index) {
                Some(Step::SetWeight(percent))
                    if weight_is_in_place(draft, canary, *percent) && verification::holds(draft) =>
                {
                    written = Some(*percent);
                    index += 1;
                }
                Some(Step::Pause(duration)) => {
                    if promoting {
                        promote::passed(draft, index);
                    } else if cleared_by_person(world, index, starts_over) {
                        resumed(draft);
                    } else if !elapsed(draft, index, *duration, starts_over, &mut beginning) {
                        break;
                    }
                    clear_pause(draft);
                    index += 1;
                }
                _ => break,
            }
        }
    }
    // A timed pause that has just run out no longer stands for anybody to pass.
    let standing = standing.filter(|_| index == start.index);
    if resume::judge(draft, standing, beginning) {
        resumed(draft);
        clear_pause(draft);
        index += 1;
        draft.record_first = true;
    }
    set_index(draft, steps, index);
    // The next weight would wipe out the evidence that this one was ever there.
    if written.is_some_and(|percent| percent != wanted_percent(draft, steps)) {
        draft.record_first = true;
    }
    tell_what_is_awaited(draft, steps, canary);
}

fn resumed(draft: &mut Draft<'_>) {
    draft.events.push(Event::after(After::Status, reasons::ROLLOUT_RESUMED, "Rollout is resumed"));
}

/// The pause of the recorded step, if it has begun and is recorded.
fn standing_pause(
    world: &Snapshot,
    steps: &[Step],
    index: usize,
    canary: Option<&Revision>,
) -> Option<StandingPause> {
    (matches!(steps.get(index), Some(Step::Pause(_))) && is_about(world, index)).then_some(())?;
    let pause =
        world.recorded.pause_conditions.iter().find(|pause| pause.reason == reason::CANARY_PAUSE_STEP)?;
    Some(StandingPause {
        step: i32::try_from(index).ok()?,
        revision: canary?.number,
        since: pause.start_time.0,
    })
}

/// What is recorded of a pause is about this step: nobody has named another one since.
fn is_about(world: &Snapshot, index: usize) -> bool {
    let paused = world.recorded.canary.as_ref().and_then(|canary| canary.paused_step_index);
    // A status of an earlier version does not tell.
    paused.is_none_or(|paused| i32::try_from(index) == Ok(paused))
        && world.recorded.current_step_index == i32::try_from(index).ok()
}

/// A pause that the operator had begun is gone from status: that is what the peer's tools write to resume.
fn cleared_by_person(world: &Snapshot, index: usize, starts_over: bool) -> bool {
    let recorded = &world.recorded;
    !starts_over
        && recorded.controller_pause
        && recorded.pause_conditions.is_empty()
        && is_about(world, index)
}

/// Begins the pause if it has not begun; true once its time is over.
fn elapsed(
    draft: &mut Draft<'_>,
    index: usize,
    duration: Option<SignedDuration>,
    starts_over: bool,
    beginning: &mut Option<i32>,
) -> bool {
    let is_recorded_step = !starts_over && is_about(draft.world, index);
    let recorded = draft.world.recorded.pause_conditions.first().filter(|_| is_recorded_step);
    let since = match recorded {
        Some(pause) => pause.start_time.0,
        None => {
            *beginning = i32::try_from(index).ok();
            draft.now_in_seconds()
        }
    };
    draft.status.pause_conditions =
        vec![PauseCondition { reason: reason::CANARY_PAUSE_STEP.into(), start_time: Time(since) }];
    draft.status.controller_pause = true;
    draft.status.canary.get_or_insert_default().paused_step_index = i32::try_from(index).ok();
    let Some(until) = duration.and_then(|duration| since.checked_add(duration).ok()) else { return false };
    if draft.now >= until {
        *beginning = None;
        return true;
    }
    draft.wake(until);
    false
}

fn clear_pause(draft: &mut Draft<'_>) {
    draft.status.pause_conditions.clear();
    draft.status.controller_pause = false;
    if let Some(canary) = &mut draft.status.canary {
        canary.paused_step_index = None;
    }
}

/// A weight step is complete when the route carries the weight to pods that carry the load; that its gateways are known to
/// carry it out is asked last. A canary that carries more of it, because too few stable pods are ready, has passed every
/// test that a smaller share could be.
fn weight_is_in_place(draft: &Draft<'_>, canary: &Revision, percent: i32) -> bool {
    let Some(traffic) = &draft.world.traffic else { return false };
    let stands_in =
        |stable: &Revision| traffic.routes.is_at(traffic::within_reach(draft, traffic, stable, percent));
    traffic.recorded
        && traffic.canary.selects(&canary.hash)
        && (traffic.routes.is_at(percent) || draft.world.stable().is_some_and(stands_in))
        && traffic.canary.ready_of(&canary.hash) >= capacity::pods_for(percent, draft.world.rollout.replicas)
}

fn recorded_index(world: &Snapshot, steps: usize) -> usize {
    usize::try_from(world.recorded.current_step_index.unwrap_or(0)).unwrap_or(0).min(steps)
}

fn set_index(draft: &mut Draft<'_>, steps: &[Step], index: usize) {
    draft.status.current_step_index = (!steps.is_empty()).then(|| i32::try_from(index).unwrap_or(i32::MAX));
}

/// The index that the plan has arrived at.
pub fn index(draft: &Draft<'_>) -> usize {
    usize::try_from(draft.status.current_step_index.unwrap_or(0)).unwrap_or(0)
}

/// The canary's share that the steps ask for now: of the step that is carried out, or while steps are held, of the last
/// one that was carried out. After the last step it is everything.
pub fn wanted_percent(draft: &Draft<'_>, steps: &[Step]) -> i32 {
    let index = index(draft);
    let weight = |step: &Step| match step {
        Step::SetWeight(percent) => Some(*percent),
        Step::Pause(_) => None,
    };
    let asked = steps.get(index).map_or(Some(100), weight);
    match asked {
        Some(percent) if !draft.hold || has_arrived(draft, percent) => percent,
        _ => steps.iter().take(index).rev().find_map(weight).unwrap_or(0),
    }
}

/// A step that was carried out before it could be marked as done is not taken back by holding the steps.
fn has_arrived(draft: &Draft<'_>, percent: i32) -> bool {
    let recorded = draft.world.recorded_weights();
    let routes = draft.world.traffic.as_ref().map(|traffic| &traffic.routes);
    recorded.is_some_and(|weights| weights.canary.weight == percent)
        || routes.is_some_and(|routes| routes.is_at(percent))
}

/// All steps are done: nothing but pods, weight 100 and the commit is left.
pub fn all_steps_done(draft: &Draft<'_>, steps: &[Step]) -> bool {
    index(draft) >= steps.len()
}

fn tell_what_is_awaited(draft: &mut Draft<'_>, steps: &[Step], canary: Option<&Revision>) {
    let world = draft.world;
    // While spec.paused holds, the command would be refused.
    let pause = draft.status.pause_conditions.first().filter(|_| !world.rollout.paused).cloned();
    let Some(pause) = pause else { return };
    let step = draft.status.current_step_index.unwrap_or(0);
    let revision = canary.map_or(0, |canary| canary.number);
    let standing = StandingPause { step, revision, since: pause.start_time.0 };
    let command = resume::command(world, standing);
    match steps.get(index(draft)) {
        Some(Step::Pause(Some(duration))) => {
            let until = end_of(pause.start_time.0, *duration);
            draft.wait(Wait::PauseDuration, format!("step {step} pauses until {until}"), Some(command));
        }
        _ => draft.wait(Wait::Resume, format!("step {step} pauses until somebody resumes"), Some(command)),
    }
}

fn end_of(since: Timestamp, duration: SignedDuration) -> Timestamp {
    since.checked_add(duration).unwrap_or(Timestamp::MAX)
}
