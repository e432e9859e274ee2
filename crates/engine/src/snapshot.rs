//! The world as one Rollout sees it at one moment: small structs, no raw objects.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serin_api::Names;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::spec::{AtRest, Resume};
use serin_api::status::{ManagedTraffic, RolloutStatus, Weights};
use serin_api::template::RawTemplate;
use serin_api::validate::{FieldError, ValidCanary};

use crate::objects::{Map, TemplateProjection};
use crate::recall::Recall;
use crate::roles::RoleRecord;
use crate::routes::RouteSet;

/// Everything that a plan is made from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub names: Arc<Names>,
    pub rollout: RolloutView,
    /// The strategy, or why it cannot be carried out.
    pub strategy: Result<ValidCanary, Vec<FieldError>>,
    /// What `status` holds.
    pub recorded: RolloutStatus,
    /// The user's template and its hashes.
    pub template: TemplateView,
    /// Every ReplicaSet that is owned by the Rollout, or could be.
    pub revisions: Vec<Revision>,
    /// Which revision `spec.template` describes, if it exists.
    pub current: CurrentRevision,
    /// Which revision is recorded as stable.
    pub stable: Option<usize>,
    /// The route and Services that are in force: the recorded ones, else the ones that the spec names.
    pub traffic: Option<TrafficView>,
    /// Why the references of the spec cannot be used, as far as other objects show it.
    pub reference_errors: Vec<FieldError>,
    /// An older Rollout uses one of the Services: traffic is its business.
    pub yields: bool,
    /// What was learnt and may be forgotten.
    pub recall: Recall,
}

/// The Rollout object without its template, strategy and status.
#[derive(Clone, Debug)]
pub struct RolloutView {
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    pub resource_version: String,
    /// When deletion was asked for.
    pub deleted_at: Option<Timestamp>,
    /// The namespace is going away: nothing can be created, and nothing is worth waiting for.
    pub namespace_terminating: bool,
    pub finalizers: Option<Vec<String>>,
    pub annotations: Map,
    pub replicas: i32,
    pub selector: LabelSelector,
    pub min_ready_seconds: i32,
    pub revision_history_limit: usize,
    pub progress_deadline_seconds: i64,
    pub paused: bool,
    pub resume: Option<Resume>,
    pub restart_at: Option<Timestamp>,
}

/// The user's template and its hashes.
#[derive(Clone, Debug)]
pub struct TemplateView {
    pub raw: RawTemplate,
    /// Its identity as written.
    pub id: String,
    /// The pod template hash that a new ReplicaSet for it would have.
    pub hash: String,
    /// A ReplicaSet that already has the name but is not ours or has another template.
    pub name_taken: bool,
}

/// Which revision the user's template describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurrentRevision {
    /// An existing one.
    Known(usize),
    /// One of the existing ones may mean the same: the server's defaulted form will tell.
    Unclear,
    /// None: a ReplicaSet has to be created.
    New,
}

/// A ReplicaSet of one pod template.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    /// Its pod template hash.
    pub hash: String,
    /// Its revision number, counted from 1; 0 where none is recorded.
    pub number: i64,
    /// The ordinal of its promotion.
    pub stable_ordinal: Option<i64>,
    /// The identities of the templates that it was found to stand for.
    pub template_ids: Option<String>,
    /// The Rollout controls it. Otherwise it could be adopted.
    pub owned: bool,
    /// It has owner references, if only such that control nothing.
    pub has_owners: bool,
    pub deleting: bool,
    /// `spec.replicas`.
    pub replicas: i32,
    pub min_ready_seconds: i32,
    /// Pods that exist, are ready, and are available, as far as its controller has seen the current spec.
    pub existing: i32,
    pub ready: i32,
    pub available: i32,
    /// Why pods cannot be created, if they cannot.
    pub failure: Option<String>,
    pub has_annotations: bool,
    pub records: Records,
    pub template: TemplateProjection,
    pub role: Option<RoleRecord>,
    pub pods: Vec<PodView>,
}

/// Our records on a ReplicaSet, word for word: what is tested before one is replaced, even where it cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    pub revision: Option<String>,
    pub stable: Option<String>,
    pub role: Option<String>,
}

/// A live pod of a revision.
#[derive(Clone, Debug, PartialEq)]
pub struct PodView {
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub labels: Option<Map>,
    pub annotations: Option<Map>,
    pub created: Timestamp,
    /// Nothing while it is not ready.
    pub ready_since: Option<Timestamp>,
}

