//! A request to the world, and what the world understands of it.

use serde_json::Value;

use super::kinds::{Key, Kind};
use super::path::{self, Query, Target};
use super::refusal::Refusal;

/// The HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// A request as it would come over the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Who asks.
    pub user: String,
    pub method: Method,
    /// The path below the server's root, with its query.
    pub path: String,
    pub content_type: String,
    /// Null where there is none.
    pub body: Value,
}

impl Request {
    /// A request with a JSON body, by somebody whose name does not matter.
    pub fn new(method: Method, path: impl Into<String>, body: Value) -> Self {
        let content_type = "application/json".to_owned();
        Self { user: super::PERSON.to_owned(), method, path: path.into(), content_type, body }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path, Value::Null)
    }

    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::Post, path, body)
    }

    pub fn put(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::Put, path, body)
    }

    pub fn merge_patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::Patch, path, body).with_content_type("application/merge-patch+json")
    }

    pub fn json_patch(path: impl Into<String>, body: Value) -> Self {
        Self::new(Method::Patch, path, body).with_content_type("application/json-patch+json")
    }

    /// A deletion; `options` may be null.
    pub fn delete(path: impl Into<String>, options: Value) -> Self {
        Self::new(Method::Delete, path, options)
    }

    #[must_use]
    pub fn by(mut self, user: &str) -> Self {
        self.user = user.to_owned();
        self
    }

    #[must_use]
    pub fn with_content_type(mut self, content_type: &str) -> Self {
        self.content_type = content_type.to_owned();
        self
    }
}

/// What a request does, in the words of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
}

impl Verb {
    /// Whether it could change something.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Patch | Self::Delete)
    }

    /// The word that RBAC rules use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// A request that was understood.
#[derive(Clone, Debug)]
pub struct Call {
    pub user: String,
    pub verb: Verb,
    pub target: Target,
    pub query: Query,
    pub content_type: String,
    pub body: Value,
}

impl Call {
    /// Understands `request`; `group` is the API group of Rollouts.
    pub fn parse(request: Request, group: &str) -> Result<Self, Refusal> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let target = path::parse(path, group).ok_or_else(Refusal::unknown_path)?;
        let query = Query::parse(query);
        let verb = match (request.method, target.name.is_some()) {
            (Method::Get, true) => Verb::Get,
            (Method::Get, false) if query.is_set("watch") => Verb::Watch,
            (Method::Get, false) => Verb::List,
            (Method::Post, false) => Verb::Create,
            (Method::Post, true) if target.subresource.as_deref() == Some("eviction") => Verb::Create,
            (Method::Put, true) => Verb::Update,
            (Method::Patch, true) => Verb::Patch,
            (Method::Delete, true) => Verb::Delete,
            _ => return Err(Refusal::method_not_allowed()),
        };
        let (user, content_type, body) = (request.user, request.content_type, request.body);
        Ok(Self { user, verb, target, query, content_type, body })
    }

    pub fn kind(&self) -> Kind {
        self.target.kind
    }

    /// The name in the path; empty for a collection.
    pub fn name(&self) -> &str {
        self.target.name.as_deref().unwrap_or_default()
    }

    pub fn key(&self) -> Key {
        let namespace = self.target.namespace.as_deref().unwrap_or_default();
        Key { kind: self.kind(), namespace: namespace.into(), name: self.name().into() }
    }

    pub fn subresource(&self) -> Option<&str> {
        self.target.subresource.as_deref()
    }

    /// Whether nothing is to be stored.
    pub fn is_dry_run(&self) -> bool {
        self.query.get("dryRun") == Some("All")
    }

    /// Who is noted in managedFields.
    pub fn manager(&self) -> &str {
        self.query.get("fieldManager").unwrap_or(&self.user)
    }
}
