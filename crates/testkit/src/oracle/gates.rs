//! A pause is passed when its time is over or when a person says so, and by one request one pause.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::verdict::Verdict;
use super::view::View;

/// What cannot be seen in two worlds.
#[derive(Clone, Debug, Default)]
pub struct Used {
    /// Requests in the spec that have passed a pause, and when that had begun: by generation.
    requests: BTreeMap<i64, Timestamp>,
    /// The last pause that the operator has begun.
    begun: Option<Begun>,
}

#[derive(Clone, Debug)]
struct Begun {
    revision: String,
    step: usize,
    since: Value,
}

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>, used: &mut Used) {
    let (before, after) = (was.status(), is.status());
    let current = after["currentPodHash"].as_str();
    let steps = &is.subject.steps;
    // A first deploy, a hand-over and an abort are no walk along the steps. What ends an abort may begin a pause.
    let is_canary = is.stable().is_some() && is.stable() != current && after["abort"] != true;
    let (Some(to), true) = (index(after), is_canary) else { return };
    let same = |field: &str| before[field] == after[field];
    let goes_on = same("currentPodHash") && same("currentStepHash");
    let from = if goes_on { index(before).unwrap_or(0) } else { 0 };
    let walks = before["abort"] != true;
    if walks && goes_on && index(before).is_some() {
        let clamped = from.min(steps.len());
        verdict.require(to >= clamped, || format!("went back from step {from} to step {to}"));
    }
    if walks {
        walked(verdict, was, from..to, goes_on, used);
    }
    // Two pauses may begin in one second.
    let is_other = !same("pauseConditions") || !same("currentStepIndex") || !goes_on;
    let pauses = steps.get(to).is_some_and(|step| step["pause"].is_object());
    let begins = after["pauseConditions"].is_array() && is_other && pauses;
    if let (Some(current), true) = (current, begins) {
        let since = after["pauseConditions"][0]["startTime"].clone();
        used.begun = Some(Begun { revision: current.to_owned(), step: to, since });
    }
}

/// All steps have to be done before a canary is committed, if only by the plan that commits it.
pub fn judge_commit(verdict: &mut Verdict<'_>, was: &View<'_>, hash: &str, used: &mut Used) {
    let goes_on = was.status()["currentPodHash"] == hash;
    let from = if goes_on { index(was.status()).unwrap_or(0) } else { 0 };
    walked(verdict, was, from..was.subject.steps.len(), goes_on, used);
}

/// No pause among these steps was passed without a reason. Where it does not go on from what is recorded, none has begun.
fn walked(
    verdict: &mut Verdict<'_>,
    was: &View<'_>,
    steps: std::ops::Range<usize>,
    goes_on: bool,
    used: &mut Used,
) {
    let from = steps.start;
    for (step, pause) in was.subject.steps.iter().map(|step| &step["pause"]).enumerate() {
        if !steps.contains(&step) || !pause.is_object() {
            continue;
        }
        let has_begun = goes_on && step == from;
        // Who promotes in full answers for all pauses of the canary that status names.
        let promoted = goes_on && was.status()["promoteFull"] == true;
        let opened = promoted || if has_begun { opened(was, step, used) } else { is_zero(pause) };
        verdict.require(opened, || {
            let pauses = &was.status()["pauseConditions"];
            format!("passed the pause of step {step} without a reason: {pauses} at {}", was.now)
        });
    }
}

fn index(status: &Value) -> Option<usize> {
    status["currentStepIndex"].as_u64().and_then(|index| usize::try_from(index).ok())
}

/// How long a pause lasts; none means until a person resumes.
fn lasts(pause: &Value) -> Option<SignedDuration> {
    match &pause["duration"] {
        Value::Null => None,
        Value::Number(seconds) => seconds.as_i64().map(SignedDuration::from_secs),
        // `10` or `10s` or `1h30m`; the API takes no signs and no days.
        text => {
            let text = text.as_str()?;
            let seconds = text.parse().map(SignedDuration::from_secs);
            seconds.ok().or_else(|| text.parse().ok())
        }
    }
}

fn is_zero(pause: &Value) -> bool {
    lasts(pause).is_some_and(|lasts| lasts.is_zero())
}

/// Whether something in the world before the write lets the pause that stands at `step` be passed.
fn opened(was: &View<'_>, step: usize, used: &mut Used) -> bool {
    let status = was.status();
    let current = status["currentPodHash"].as_str().unwrap_or_default();
    let told = &status["pauseConditions"][0]["startTime"];
    let here = used.begun.as_ref().is_none_or(|begun| {
        let is_another = !told.is_null() && *told != begun.since;
        is_another || begun.revision == current && begun.step == step
    });
    if !here {
        // Somebody has named this step: what status says of a pause is about another one.
        return is_zero(&was.subject.steps[step]["pause"]);
    }
    let began = status["pauseConditions"][0]["startTime"].as_str();
    let Some(since) = began.and_then(|began| began.parse::<Timestamp>().ok()) else {
        // That is what tools write to resume. Without the operator's note it has not begun.
        return status["controllerPause"] == true || is_zero(&was.subject.steps[step]["pause"]);
    };
    let over = lasts(&was.subject.steps[step]["pause"]).and_then(|lasts| since.checked_add(lasts).ok());
    if over.is_some_and(|over| was.now >= over) {
        return true;
    }
    if was.rollout["spec"]["paused"] == true {
        return false;
    }
    by_annotation(was, step) || by_spec(was, step, since, used)
}

fn by_annotation(was: &View<'_>, step: usize) -> bool {
    let Some(text) = was.rollout["metadata"]["annotations"][&was.subject.names.resume].as_str() else {
        return false;
    };
    let (asked, revision) = match text.split_once('@') {
        Some((asked, revision)) => (asked, Some(revision)),
        None => (text, None),
    };
    asked.parse() == Ok(step) && revision.is_none_or(|revision| revision.parse().ok() == number(was))
}

fn by_spec(was: &View<'_>, step: usize, since: Timestamp, used: &mut Used) -> bool {
    let resume = &was.rollout["spec"]["resume"];
    let names_pause = resume["step"].as_u64() == u64::try_from(step).ok()
        && (resume["revision"].is_null() || resume["revision"].as_i64() == number(was))
        && (resume["pausedAt"].is_null()
            || resume["pausedAt"].as_str().and_then(|at| at.parse().ok()) == Some(since));
    let generation = was.rollout["metadata"]["generation"].as_i64().unwrap_or(0);
    // One request, one pause: whoever writes it again raises the generation.
    names_pause && *used.requests.entry(generation).or_insert(since) == since
}

/// The number of the revision that pauses.
fn number(was: &View<'_>) -> Option<i64> {
    let set = was.set(was.status()["currentPodHash"].as_str()?)?;
    was.revision(set)
}
