//! The inputs of one decision as a file that can be handed on, and the decision made from it again.
//!
//! A bundle holds the objects in the form that the API gives them, each cut down to what [`observe`](crate::observe())
//! asks about: people can read it, and every later planner can be run on it. Of the user's template next to nothing is
//! left, so the two names that follow from its whole text are kept beside it.
//!
//! The memory of the running process is not in it ([`Recall`]). It decides nothing that matters: a plan without it asks
//! the server once more, tells one Event more, or writes status a moment earlier or later.

mod objects;
mod record;
mod redact;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serin_api::Names;

pub use self::objects::BundledObjects;
pub use self::record::{Record, RecordedAction, RecordedEvent};
use self::redact::Kept;
use crate::observe::{Objects, TemplateIdentity, observe, observe_named};
use crate::plan::{Plan, plan};
use crate::recall::Recall;
use crate::snapshot::Snapshot;

/// The only version of the form that this build reads and writes.
pub const VERSION: u64 = 1;

/// What is not in a bundle, for whoever reads one.
const LEFT_OUT: &str = "Of pod templates and pods: everything but names, images, labels, and the annotations of roles. \
    Environment values are replaced. Secrets and ConfigMaps are never read. The memory of the running operator is not \
    in it: nothing there decides what is safe, but a write that was refused a moment ago is planned here once more.";

/// The inputs of one decision, and what was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// The version of this form, [`VERSION`].
    pub version: u64,
    pub written_by: Program,
    /// What is not in it, in words.
    pub left_out: String,
    /// The API group of the Rollout.
    pub api_group: String,
    /// When it was decided.
    pub at: Timestamp,
    pub template: TemplateIdentity,
    pub objects: BundledObjects,
    pub plan: Record,
}

/// The program that wrote a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The version, as `serin --version` tells it.
    pub version: String,
    /// The commit, where the build was told.
    pub commit: Option<String>,
}

/// A decision that was made again.
#[derive(Debug)]
pub struct Replayed {
    pub world: Snapshot,
    pub plan: Plan,
    pub record: Record,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no JSON.
    #[error("it is no JSON: {0}")]
    NoJson(#[source] serde_json::Error),
    /// It is JSON, but names no version.
    #[error("it is no bundle: it has no number under `version`")]
    NoBundle,
    /// Another version of the form.
    #[error("it has version {found} of the form, and this build reads version {VERSION}: use {writer}")]
    Version {
        /// The version that the file names.
        found: u64,
        /// Who wrote it, in words.
        writer: String,
    },
    /// A part of it is missing or of another type.
    #[error("a part of it cannot be read: {0}")]
    Unreadable(#[source] serde_json::Error),
}

impl Bundle {
    /// Decides `now` without any memory, and keeps what that took.
    pub fn of(objects: &Objects, names: &Arc<Names>, written_by: Program, now: Timestamp) -> Self {
        let world = observe(objects, names, &Recall::default());
        let kept = Kept::of(&world);
        Self {
            version: VERSION,
            written_by,
            left_out: LEFT_OUT.to_owned(),
            api_group: names.group.clone(),
            at: now,
            template: TemplateIdentity { id: world.template.id.clone(), hash: world.template.hash.clone() },
            objects: BundledObjects::of(objects, &kept),
            plan: Record::of(&world, &plan(&world, now), &kept),
        }
    }

    /// Reads the text of a bundle.
    ///
    /// # Errors
    /// It is none, or one of a version that this build does not know.
    pub fn read(text: &str) -> Result<Self, BundleError> {
        let value: Value = serde_json::from_str(text).map_err(BundleError::NoJson)?;
        match value["version"].as_u64() {
            Some(VERSION) => serde_json::from_value(value).map_err(BundleError::Unreadable),
            Some(found) => Err(BundleError::Version { found, writer: writer(&value) }),
            None => Err(BundleError::NoBundle),
        }
    }

    /// Decides again, at the time of the bundle or at another one.
    ///
    /// # Errors
    /// An object in it cannot be read.
    pub fn replay(&self, at: Option<Timestamp>) -> Result<Replayed, BundleError> {
        let objects = self.objects.restore().map_err(BundleError::Unreadable)?;
        let names = Arc::new(Names::for_group(&self.api_group));
        let world = observe_named(&objects, &names, &Recall::default(), self.template.clone());
        let plan = plan(&world, at.unwrap_or(self.at));
        let record = Record::of(&world, &plan, &Kept::of(&world));
        Ok(Replayed { world, plan, record })
    }
}

fn writer(bundle: &Value) -> String {
    let program = &bundle["writtenBy"];
    match (program["version"].as_str(), program["commit"].as_str()) {
        (Some(version), Some(commit)) => format!("serin {version} ({commit}), which wrote it"),
        (Some(version), None) => format!("serin {version}, which wrote it"),
        _ => "the serin that wrote it".to_owned(),
    }
}
