//! What one plan says in several places must agree.

use serin_api::status::Phase;
use serin_engine::Plan;
use serin_engine::events::REASONS;
use serin_engine::status::rules::{RULES, Rule};

/// Rules that cannot both apply, neighbours in the list: while pods are not waited for no time runs out, and what is
/// healthy has neither a pause nor pods to come.
pub const EXCLUSIVE: &[(&str, &str)] = &[
    ("template-refused", "out-of-time"),
    ("out-of-time", "held"),
    ("step-pauses", "healthy"),
    ("healthy", "pods-missing"),
];

/// What a healthy Rollout may still wait for: work that holds nothing up.
const BESIDE_HEALTHY: &[&str] = &["Drain", "RoleAcknowledgement", "RefusedWrite"];

/// Waits that one rule alone explains.
const ONLY_WITH: &[(&str, &str)] =
    &[("Retry", "aborted"), ("Unpause", "held"), ("Resume", "step-pauses"), ("PauseDuration", "step-pauses")];

pub fn rule(name: &str) -> &'static Rule {
    RULES.iter().find(|rule| rule.name == name).expect("a rule of the list")
}

/// Everything in which the plan contradicts itself, in words.
pub fn contradictions(plan: &Plan) -> Vec<String> {
    let mut found = Vec::new();
    for event in &plan.events {
        let listed = REASONS.iter().any(|r| r.name == event.reason && r.severity == event.severity);
        if !listed {
            found.push(format!("the Event {event:?} is not in the list of reasons"));
        }
    }
    let Some(decider) = plan.rules.first().map(|name| rule(name)) else { return found };
    let (report, message) = (&plan.report, plan.report.message.as_deref().unwrap_or_default());
    if report.phase != Some(decider.phase) || !fits(decider.message, message) {
        found.push(format!("{} does not say {:?} {message:?}", decider.name, report.phase));
    }
    let waits: Vec<&str> = report.waiting_for.iter().map(|wait| &*wait.what).collect();
    // A refusal that is over is told until the next try, which the plan holds, has its answer.
    let nothing_to_do = plan.actions.is_empty();
    if nothing_to_do
        && !decider.waits.is_empty()
        && !decider.waits.iter().any(|wait| waits.contains(&wait.name()))
    {
        found.push(format!("{} decides, but only {waits:?} is waited for", decider.name));
    }
    for (wait, rule) in ONLY_WITH {
        if waits.contains(wait) && !plan.rules.contains(rule) {
            found.push(format!("{wait} is waited for, but {rule} does not apply"));
        }
    }
    // Beside an action that mends it, health is what was last seen; neither is recorded before the action is done.
    if nothing_to_do
        && report.phase == Some(Phase::Healthy)
        && waits.iter().any(|wait| !BESIDE_HEALTHY.contains(wait))
    {
        found.push(format!("it is healthy and waits for {waits:?}"));
    }
    let is_at_rest = nothing_to_do && plan.status.is_none() && !plan.status_pending;
    if report.phase == Some(Phase::Progressing) && is_at_rest && waits.is_empty() {
        found.push(format!("{message:?}, but nothing is done and nothing waited for"));
    }
    for (one, other) in EXCLUSIVE {
        if plan.rules.contains(one) && plan.rules.contains(other) {
            found.push(format!("{one} and {other} apply together"));
        }
    }
    found
}

/// Whether a message is the one of a rule, in which `…` stands for any words.
fn fits(form: &str, message: &str) -> bool {
    match form.split_once('…') {
        Some((before, after)) => message.starts_with(before) && message.ends_with(after),
        None => message == form,
    }
}
