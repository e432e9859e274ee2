//! The operator: every call of the real process is one that a process of the simulator sends.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use serin_api::Names;
use serin_engine::preflight::Verdict;
use serin_sim::{Called, Faithful, Operator, Step};
use serin_testkit::{Kind, World};

use super::Report;
use super::alike::{difference, lack};
use super::history::{History, TOLD};

const PART: &str = "operator";

/// More steps than any plan has.
const STEPS: usize = 60;

/// By how many writes one watch may be behind the others.
const BEHIND: usize = 12;

/// A process that has just started does not remember when it last wrote status. So it may wait so much longer until it
/// writes numbers again, or see the end of a drain so much later.
const FORGOTTEN: SignedDuration = SignedDuration::from_secs(2);

/// The call at `index` has to be one that a process sends which starts in a world of the last few seconds.
pub fn check(history: &History, index: usize, rollout: &str, report: &mut Report) {
    let line = &history.moments[index].entry.line;
    let at = history.moments[index].entry.at;
    let said = preflight(line);
    let mut instead = Vec::new();
    for (lag, seen) in history.seen_before(index).enumerate() {
        // It planned between the last change that it saw and its call.
        let since = seen.checked_sub(1).map_or(at, |before| history.moments[before].done.min(at));
        for now in [at, since] {
            for called in calls(history.world(seen, now), &history.namespace, rollout, said.clone()) {
                match wrong(&called, line) {
                    None => return report.count(PART, lag),
                    Some(difference) if is_of(&called, line) => {
                        instead.push(format!("{} writes before: {}: {difference}", lag, called.describe()));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    report.count(PART, 0);
    let foreseen =
        history.foreseen(index, at).map(|world| calls(world, &history.namespace, rollout, said.clone()));
    // Each kind has a watch of its own, so one may be behind the others.
    let is_found = foreseen.into_iter().flatten().any(|called| wrong(&called, line).is_none());
    if is_found || of_one_late_watch(history, index, rollout) {
        return;
    }
    instead.dedup();
    instead.retain(|told| !told.contains("resourceVersion"));
    instead.truncate(3);
    report.refuse(PART, history, index, &instead.join("\n  "));
}

/// Whether a process sends the call that sees one kind as it was before, and all others as they were then or later.
fn of_one_late_watch(history: &History, index: usize, rollout: &str) -> bool {
    let (line, at) = (&history.moments[index].entry.line, history.moments[index].entry.at);
    let seen: Vec<usize> = history.seen_before(index).take(BEHIND).collect();
    let older = |newer: usize| seen.iter().copied().filter(move |older| *older < newer);
    let worlds = seen.iter().flat_map(|newer| older(*newer).map(move |older| (*newer, older)));
    worlds.flat_map(|worlds| TOLD.map(|late| (worlds, late))).any(|((newer, older), late)| {
        let others: Vec<Kind> = TOLD.into_iter().filter(|kind| *kind != late).collect();
        let world = history.mixed(&[(older, &[late]), (newer, &others)], at);
        calls(world, &history.namespace, rollout, preflight(line))
            .iter()
            .any(|called| wrong(called, line).is_none())
    })
}

/// What preflight says in a write of status: the real process has judged it by more than the log shows, and remembers it.
fn preflight(line: &Value) -> Option<Verdict> {
    let conditions = line["requestObject"]["status"]["conditions"].as_array()?;
    let said = conditions.iter().find(|condition| condition["type"] == "Preflight")?;
    Verdict::recorded(said["reason"].as_str()?, said["message"].as_str()?)
}

/// The calls that a process makes which starts in this world.
fn calls(mut world: World, namespace: &str, rollout: &str, said: Option<Verdict>) -> Vec<Called> {
    let mut operator = starts(&world, namespace, rollout).told_by_preflight(said);
    let (mut calls, began) = (Vec::new(), world.now());
    for _ in 0..STEPS {
        match operator.step(&mut world, &mut Faithful) {
            Step::Called(called) => calls.push(*called),
            Step::Planned => {}
            Step::Rests(Some(wake_at)) if wake_at.duration_since(began) <= FORGOTTEN => {
                world.set_now(wake_at)
            }
            Step::Absent | Step::Rests(_) | Step::GaveUp(_) | Step::Exhausted(_) => break,
        }
        if !operator.is_busy() {
            operator.hear_all(&world);
        }
    }
    calls
}

/// A process that has just started and has read everything.
pub fn starts(world: &World, namespace: &str, rollout: &str) -> Operator {
    let mut operator = Operator::new(Arc::new(Names::default()), rollout).within(namespace);
    operator.hear_all(world);
    operator
}

/// When the operator would act next, if it does not act at once: in `Ok`; else its first write.
pub fn next(mut world: World, namespace: &str, rollout: &str) -> Result<Option<Timestamp>, String> {
    let mut operator = starts(&world, namespace, rollout);
    for _ in 0..STEPS {
        match operator.step(&mut world, &mut Faithful) {
            Step::Called(called) if !called.call.dry_run => return Err(called.describe()),
            Step::Called(_) | Step::Planned => {}
            Step::Rests(wake_at) => return Ok(wake_at),
            Step::Absent => return Ok(None),
            Step::GaveUp(again) | Step::Exhausted(again) => return Ok(Some(again)),
        }
    }
    Err("it plans for ever".to_owned())
}

/// Whether a call is of the same kind, and of the same object.
fn is_of(called: &Called, line: &Value) -> bool {
    let uri = line["requestURI"].as_str().unwrap_or_default();
    let verb = format!("{:?}", called.call.verb).to_lowercase();
    line["verb"] == verb.as_str() && called.call.path == uri.split_once('?').map_or(uri, |(path, _)| path)
}

fn wrong(called: &Called, line: &Value) -> Option<String> {
    let (model, real) = (called.call.body.json(), &line["requestObject"]);
    match is_of(called, line) {
        false => Some("another call".to_owned()),
        // Of what is created the log shows the server's defaults, too.
        true if line["verb"] == "create" => lack(&model, real),
        true if line["verb"] == "delete" => ["preconditions", "propagationPolicy"]
            .iter()
            .find_map(|option| difference(&model[*option], &real[*option])),
        true => difference(&model, real),
    }
}
