//! What a plan asks for. Every action names the facts that it was decided on.

use std::collections::BTreeMap;

use serde_json::Value;
use serin_api::route::RouteId;

use crate::drift::Drift;
use crate::objects::Map;
use crate::routes::PairWeights;

/// One write to one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Hold the deletion of the Rollout until its traffic is safe.
    AddFinalizer { present: Option<Vec<String>> },
    /// Let the Rollout go.
    RemoveFinalizer { index: usize, finalizer: String },
    /// Remove a request to resume that was judged.
    RemoveResume { request: Value },
    /// Remove a request in an annotation that was judged.
    RemoveAnnotation { name: String, value: String },
    /// Ask the server what the user's template means. Nothing is stored.
    CompareTemplate { template: String, body: Value },
    /// Create the ReplicaSet of a new revision. The name follows from the template.
    CreateReplicaSet { name: String, template: String, revision: i64, replicas: i32, body: Value },
    /// Own a ReplicaSet that has no controller.
    Adopt { replica_set: String, uid: String, owner: Value, has_owners: bool },
    /// Note that a revision also stands for the template as it is written now, and give it a new number.
    Recognise { replica_set: String, uid: String, has_annotations: bool, annotations: Vec<AnnotationChange> },
    /// Change the number of pods. Where all of them go because nobody needs them, `unchanged` is the version that was
    /// found to be so.
    Scale { replica_set: String, uid: String, revision: i64, unchanged: Option<String>, from: i32, to: i32 },
    /// Change for how long pods must be ready.
    SetMinReadySeconds { replica_set: String, uid: String, to: i32 },
    /// Put a role's metadata into the template, and record it.
    SetRole {
        replica_set: String,
        uid: String,
        before: Option<String>,
        record: String,
        has_annotations: bool,
        labels: MapChange,
        annotations: MapChange,
    },
    /// Put a role's metadata on a live pod.
    RelabelPod { pod: String, uid: String, labels: MapChange, annotations: MapChange },
    /// Let a pod end, if its PodDisruptionBudgets allow that. Its ReplicaSet makes another one.
    Evict { pod: String, uid: String, resource_version: String },
    /// The commit: record a revision as stable. Where it is for what the revision has by now, `unchanged` is the version
    /// that was found to have it.
    RecordStable {
        replica_set: String,
        uid: String,
        unchanged: Option<String>,
        hash: String,
        has_annotations: bool,
        before: Option<String>,
        ordinal: i64,
    },
    /// Delete a ReplicaSet beyond the history limit.
    DeleteReplicaSet { replica_set: String, uid: String, resource_version: String },
    /// Traffic: let a Service select one revision, or give it its own selector back.
    Select { service: String, before: Map, hash: Option<String>, drift: Option<Drift> },
    /// Traffic: write weights. `subject` is what the route is called beside the Rollout.
    SetWeights {
        route: RouteId,
        version: String,
        subject: String,
        from: i32,
        percent: i32,
        changes: Vec<PairWeights>,
        drift: Option<Drift>,
    },
}

/// A change of one annotation from a known value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnotationChange {
    pub name: String,
    pub before: Option<String>,
    pub value: String,
}

/// Changes to labels or annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MapChange {
    /// The object has no such map yet.
    pub absent: bool,
    pub set: Map,
    pub remove: Vec<String>,
    /// The values that `set` and `remove` replace.
    pub before: BTreeMap<String, Option<String>>,
}

impl MapChange {
    /// The changes that bring `present` to the wanted values; a wanted `None` removes.
    pub fn towards<'a>(
        present: Option<&Map>,
        wanted: impl Iterator<Item = (&'a String, Option<&'a String>)>,
    ) -> Self {
        let mut change = Self { absent: present.is_none(), ..Self::default() };
        for (key, value) in wanted {
            let before = present.and_then(|map| map.get(key));
            if before == value {
                continue;
            }
            change.before.insert(key.clone(), before.cloned());
            match value {
                Some(value) => drop(change.set.insert(key.clone(), value.clone())),
                None => change.remove.push(key.clone()),
            }
        }
        change
    }

    /// Nothing to change.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