/// The routes and Services in force.
#[derive(Clone, Debug)]
pub struct TrafficView {
    /// True once the routes and Services are recorded in status, the condition for the first traffic write.
    pub recorded: bool,
    pub stable: ServiceView,
    pub canary: ServiceView,
    pub routes: RouteSet,
    /// Which weights they carry at rest.
    pub at_rest: AtRest,
    /// The references that the spec names, where they differ from the recorded ones.
    pub wanted: Option<ManagedTraffic>,
}

/// A Service and what its EndpointSlices list.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceView {
    pub name: String,
    pub found: bool,
    pub selector: Map,
    /// The revision that it was last recorded to select.
    pub recorded: Option<String>,
    /// The field manager that wrote it last.
    pub writer: Option<String>,
    /// Ready endpoints, each with the hash of its revision where the pod is known.
    pub ready: Vec<Option<String>>,
    /// The revisions of pods that it lists and that are about to end: none of these is ready for anybody.
    pub ending: Vec<String>,
}

impl ServiceView {
    /// Whether the selector names exactly this revision.
    pub fn selects(&self, hash: &str) -> bool {
        self.found && self.selector.get(POD_TEMPLATE_HASH).is_some_and(|selected| selected == hash)
    }

    /// Whether the selector can match pods of this revision: it names it, or names none.
    pub fn reaches(&self, hash: &str) -> bool {
        self.found && self.selector.get(POD_TEMPLATE_HASH).is_none_or(|selected| selected == hash)
    }

    /// Whether every ready endpoint is of the revision that the selector names, if it names one.
    pub fn lists_what_it_selects(&self) -> bool {
        let selected = self.selector.get(POD_TEMPLATE_HASH);
        selected.is_none_or(|selected| self.ready.iter().all(|of| of.as_ref() == Some(selected)))
    }

    /// Whether what it lists is not what its selector names: pods of another revision, or none that are known of this one.
    pub fn lists_what_it_left(&self) -> bool {
        let selected = self.selector.get(POD_TEMPLATE_HASH);
        let is_behind = |selected: &String| {
            self.ready_of(selected) == 0 || self.ready.iter().flatten().any(|of| of != selected)
        };
        !self.ready.is_empty() && selected.is_some_and(is_behind)
    }

    /// Ready endpoints of this revision.
    pub fn ready_of(&self, hash: &str) -> i32 {
        count(self.ready.iter().filter(|of| of.as_deref() == Some(hash)))
    }

    /// Ready endpoints of anything else, unknown pods included.
    pub fn ready_of_others(&self, hash: &str) -> i32 {
        count(self.ready.iter()) - self.ready_of(hash)
    }
}

impl TrafficView {
    /// The user's own weights stand, as is asked for at rest, and both Services are to have the pods of one revision. So it
    /// makes no difference which of them a request goes to.
    pub fn rests_restored(&self, hash: &str) -> bool {
        self.stable.selects(hash) && self.canary.selects(hash) && self.rests_restored_or_released(hash)
    }

    /// The same, where a Service may have got its own selector back already.
    pub fn rests_restored_or_released(&self, hash: &str) -> bool {
        let serves = !self.canary.ready.is_empty() || self.stable.ready.is_empty();
        self.at_rest == AtRest::Restore
            && self.stable.reaches(hash)
            && self.canary.reaches(hash)
            && serves
            && self.routes.is_restored()
    }
}

impl Snapshot {
    /// The revision that `spec.template` describes.
    pub fn current(&self) -> Option<&Revision> {
        match self.current {
            CurrentRevision::Known(index) => self.revisions.get(index),
            CurrentRevision::Unclear | CurrentRevision::New => None,
        }
    }

    /// The revision that is recorded as stable.
    pub fn stable(&self) -> Option<&Revision> {
        self.stable.and_then(|index| self.revisions.get(index))
    }

    /// The weights as they were last recorded.
    pub fn recorded_weights(&self) -> Option<&Weights> {
        self.recorded.canary.as_ref()?.weights.as_ref()
    }

    /// Whether the step list and everything that it needs can be used.
    pub fn is_valid(&self) -> bool {
        self.strategy.is_ok() && self.reference_errors.is_empty()
    }

    /// The hash that `spec.template` has or would have.
    pub fn current_hash(&self) -> &str {
        self.current().map_or(&self.template.hash, |revision| &revision.hash)
    }
}

/// The length of an iterator as the API's integer.
pub fn count<I: Iterator>(items: I) -> i32 {
    i32::try_from(items.count()).unwrap_or(i32::MAX)
}
