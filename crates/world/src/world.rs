//! A cluster's API server in memory: no threads, no clock, no randomness.
//!
//! It follows the contract of the real one and knows nothing of how Serin plans, so it can say when a plan relies on
//! something that a real server would not do. Where the contract leaves room, the answer is the less convenient one.

mod create;
mod defaults;
mod delete;
mod evict;
mod faults;
mod kinds;
mod log;
mod metadata;
mod names;
mod patch;
mod path;
mod read;
mod refusal;
mod request;
mod selector;
mod shortcuts;
mod store;
mod update;
mod validation;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_api::names::DEFAULT_GROUP;

use self::faults::Faults;
use self::names::Names;
use self::store::Store;

pub use self::faults::{Fault, Matcher};
pub use self::kinds::{Key, Kind};
pub use self::log::Record;
pub use self::refusal::{Failure, Refusal};
pub use self::request::{Method, Request, Verb};
pub use self::watch::{EventType, WatchEvent};

pub use self::request::Call;
pub use self::watch::Scope;

pub(crate) use self::{
    delete::{FOREGROUND, ORPHAN},
    metadata::time,
    selector::selects,
};

/// Who asks, where a test does not say.
pub const PERSON: &str = "person";

/// The object that was asked for, or why there is none.
pub type Answer = Result<Value, Failure>;

/// Objects, the rules by which they change, and a log of all requests.
#[derive(Clone, Debug)]
pub struct World {
    store: Store,
    names: Names,
    faults: Faults,
    log: Vec<Record>,
    now: Timestamp,
    group: String,
    unserved: BTreeSet<Kind>,
    pod_quotas: BTreeMap<String, usize>,
    allowed_disruptions: BTreeMap<String, usize>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with the namespace `default`, at the beginning of 2030.
    pub fn new() -> Self {
        Self::for_group(DEFAULT_GROUP)
    }

    /// A world whose Rollouts are in the API group `group`.
    pub fn for_group(group: &str) -> Self {
        let mut world = Self {
            store: Store::default(),
            names: Names::default(),
            faults: Faults::default(),
            log: Vec::new(),
            now: Timestamp::from_second(1_893_456_000).unwrap_or_default(),
            group: group.to_owned(),
            unserved: BTreeSet::new(),
            pod_quotas: BTreeMap::new(),
            allowed_disruptions: BTreeMap::new(),
        };
        world.create(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "default" } }));
        world.log.clear();
        world
    }

    /// The API group of Rollouts.
    pub fn group(&self) -> &str {
        &self.group
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the server's clock, back too.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Lets time pass.
    pub fn advance(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap_or(self.now);
    }

    /// Answers one request, and logs it.
    ///
    /// A WATCH is only judged here; what it tells is in [`World::events_since`].
    ///
    /// # Errors
    /// The server refused, or a fault kept the answer.
    pub fn request(&mut self, request: Request) -> Answer {
        let is_create = request.method == Method::Post;
        let call = Call::parse(request, &self.group)?;
        let fault = self.faults.strike(&call);
        let answer = match fault {
            None => self.serve(&call),
            Some(fault) => {
                if fault.takes_effect() {
                    // What the server would have said is lost.
                    drop(self.serve(&call));
                }
                Err(match fault {
                    Fault::Status(code) => Refusal::injected(code).into(),
                    Fault::DropRequest | Fault::LoseAnswer => Failure::Disconnected,
                    Fault::Hang | Fault::HangAfter => Failure::Hung,
                })
            }
        };
        let kind = call.kind();
        let answer = answer.map_err(|failure| match failure {
            Failure::Refused(refusal) => Failure::Refused(refusal.qualify(kind, &self.group)),
            other => other,
        });
        let code = match &answer {
            Ok(_) if is_create => 201,
            Ok(_) => 200,
            Err(failure) => failure.code(),
        };
        self.log.push(Record::of(call, code));
        answer
    }

    fn serve(&mut self, call: &Call) -> Answer {
        if self.unserved.contains(&call.kind()) {
            return Err(Refusal::unknown_path().into());
        }
        match call.verb {
            Verb::Get => self.serve_get(call),
            Verb::List => self.serve_list(call),
            Verb::Watch => Ok(Value::Null),
            Verb::Create if call.subresource() == Some("eviction") => self.serve_eviction(call),
            Verb::Create => self.serve_create(call),
            Verb::Update | Verb::Patch => self.serve_update(call),
            Verb::Delete => self.serve_delete(call),
        }
    }

    /// All requests so far.
    pub fn log(&self) -> &[Record] {
        &self.log
    }

    /// All requests since this was last asked.
    pub fn take_log(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.log)
    }

    /// The writes of one user since the log was last taken, dry runs left out.
    pub fn writes_by(&self, user: &str) -> Vec<&Record> {
        self.log.iter().filter(|record| record.user == user && record.is_write()).collect()
    }

    /// Makes the next request that matches fail; with [`Matcher::skip`], a later one.
    pub fn fail_next(&mut self, matcher: Matcher, fault: Fault) {
        self.faults.once(matcher, fault);
    }

    /// Makes every request that matches fail until [`World::stop_failing`].
    pub fn fail_always(&mut self, matcher: Matcher, fault: Fault) {
        self.faults.standing(matcher, fault);
    }

    /// Forgets all failures that were asked for.
    pub fn stop_failing(&mut self) {
        self.faults.clear();
    }

    /// Says that the server does not know the kind, as before its CRD is installed. Objects are kept.
    pub fn set_served(&mut self, kind: Kind, served: bool) {
        if served {
            self.unserved.remove(&kind);
        } else {
            self.unserved.insert(kind);
        }
    }

    /// Allows at most so many pods in a namespace, or any number.
    pub fn set_pod_quota(&mut self, namespace: &str, limit: Option<usize>) {
        match limit {
            Some(limit) => self.pod_quotas.insert(namespace.to_owned(), limit),
            None => self.pod_quotas.remove(namespace),
        };
    }

    /// Lets the PodDisruptionBudgets of a namespace allow so many evictions from now on, or any number.
    pub fn set_allowed_disruptions(&mut self, namespace: &str, limit: Option<usize>) {
        match limit {
            Some(limit) => self.allowed_disruptions.insert(namespace.to_owned(), limit),
            None => self.allowed_disruptions.remove(namespace),
        };
    }

    /// The `apiVersion` of a kind.
    pub fn api_version(&self, kind: Kind) -> String {
        let facts = kind.facts();
        match facts.group.unwrap_or(&self.group) {
            "" => facts.version.to_owned(),
            group => format!("{group}/{}", facts.version),
        }
    }

    /// The path of a collection in one namespace.
    pub fn collection_path(&self, kind: Kind, namespace: &str) -> String {
        let version = self.api_version(kind);
        let root = if version.contains('/') { "apis" } else { "api" };
        let plural = kind.plural();
        if kind.is_namespaced() {
            format!("/{root}/{version}/namespaces/{namespace}/{plural}")
        } else {
            format!("/{root}/{version}/{plural}")
        }
    }

    /// The path of an object.
    pub fn path(&self, key: &Key) -> String {
        format!("{}/{}", self.collection_path(key.kind, &key.namespace), key.name)
    }
}
