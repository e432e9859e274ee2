//! What was decided, in a form that can be kept and compared.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::redact::Kept;
use crate::action::Action;
use crate::api_call::api_call;
use crate::events::{Event, Severity};
use crate::plan::Plan;
use crate::snapshot::Snapshot;

/// A plan, with every write as it would be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub actions: Vec<RecordedAction>,
    /// The merge patch of status, where one is due.
    pub status: Option<Value>,
    /// Status differs from what is recorded, and may wait for what follows.
    pub status_pending: bool,
    pub events: Vec<RecordedEvent>,
    /// When to look again although nothing has happened.
    pub wake_at: Option<Timestamp>,
    /// The whole status as it should be.
    pub report: Value,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordedAction {
    /// What it does, in a few words.
    pub words: String,
    pub verb: String,
    /// The path below the server's root.
    pub path: String,
    pub dry_run: bool,
    /// What is sent. A template in it is cut down as everywhere in a bundle.
    pub body: Value,
}

/// One Event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedEvent {
    pub severity: String,
    pub reason: String,
    pub note: String,
}

impl Record {
    /// Keeps a plan.
    pub(super) fn of(world: &Snapshot, plan: &Plan, kept: &Kept) -> Self {
        Self {
            actions: plan.actions.iter().map(|action| recorded(world, action, kept)).collect(),
            status: plan.status.clone(),
            status_pending: plan.status_pending,
            events: plan.events.iter().map(told).collect(),
            wake_at: plan.wake_at,
            report: serde_json::to_value(&plan.report).unwrap_or_default(),
        }
    }

    /// In which of its parts another plan differs, by their names in a bundle.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            ("actions", self.actions == other.actions),
            ("status", self.status == other.status && self.status_pending == other.status_pending),
            ("events", self.events == other.events),
            ("wakeAt", self.wake_at == other.wake_at),
            ("report", self.report == other.report),
        ];
        parts.into_iter().filter(|(_, same)| !same).map(|(part, _)| part).collect()
    }
}

fn recorded(world: &Snapshot, action: &Action, kept: &Kept) -> RecordedAction {
    let call = api_call(world, action);
    let mut body = call.body.json();
    if let Action::CreateReplicaSet { .. } | Action::CompareTemplate { .. } = action {
        body["spec"]["template"] = kept.template(&body["spec"]["template"]);
    }
    RecordedAction {
        words: action.describe(),
        verb: format!("{:?}", call.verb).to_lowercase(),
        path: call.path,
        dry_run: call.dry_run,
        body,
    }
}

fn told(event: &Event) -> RecordedEvent {
    let severity = match event.severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    RecordedEvent { severity: severity.to_owned(), reason: event.reason.to_owned(), note: event.note.clone() }
}
