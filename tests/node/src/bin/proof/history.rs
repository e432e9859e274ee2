//! What the cluster asked of the gateway, and when: read from the audit log, whoever wrote it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use serin_node::rollout::VERSION;
use serin_node::site::{RELEASE, SYSTEM};

/// The objects of the example.
const ROUTE: &str = "canary-route";
const STABLE: &str = "argo-rollouts-stable-service";
const CANARY: &str = "argo-rollouts-canary-service";
const HASH: &str = "rollouts-pod-template-hash";
const ABORT: &str = "serin.dev/abort";

/// The kinds of which the log is read; whatever else is in a line of it is not parsed.
const KINDS: [&str; 5] = ["httproutes", "services", "replicasets", "rollouts", "pods"];

/// From one change to the next. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// When the write was asked for that led to it: before, nobody can have seen anything of it.
    pub asked: i64,
    /// When that write was answered.
    pub done: i64,
    /// The part of the requests to the route that its weights give to the canary Service, in a thousand.
    pub share: u32,
    /// Whether the operator wrote these weights.
    pub own: bool,
    /// The version that each Service selects; none while it selects any.
    pub stable: Option<u32>,
    pub canary: Option<u32>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub states: Vec<State>,
    /// When an abort was asked for.
    pub aborts: Vec<i64>,
    /// How long each pod took from its creation until it was ready.
    pub starts: Vec<i64>,
}

/// One answered request of the log.
struct Entry {
    version: u64,
    asked: i64,
    done: i64,
    line: Value,
}

impl Entry {
    fn of(line: &str) -> Option<Self> {
        KINDS.iter().find(|kind| line.contains(&format!("\"resource\":\"{kind}\"")))?;
        let line: Value = serde_json::from_str(line).ok()?;
        let code = line["responseStatus"]["code"].as_u64()?;
        let dry = line["requestURI"].as_str()?.contains("dryRun");
        if !(200..300).contains(&code) || dry || line["objectRef"]["namespace"] != "default" {
            return None;
        }
        let version = line["responseObject"]["metadata"]["resourceVersion"].as_str()?.parse().ok()?;
        let time = |field: &str| Some(line[field].as_str()?.parse::<Timestamp>().ok()?.as_microsecond());
        let (asked, done) = (time("requestReceivedTimestamp")?, time("stageTimestamp")?);
        Some(Self { version, asked, done, line })
    }

    fn kind(&self) -> &str {
        self.line["objectRef"]["resource"].as_str().unwrap_or_default()
    }

    /// Whether the object itself was written, and not its status.
    fn is_of_object(&self) -> bool {
        self.line["objectRef"]["subresource"].is_null()
    }

    fn object(&self) -> &Value {
        &self.line["responseObject"]
    }

    fn name(&self) -> &str {
        self.object()["metadata"]["name"].as_str().unwrap_or_default()
    }

    fn is_by_operator(&self) -> bool {
        self.line["user"]["username"] == format!("system:serviceaccount:{SYSTEM}:{RELEASE}")
    }
}

/// What is known on the way through the log.
#[derive(Default)]
struct Reader {
    history: History,
    /// The version that the pods of a hash answer with.
    versions: BTreeMap<String, u32>,
    share: Option<(u32, bool)>,
    stable: Option<u32>,
    canary: Option<u32>,
    /// When each pod was created that is not ready yet.
    created: BTreeMap<String, i64>,
}

impl History {
    /// Reads the audit log.
    pub fn read(log: &str) -> Self {
        let mut entries: Vec<Entry> = log.lines().filter_map(Entry::of).collect();
        // A version tells the place of a write among all others.
        entries.sort_by_key(|entry| entry.version);
        let mut reader = Reader::default();
        for entry in &entries {
            reader.read(entry);
        }
        reader.history
    }

    /// The last state that had been asked for by then.
    pub fn last_asked_by(&self, time: i64) -> Option<usize> {
        self.states.partition_point(|state| state.asked <= time).checked_sub(1)
    }

    /// When the state was over for sure: when the write that led to the next one was answered.
    pub fn over(&self, index: usize) -> i64 {
        self.states.get(index + 1).map_or(i64::MAX, |next| next.done)
    }
}

impl Reader {
    fn read(&mut self, entry: &Entry) {
        match (entry.kind(), entry.name()) {
            ("replicasets", _) => self.learn_version(entry.object()),
            // Its status too: it may tell of a write whose answer nobody waited for.
            ("httproutes", ROUTE) => self.route(entry),
            ("services", STABLE) => self.stable = self.selected(entry.object()),
            ("services", CANARY) => self.canary = self.selected(entry.object()),
            ("rollouts", _) if !entry.is_by_operator() && asks_for_abort(&entry.line) => {
                self.history.aborts.push(entry.asked);
            }
            ("pods", name) => self.pod(entry, name),
            _ => {}
        }
        self.note(entry);
    }

    fn learn_version(&mut self, set: &Value) {
        let hash = set["metadata"]["labels"][HASH].as_str();
        let variables = set["spec"]["template"]["spec"]["containers"][0]["env"].as_array();
        let variable = variables.into_iter().flatten().find(|variable| variable["name"] == VERSION);
        let version = variable.and_then(|variable| variable["value"].as_str()?.parse().ok());
        if let (Some(hash), Some(version)) = (hash, version) {
            self.versions.insert(hash.to_owned(), version);
        }
    }

    fn route(&mut self, entry: &Entry) {
        let backends = &entry.object()["spec"]["rules"][0]["backendRefs"];
        let weight = |name: &str| {
            let backend = backends.as_array()?.iter().find(|backend| backend["name"] == name)?;
            backend["weight"].as_u64()
        };
        let (Some(stable), Some(canary)) = (weight(STABLE), weight(CANARY)) else { return };
        let share = u32::try_from(canary * 1000 / (stable + canary).max(1)).unwrap_or_default();
        // A write that only its status tells of: who is killed while writing does not hear the answer.
        let own = entry.is_by_operator() || !entry.is_of_object();
        // Whoever writes what is already there changes nothing; but the operator makes it its own.
        let taken_over = entry.is_by_operator() && entry.is_of_object();
        if self.share.is_none_or(|(before, was_own)| before != share || !was_own && taken_over) {
            self.share = Some((share, own));
        }
    }

    fn selected(&self, service: &Value) -> Option<u32> {
        self.versions.get(service["spec"]["selector"][HASH].as_str()?).copied()
    }

    fn pod(&mut self, entry: &Entry, name: &str) {
        let pod = entry.object();
        if entry.line["verb"] == "create" && entry.is_of_object() {
            self.created.insert(name.to_owned(), entry.done);
        }
        let conditions = pod["status"]["conditions"].as_array();
        let is_ready =
            conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True");
        if is_ready && let Some(created) = self.created.remove(name) {
            self.history.starts.push(entry.done - created);
        }
    }

    /// A new state, if anything is different.
    fn note(&mut self, entry: &Entry) {
        let Some((share, own)) = self.share else { return };
        let (stable, canary) = (self.stable, self.canary);
        let state = State { asked: entry.asked, done: entry.done, share, own, stable, canary };
        let same = self.history.states.last().is_some_and(|last| {
            (last.share, last.own, last.stable, last.canary) == (share, own, stable, canary)
        });
        if !same {
            self.history.states.push(state);
        }
    }
}

fn asks_for_abort(line: &Value) -> bool {
    line["requestObject"]["metadata"]["annotations"][ABORT].is_string()
}