impl Action {
    /// Moves traffic: a plan does one such thing, in one action for each route.
    pub fn is_traffic(&self) -> bool {
        matches!(self, Self::Select { .. } | Self::SetWeights { .. })
    }

    /// May be carried out beside others of its kind, and may fail without stopping them.
    pub fn is_parallel(&self) -> bool {
        matches!(self, Self::RelabelPod { .. })
    }

    /// The change by another writer that this puts back.
    pub fn drift(&self) -> Option<&Drift> {
        match self {
            Self::Select { drift, .. } | Self::SetWeights { drift, .. } => drift.as_ref(),
            _ => None,
        }
    }

    /// What it is about, as `Kind/name`: the key of refusals.
    pub fn subject(&self) -> String {
        match self {
            Self::AddFinalizer { .. } | Self::RemoveFinalizer { .. } => "Rollout/finalizer".into(),
            Self::RemoveResume { .. } => "Rollout/resume".into(),
            Self::RemoveAnnotation { name, .. } => format!("Rollout/{name}"),
            Self::CompareTemplate { template, .. } | Self::CreateReplicaSet { template, .. } => {
                template_subject(template)
            }
            Self::Adopt { replica_set, .. }
            | Self::Recognise { replica_set, .. }
            | Self::Scale { replica_set, .. }
            | Self::SetMinReadySeconds { replica_set, .. }
            | Self::SetRole { replica_set, .. }
            | Self::RecordStable { replica_set, .. }
            | Self::DeleteReplicaSet { replica_set, .. } => format!("ReplicaSet/{replica_set}"),
            Self::RelabelPod { pod, .. } => format!("Pod/{pod}"),
            Self::Evict { pod, .. } => eviction_subject(pod),
            Self::Select { service, .. } => format!("Service/{service}"),
            Self::SetWeights { subject, .. } => subject.clone(),
        }
    }

    /// What it does, in a few words for logs.
    pub fn describe(&self) -> String {
        let subject = self.subject();
        match self {
            Self::AddFinalizer { .. } => "add finalizer".into(),
            Self::RemoveFinalizer { .. } => "remove finalizer".into(),
            Self::RemoveResume { .. } | Self::RemoveAnnotation { .. } => {
                format!("remove judged request {subject}")
            }
            Self::CompareTemplate { .. } => "compare template".into(),
            Self::CreateReplicaSet { name, replicas, .. } => {
                format!("create ReplicaSet/{name} with {replicas} pods")
            }
            Self::Adopt { .. } => format!("adopt {subject}"),
            Self::Recognise { .. } => format!("recognise {subject}"),
            Self::Scale { from, to, .. } => format!("scale {subject} from {from} to {to}"),
            Self::SetMinReadySeconds { to, .. } => format!("set minReadySeconds of {subject} to {to}"),
            Self::SetRole { .. } => format!("set role of {subject}"),
            Self::RelabelPod { .. } => format!("relabel {subject}"),
            Self::Evict { .. } => format!("ask for {subject}"),
            Self::RecordStable { .. } => format!("record {subject} as stable"),
            Self::DeleteReplicaSet { .. } => format!("delete {subject}"),
            Self::Select { hash, .. } => {
                format!("let {subject} select {}", hash.as_deref().unwrap_or("all pods"))
            }
            Self::SetWeights { from, percent, .. } => {
                format!("change weight of {subject} from {from} to {percent}")
            }
        }
    }
}

/// The key of refusals that are about a template, by the identity of its text.
pub fn template_subject(id: &str) -> String {
    format!("Template/{id}")
}

/// The key of refusals to let a pod go, which are none of its labels.
pub fn eviction_subject(pod: &str) -> String {
    format!("Eviction/{pod}")
}
