//! What stories have met: a rule that no story reaches is a rule that no story judges.

use std::collections::BTreeMap;

use serin_engine::events::Event;
use serin_engine::{Action, Plan};

/// How often each thing was met, by name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub actions: BTreeMap<&'static str, u64>,
    pub events: BTreeMap<&'static str, u64>,
    pub waits: BTreeMap<String, u64>,
    pub conditions: BTreeMap<String, u64>,
    pub phases: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts what a plan asks for and reports.
    pub fn planned(&mut self, plan: &Plan) {
        for action in &plan.actions {
            *self.actions.entry(name(action)).or_default() += 1;
        }
        for wait in &plan.report.waiting_for {
            *self.waits.entry(wait.what.clone()).or_default() += 1;
        }
        for condition in &plan.report.conditions {
            let name = format!("{:?}/{}", condition.kind, condition.reason);
            *self.conditions.entry(name).or_default() += 1;
        }
        if let Some(phase) = &plan.report.phase {
            let text = format!("{phase:?}: {}", plan.report.message.as_deref().unwrap_or_default());
            *self.phases.entry(text.split(':').take(2).collect::<Vec<_>>().join(":")).or_default() += 1;
        }
    }

    /// Counts Events.
    pub fn told(&mut self, events: &[Event]) {
        for event in events {
            *self.events.entry(event.reason).or_default() += 1;
        }
    }

    /// Adds what other stories have met.
    pub fn add(&mut self, other: &Self) {
        fn add<K: Clone + Ord>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (name, count) in from {
                *to.entry(name.clone()).or_default() += count;
            }
        }
        add(&mut self.actions, &other.actions);
        add(&mut self.events, &other.events);
        add(&mut self.waits, &other.waits);
        add(&mut self.conditions, &other.conditions);
        add(&mut self.phases, &other.phases);
    }
}

/// The names of all kinds of actions.
pub const ACTIONS: &[&str] = &[
    "AddFinalizer",
    "Adopt",
    "CompareTemplate",
    "CreateReplicaSet",
    "DeleteReplicaSet",
    "Evict",
    "Recognise",
    "RecordStable",
    "RelabelPod",
    "RemoveAnnotation",
    "RemoveFinalizer",
    "RemoveResume",
    "Scale",
    "Select",
    "SetMinReadySeconds",
    "SetRole",
    "SetWeights",
];

/// The name of an action's kind.
pub fn name(action: &Action) -> &'static str {
    match action {
        Action::AddFinalizer { .. } => "AddFinalizer",
        Action::RemoveFinalizer { .. } => "RemoveFinalizer",
        Action::RemoveResume { .. } => "RemoveResume",
        Action::RemoveAnnotation { .. } => "RemoveAnnotation",
        Action::CompareTemplate { .. } => "CompareTemplate",
        Action::CreateReplicaSet { .. } => "CreateReplicaSet",
        Action::Adopt { .. } => "Adopt",
        Action::Recognise { .. } => "Recognise",
        Action::Scale { .. } => "Scale",
        Action::SetMinReadySeconds { .. } => "SetMinReadySeconds",
        Action::SetRole { .. } => "SetRole",
        Action::RelabelPod { .. } => "RelabelPod",
        Action::Evict { .. } => "Evict",
        Action::RecordStable { .. } => "RecordStable",
        Action::DeleteReplicaSet { .. } => "DeleteReplicaSet",
        Action::Select { .. } => "Select",
        Action::SetWeights { .. } => "SetWeights",
    }
}
