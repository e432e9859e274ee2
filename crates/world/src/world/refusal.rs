//! What the API server says when it does not do what it was asked for.

use serde_json::{Value, json};

use super::kinds::Kind;

/// Why there is no object in the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The server refused.
    Refused(Refusal),
    /// The connection broke: the write may have happened or not.
    Disconnected,
    /// No answer ever comes: the write may have happened or not.
    Hung,
}

/// An answer of kind Status.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The HTTP status code.
    pub code: u16,
    /// The reason, in CamelCase.
    pub reason: String,
    /// The server's sentence.
    pub message: String,
    details: Value,
}

impl Failure {
    /// The HTTP status code; 0 where there was no answer.
    pub fn code(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Disconnected | Self::Hung => 0,
        }
    }

    /// The server's sentence; empty where there was no answer.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused(refusal) => &refusal.message,
            Self::Disconnected | Self::Hung => "",
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refusal {
    fn new(code: u16, message: String) -> Self {
        Self { code, reason: reason_of(code).to_owned(), message, details: Value::Null }
    }

    fn about(mut self, kind: Kind, name: &str) -> Self {
        self.details = json!({ "name": name, "kind": kind.plural() });
        self
    }

    /// The answer as the server sends it.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }

    /// Writes the API group behind the names of kinds that have one; `rollouts` is the group of Rollouts.
    pub(crate) fn qualify(mut self, kind: Kind, rollouts: &str) -> Self {
        let group = kind.facts().group.unwrap_or(rollouts);
        if group.is_empty() || self.details["kind"] != kind.plural() {
            return self;
        }
        self.details["group"] = json!(group);
        let name = self.details["name"].as_str().unwrap_or_default();
        for word in [kind.plural(), kind.name()] {
            self.message =
                self.message.replace(&format!("{word} {name:?}"), &format!("{word}.{group} {name:?}"));
        }
        self
    }

    /// A refusal that a test asked for.
    pub(crate) fn injected(code: u16) -> Self {
        Self::new(code, format!("injected failure {code}"))
    }

    pub fn unknown_path() -> Self {
        Self::new(404, "the server could not find the requested resource".to_owned())
    }

    pub(crate) fn not_found(kind: Kind, name: &str) -> Self {
        Self::new(404, format!("{} {name:?} not found", kind.plural())).about(kind, name)
    }

    pub(crate) fn already_exists(kind: Kind, name: &str) -> Self {
        let refusal = Self::new(409, format!("{} {name:?} already exists", kind.plural())).about(kind, name);
        Self { reason: "AlreadyExists".to_owned(), ..refusal }
    }

    pub(crate) fn conflict(kind: Kind, name: &str, why: &str) -> Self {
        let plural = kind.plural();
        Self::new(409, format!("Operation cannot be fulfilled on {plural} {name:?}: {why}")).about(kind, name)
    }

    pub(crate) fn stale(kind: Kind, name: &str) -> Self {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, why)
    }

    pub(crate) fn invalid(kind: Kind, name: &str, field: &str, problem: &str) -> Self {
        let message = format!("{} {name:?} is invalid: {field}: {problem}", kind.name());
        let mut refusal = Self::new(422, message).about(kind, name);
        refusal.details["causes"] =
            json!([{ "reason": "FieldValueInvalid", "message": problem, "field": field }]);
        refusal
    }

    /// A JSON patch that does not fit the object, which the server answers without naming the object.
    pub(crate) fn patch_failed() -> Self {
        Self::new(422, "the server rejected our request due to an error in our request".to_owned())
    }

    pub(crate) fn forbidden(kind: Kind, name: &str, why: &str) -> Self {
        Self::new(403, format!("{} {name:?} is forbidden: {why}", kind.plural())).about(kind, name)
    }

    pub(crate) fn budget_exceeded(kind: Kind, name: &str) -> Self {
        let why = "Cannot evict pod as it would violate the pod's disruption budget.";
        Self::new(429, why.to_owned()).about(kind, name)
    }

    pub(crate) fn namespace_terminating(kind: Kind, name: &str, namespace: &str) -> Self {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut refusal = Self::forbidden(kind, name, &why);
        refusal.details["causes"] = json!([{
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {namespace} is being terminated"),
        }]);
        refusal
    }

    pub(crate) fn version_of_new_object() -> Self {
        let message = "resourceVersion should not be set on objects to be created".to_owned();
        Self { reason: String::new(), ..Self::new(500, message) }
    }

    /// A patch that would move the object to another place.
    pub(crate) fn misplaced(field: &str) -> Self {
        Self::bad_request(&format!("the {field} of the object does not match the {field} on the URL"))
    }

    pub(crate) fn bad_request(problem: &str) -> Self {
        Self::new(400, problem.to_owned())
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(405, "the server does not allow this method on the requested resource".to_owned())
    }

    pub(crate) fn unsupported_media_type(media_type: &str) -> Self {
        Self::new(415, format!("the body of the request was in an unsupported format: {media_type}"))
    }

    pub(crate) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, format!("too old resource version: {asked} ({oldest})"))
    }
}

fn reason_of(code: u16) -> &'static str {
    match code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        410 => "Expired",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        500 => "InternalError",
        503 => "ServiceUnavailable",
        504 => "Timeout",
        _ => "Unknown",
    }
}
