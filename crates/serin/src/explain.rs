//! `serin explain`: what a Rollout is doing, what it waits for, and what each command would do now.
//!
//! The objects are read once and judged by the planner that the operator runs, but without the operator's memory. Nothing is
//! written.

mod revisions;
mod text;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serin_api::Names;
use serin_api::status::{Phase, RolloutStatus, WaitingFor};
use serin_api::validate::Step;
use serin_engine::routes::RouteView;
use serin_engine::verbs::{State, Verb, outcome};
use serin_engine::{Action, Objects, Plan, Recall, Snapshot, observe, plan};

use self::revisions::RevisionNow;
use crate::args::{ExplainArgs, PrintForm};
use crate::clock::Clock;
use crate::{client, live, run, words};

/// What only the running operator knows, from its memory.
const REMEMBERED: [&str; 2] = ["RefusedWrite", "ContestedWrite"];

/// Runs `serin explain`.
///
/// # Errors
/// The objects cannot be read.
pub async fn run(args: ExplainArgs) -> anyhow::Result<()> {
    let clients = client::connect().await?;
    let (api, namespace) = (args.api.api(), args.rollout.namespace(&clients.namespace));
    let objects = live::read(clients.main, api, namespace, &args.rollout.name).await?;
    let explained = Explanation::of(&objects, &Arc::new(Names::for_group(api.group)), Clock::system().now());
    match args.print.output {
        PrintForm::Text => run::print(&explained.text()),
        PrintForm::Json => run::print(&(serde_json::to_string_pretty(&explained)? + "\n")),
    }
}

/// One Rollout at one moment, in words.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    namespace: String,
    name: String,
    /// As the operator has recorded it.
    phase: Option<Phase>,
    message: Option<String>,
    /// Why the record cannot be taken at its word, where it cannot.
    doubt: Option<String>,
    state: &'static str,
    meaning: &'static str,
    steps: Option<Steps>,
    weights: Option<Weights>,
    revisions: Vec<RevisionNow>,
    /// Older revisions without pods.
    resting_revisions: usize,
    waits: Vec<WaitingFor>,
    next: Next,
    verbs: Vec<VerbNow>,
}

/// Where in the steps it is.
#[derive(Debug, Serialize)]
struct Steps {
    /// Counted from 0; the number of steps when all are done.
    index: usize,
    all: Vec<String>,
}

/// The canary Service's share of a route, in percent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RouteShare {
    /// As in `HTTPRoute web`.
    route: String,
    canary: i32,
}

/// The canary Service's share of every route.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Weights {
    routes: Vec<RouteShare>,
    /// What the step asks for.
    desired: Option<i32>,
}

/// What the operator would write next.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Next {
    writes: Vec<String>,
    /// It would change status.
    status: bool,
    wake_at: Option<Timestamp>,
}

/// What a command would do now.
#[derive(Debug, Serialize)]
struct VerbNow {
    verb: &'static str,
    what: &'static str,
    why: &'static str,
    command: String,
}

impl Explanation {
    fn of(objects: &Objects, names: &Arc<Names>, now: Timestamp) -> Self {
        let world = observe(objects, names, &Recall::default());
        let plan = plan(&world, now);
        let state = State::for_verbs(&world, now);
        let (rollout, recorded) = (&world.rollout, &world.recorded);
        let (revisions, resting_revisions) = revisions::of(&world);
        let known = State::of(&world, now);
        Self {
            namespace: rollout.namespace.clone(),
            name: rollout.name.clone(),
            phase: recorded.phase,
            message: recorded.message.clone(),
            doubt: doubt(&world),
            state: known.name(),
            meaning: known.meaning(),
            steps: steps(&world, &plan.report),
            weights: weights(&world, &plan.report),
            revisions,
            resting_revisions,
            waits: waits(&world, &plan),
            next: Next {
                writes: plan.actions.iter().map(|action| words::action(&world, action)).collect(),
                status: plan.status.is_some() || plan.status_pending,
                wake_at: plan.wake_at,
            },
            verbs: verbs(&world, state),
        }
    }
}

/// Nobody has looked at the present spec, or nobody ever has.
fn doubt(world: &Snapshot) -> Option<String> {
    let look = "Does the operator run? Look at its pods, its Lease and its log";
    let generation = world.rollout.generation;
    if world.rollout.deleted_at.is_some() {
        return Some("It is being deleted: the Services and the route are made safe first".to_owned());
    }
    match world.recorded.observed_generation {
        None => Some(format!("No operator has recorded anything yet. {look}")),
        Some(seen) if seen < generation => Some(format!(
            "The record is about generation {seen} of the spec, which is at {generation} now: an operator needs a moment. \
             If it stays so: {look}"
        )),
        Some(_) => None,
    }
}

fn steps(world: &Snapshot, report: &RolloutStatus) -> Option<Steps> {
    let steps = &world.strategy.as_ref().ok()?.steps;
    let index = usize::try_from(report.current_step_index?).ok()?;
    let word = |step: &Step| match step {
        Step::SetWeight(percent) => format!("weight {percent}"),
        Step::Pause(None) => "pause for a person".to_owned(),
        Step::Pause(Some(duration)) => format!("pause of {duration:#}"),
    };
    Some(Steps { index, all: steps.iter().map(word).collect() })
}

fn weights(world: &Snapshot, report: &RolloutStatus) -> Option<Weights> {
    let routes = &world.traffic.as_ref()?.routes;
    if !routes.holds_pairs() {
        return None;
    }
    let desired =
        report.canary.as_ref().and_then(|canary| canary.weights.as_ref()).map(|weights| weights.desired);
    let share = |route: &RouteView| RouteShare {
        route: route.id.beside(&world.rollout.namespace).replacen('/', " ", 1),
        canary: route.canary_percent(),
    };
    Some(Weights { routes: routes.0.iter().filter(|route| route.found).map(share).collect(), desired })
}

/// What the plan waits for, and what only the operator's memory knows of.
fn waits(world: &Snapshot, plan: &Plan) -> Vec<WaitingFor> {
    let recorded = &world.recorded.waiting_for;
    // This plan waits for one answer and has judged nothing else.
    if plan.actions.iter().any(|action| matches!(action, Action::CompareTemplate { .. })) {
        return recorded.clone();
    }
    let mut waits = plan.report.waiting_for.clone();
    let unknown = |wait: &&WaitingFor| {
        REMEMBERED.contains(&&*wait.what) && !waits.iter().any(|other| other.what == wait.what)
    };
    let remembered: Vec<WaitingFor> = recorded.iter().filter(unknown).cloned().collect();
    waits.extend(remembered);
    waits
}

/// Every command that means something now: of pausing and going on by the spec only one does.
fn verbs(world: &Snapshot, state: State) -> Vec<VerbNow> {
    let idle = if world.rollout.paused { Verb::Pause } else { Verb::Unpause };
    let verbs = Verb::ALL.into_iter().filter(|verb| *verb != idle);
    verbs.map(|verb| verb_now(world, verb, state)).collect()
}

fn verb_now(world: &Snapshot, verb: Verb, state: State) -> VerbNow {
    let outcome = outcome(verb, state);
    let mut command = verb.command(world);
    if let (Verb::UndoToStable, Some(stable)) = (verb, world.stable()) {
        command = command.replace("REPLICASET", &stable.name);
    }
    VerbNow { verb: verb.name(), what: outcome.what, why: outcome.why, command }
}

#[cfg(test)]
mod tests;
