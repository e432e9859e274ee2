//! Requests to pass a pause: judged once, then removed.

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_api::status::JudgedResume;

use crate::action::Action;
use crate::draft::Draft;
use crate::events::{Event, reasons};
use crate::snapshot::Snapshot;

/// A pause that stands and is recorded, so that a person can have seen it.
#[derive(Clone, Copy, Debug)]
pub struct StandingPause {
    pub step: i32,
    pub revision: i64,
    pub since: Timestamp,
}

/// A request as it was read.
struct Request {
    step: Option<i32>,
    revision: Option<i64>,
    paused_at: Option<Timestamp>,
    /// Its identity for [`JudgedResume`].
    text: String,
    /// What tells it from an earlier request with the same text.
    generation: i64,
    removal: Action,
}

/// Judges the requests that are present. True when one of them passes the standing pause; the caller must then record
/// status before anything else.
pub fn judge(draft: &mut Draft<'_>, standing: Option<StandingPause>, beginning: Option<i32>) -> bool {
    let requests = [from_spec(draft.world), from_annotation(draft.world, standing)];
    let mut passed = false;
    for request in requests.into_iter().flatten() {
        let judged = &draft.world.recorded.judged_resume;
        let is_judged =
            judged.as_ref().is_some_and(|j| j.request == request.text && j.generation == request.generation);
        if is_judged {
            remove(draft, request.removal);
            continue;
        }
        // It names the pause that begins in this very plan: wait until that is recorded, then judge.
        if beginning.is_some() && request.step == beginning {
            continue;
        }
        match refusal(draft.world, &request, standing) {
            None if !passed => {
                passed = true;
                draft.status.judged_resume =
                    Some(JudgedResume { request: request.text, generation: request.generation });
            }
            // Two requests at once pass one pause: the second is judged against the world after the first.
            None => {}
            Some(why) => {
                let note = format!("Request to resume refused: {why}");
                draft.events.push(Event::seen(reasons::RESUME_REFUSED, note));
                remove(draft, request.removal);
            }
        }
    }
    passed
}

/// A tool that writes its request again and again is answered ever more slowly.
fn remove(draft: &mut Draft<'_>, removal: Action) {
    let contest = draft.world.recall.contests.get(&removal.subject());
    match contest.map(|contest| contest.next_at(draft.now)) {
        Some(at) if at > draft.now => draft.wake(at),
        _ => draft.act(removal),
    }
}

fn refusal(world: &Snapshot, request: &Request, standing: Option<StandingPause>) -> Option<String> {
    let Some(step) = request.step else {
        return Some(format!("{:?} is not `<step>` or `<step>@<revision>`", request.text));
    };
    if world.rollout.paused {
        return Some("spec.paused is true: set it to false first".into());
    }
    let Some(pause) = standing else { return Some("no pause stands".into()) };
    if step != pause.step {
        return Some(format!(
            "no pause stands at step {step}; the one that stands is at step {}",
            pause.step
        ));
    }
    if let Some(revision) = request.revision.filter(|revision| *revision != pause.revision) {
        return Some(format!(
            "revision {revision} does not pause at step {step}; revision {} does",
            pause.revision
        ));
    }
    if let Some(at) = request.paused_at.filter(|at| *at != pause.since) {
        return Some(format!("the pause at step {step} began at {}, not at {at}", pause.since));
    }
    None
}

fn from_spec(world: &Snapshot) -> Option<Request> {
    let resume = world.rollout.resume.as_ref()?;
    let value = serde_json::to_value(resume).unwrap_or(Value::Null);
    Some(Request {
        step: Some(resume.step),
        revision: resume.revision,
        paused_at: resume.paused_at.as_ref().map(|time| time.0),
        text: value.to_string(),
        generation: world.rollout.generation,
        removal: Action::RemoveResume { request: value },
    })
}

/// Annotations have no generation: the pause that a request passed tells it from the same text in a later pause.
fn from_annotation(world: &Snapshot, standing: Option<StandingPause>) -> Option<Request> {
    let name = &world.names.resume;
    let text = world.rollout.annotations.get(name)?;
    let (step, revision) = match text.split_once('@') {
        Some((step, revision)) => (step.parse().ok(), Some(revision.parse::<i64>().unwrap_or(-1))),
        None => (text.parse().ok(), None),
    };
    let identity = format!("{name}={text}");
    let judged = world.recorded.judged_resume.as_ref().filter(|judged| judged.request == identity);
    let generation =
        standing.map(|pause| pause.since.as_second()).or(judged.map(|judged| judged.generation)).unwrap_or(0);
    let removal = Action::RemoveAnnotation { name: name.clone(), value: text.clone() };
    Some(Request { step, revision, paused_at: None, text: identity, generation, removal })
}

/// The command that passes exactly this pause or nothing.
pub fn command(world: &Snapshot, pause: StandingPause) -> String {
    let request = json!({"spec": {"resume": {
        "step": pause.step, "revision": pause.revision, "pausedAt": pause.since.to_string(),
    }}});
    let (resource, rollout) = (world.names.resource(), &world.rollout);
    format!("kubectl patch {resource} {} -n {} --type merge -p '{request}'", rollout.name, rollout.namespace)
}
