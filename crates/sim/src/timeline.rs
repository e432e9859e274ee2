//! What a Rollout will do, moment by moment: the real operator, run to its end in a cluster in memory.

mod application;
mod clock;
mod moments;
mod play;
mod scene;
mod text;
mod view;
mod words;

use serde::Serialize;
use serin_api::validate::FieldError;

pub use scene::{Live, Scene};

/// How a Rollout goes on from where it is, and what that was assumed of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// The Rollout.
    pub rollout: String,
    pub namespace: String,
    /// How many pods it wants.
    pub replicas: i32,
    /// What is taken to be so, one sentence each.
    pub assumed: Vec<String>,
    /// One after the other; the clock of each begins with it.
    pub acts: Vec<Act>,
}

/// A change of the Rollout, and all that follows from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// What is changed.
    pub title: String,
    pub moments: Vec<Moment>,
    pub summary: Summary,
}

/// What happens at one time, and what is so after it. It holds at most one move of traffic.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// Seconds since the act began.
    pub seconds: f64,
    /// What the operator writes, in this order.
    pub writes: Vec<Write>,
    /// What it waits for from now on.
    pub waits: Vec<Wait>,
    /// What is so then.
    #[serde(flatten)]
    pub view: View,
}

/// A write by the operator that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// As `Kind/name`.
    pub object: String,
    pub what: What,
    /// The new value where `what` has one: weights as `90/10`, a selector as the pod template hash, a number of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The same for people.
    pub words: String,
}

/// Which part of an object is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum What {
    /// The weights of a route: those of its first rule.
    Weights,
    /// The revision that a Service selects.
    Selector,
    /// The number of pods of a ReplicaSet, new or not.
    Replicas,
    /// The metadata of a role, on a pod or in a template.
    Role,
    /// The record of the stable revision.
    Stable,
    /// The status of the Rollout.
    Status,
    /// Records and requests on the Rollout and its ReplicaSets.
    Bookkeeping,
}

/// Something that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// The same short reason as in `status.waitingFor`.
    pub what: String,
    /// The details; times are those of the act.
    pub message: String,
    /// For what waits for a person: the command, which the plan takes to be given at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the command changes of the spec.
    #[serde(skip)]
    pub(crate) request: Option<serde_json::Value>,
}

/// What is so at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The verdict of the status that is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<serin_api::status::Phase>,
    /// The step that is carried out, counted from 0; the number of steps when all are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<i32>,
    /// Shares of the stable and of the canary Service in percent, where there is a route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Shares>,
    /// Which revision each Service selects; none while its selector is the user's own.
    pub services: Selected,
    /// By revision number, without those that have no pods and are to have none.
    pub revisions: Vec<RevisionView>,
}

/// Shares of the traffic in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shares {
    pub stable: i32,
    pub canary: i32,
}

/// The numbers of the revisions that the Services select.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Selected {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<i64>,
}

/// The pods of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RevisionView {
    pub revision: i64,
    pub replica_set: String,
    /// It is recorded as the stable one.
    pub stable: bool,
    /// How many pods it is to have.
    pub wanted: i32,
    /// How many of them have been ready for `minReadySeconds`.
    pub available: i32,
}

/// An act in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// From the change to the last write.
    pub seconds: f64,
    /// Of those, what was spent in pauses with a time.
    pub paused_seconds: f64,
    /// What was spent until pods were ready and listed.
    pub readiness_seconds: f64,
    /// What was spent until traffic had been gone long enough from old pods.
    pub drain_seconds: f64,
    /// How often a person has to let it go on; their time is not counted.
    pub stops_for_a_person: usize,
    /// The most pods that there were at once.
    pub peak_pods: usize,
    /// Writes that succeeded, those of status included.
    pub writes: usize,
    /// Those of status.
    pub status_writes: usize,
    /// What is so at the end.
    pub end: End,
}

/// How an act ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<serin_api::status::Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What it goes on waiting for.
    pub waits: Vec<Wait>,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The Rollout cannot be carried out.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<FieldError>),
    /// The API server would not take an object: which one, and why.
    #[error("{0}: {1}")]
    Refused(String, String),
    /// So many moments have passed without an end.
    #[error("it has not come to rest after {0} moments")]
    Endless(usize),
}

/// Runs the operator until nothing more will happen.
///
/// # Errors
/// The Rollout or another object cannot be used, or there is no end.
pub fn timeline(scene: Scene) -> Result<Timeline, Problem> {
    play::play(scene)
}

impl Timeline {
    /// Whether the last act ends with the wanted version in place.
    pub fn is_good(&self) -> bool {
        let healthy = |act: &Act| act.summary.end.phase == Some(serin_api::status::Phase::Healthy);
        self.acts.last().is_some_and(healthy)
    }

    /// The plan for people.
    pub fn text(&self) -> String {
        text::text(self)
    }
}
