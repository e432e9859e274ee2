//! What was asked of the world: the oracle of tests about API calls.

use std::fmt;

use serde_json::Value;

use super::kinds::Kind;
use super::request::{Call, Verb};

/// One request and how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub user: String,
    pub verb: Verb,
    pub kind: Kind,
    /// Empty for cluster-wide kinds and for lists over all namespaces.
    pub namespace: String,
    /// The name in the path or, for a create, in the body; empty for collections.
    pub name: String,
    pub subresource: Option<String>,
    pub dry_run: bool,
    pub body: Value,
    /// The HTTP status code; 0 where the answer was lost.
    pub code: u16,
}

impl Record {
    pub(crate) fn of(call: Call, code: u16) -> Self {
        let in_body = || call.body["metadata"]["name"].as_str().unwrap_or_default();
        let name = if call.verb == Verb::Create { in_body() } else { call.name() }.to_owned();
        let dry_run = call.is_dry_run();
        let Call { user, verb, target, body, .. } = call;
        Self {
            user,
            verb,
            kind: target.kind,
            namespace: target.namespace.unwrap_or_default(),
            name,
            subresource: target.subresource,
            dry_run,
            body,
            code,
        }
    }

    /// Whether it could have changed something.
    pub fn is_write(&self) -> bool {
        self.verb.is_write() && !self.dry_run
    }
}

/// `patch rollouts/a/status 200`: short enough for a list of expected calls.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb.word(), self.kind.plural())?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        if let Some(subresource) = &self.subresource {
            write!(f, "/{subresource}")?;
        }
        if self.dry_run {
            f.write_str(" (dry run)")?;
        }
        write!(f, " {}", self.code)
    }
}
