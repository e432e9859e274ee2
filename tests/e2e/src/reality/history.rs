//! The worlds that an audit log tells of.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_testkit::oracle::{Scene as _, Still};
use serin_testkit::{Kind, World};

use crate::replay;
use crate::replay::entry::{Effect, Entry};

/// The longest that anybody's watch may lag behind.
const LAG: SignedDuration = SignedDuration::from_secs(10);

/// How far from its place a removal may be in the log.
const REORDERED: usize = 60;

/// The kinds that a log tells whole objects of.
pub const TOLD: [Kind; 6] =
    [Kind::Rollout, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::EndpointSlice, Kind::HttpRoute];

/// One write, and when it was answered.
pub struct Moment {
    pub entry: Entry,
    pub done: Timestamp,
}

/// Writes, and the worlds between them.
pub struct History {
    pub namespace: String,
    pub moments: Vec<Moment>,
    /// The world before each write, and the last one.
    worlds: Vec<Still>,
    /// Lines of requests that changed nothing: refusals and dry runs.
    pub idle: Vec<Arc<Value>>,
}

impl History {
    pub fn of(log: &str, namespace: &str) -> Self {
        let mut history = Self {
            namespace: namespace.to_owned(),
            moments: Vec::new(),
            worlds: Vec::new(),
            idle: Vec::new(),
        };
        let mut world = replay::World::default();
        for entry in replay::entries(log, namespace) {
            if matches!(entry.effect, Effect::Doubt(..)) {
                continue;
            }
            history.worlds.push(world.still.clone());
            world.undergo(&entry);
            let done = moment(&entry.line["stageTimestamp"]).unwrap_or(entry.at);
            history.moments.push(Moment { entry, done });
        }
        history.worlds.push(world.still);
        let mark = format!("\"namespace\":\"{namespace}\"");
        let lines = log.lines().filter(|line| line.contains(&mark));
        let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        history.idle = lines.filter(is_idle).map(Arc::new).collect();
        history
    }

    /// The world that the write at `index` found; that of the number of writes is the last.
    pub fn still(&self, index: usize) -> &Still {
        &self.worlds[index]
    }

    /// The same in the simulator.
    pub fn world(&self, index: usize, now: Timestamp) -> World {
        self.mixed(&[(index, &TOLD)], now)
    }

    /// A world with objects of some kinds as they were once, and of others as they were at other times.
    pub fn mixed(&self, parts: &[(usize, &[Kind])], now: Timestamp) -> World {
        let told = parts
            .iter()
            .flat_map(|(index, kinds)| kinds.iter().flat_map(move |kind| self.worlds[*index].all(*kind)));
        self.build(told, now)
    }

    fn build(&self, objects: impl Iterator<Item = Arc<Value>>, now: Timestamp) -> World {
        let mut world = World::new();
        world.set_now(now);
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "uid": "namespace"},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        });
        for object in std::iter::once(Arc::new(namespace)).chain(objects) {
            world.mirror(object).expect("a kind that the simulator knows");
        }
        world
    }

    /// The worlds, newest first, that somebody could have seen last who asked for the write at `index`.
    pub fn seen_before(&self, index: usize) -> impl Iterator<Item = usize> {
        let since = self.moments[index].entry.at.checked_sub(LAG).unwrap_or(Timestamp::MIN);
        (0..=index).rev().take_while(move |seen| *seen == index || self.moments[*seen].done >= since)
    }

    /// The world that the write at `index` found, without what may have been gone or evicted by then although the log
    /// tells of that later: neither has a version of its own. None where there is no such thing.
    pub fn foreseen(&self, index: usize, now: Timestamp) -> Option<World> {
        let done = self.moments[index].done;
        let mut still = self.worlds[index].clone();
        let removed = self.moments[index + 1..].iter().take(REORDERED).filter(|later| later.entry.at <= done);
        let mut is_other = false;
        for later in removed {
            match &later.entry.effect {
                Effect::Remove(kind, name, _) => {
                    is_other |= still.remove(*kind, &format!("{}/{name}", self.namespace)).is_some();
                }
                Effect::Evict(kind, name) => {
                    if let Some(mut pod) = still.find(*kind, &format!("{}/{name}", self.namespace)).cloned() {
                        Arc::make_mut(&mut pod)["metadata"]["deletionTimestamp"] = json!(now.to_string());
                        still.share(*kind, pod);
                        is_other = true;
                    }
                }
                _ => {}
            }
        }
        if !is_other {
            return None;
        }
        Some(self.build(TOLD.iter().flat_map(|kind| still.all(*kind)), now))
    }

    /// The worlds in which a request can have been answered that is known by its times alone.
    pub fn between(&self, begin: Timestamp, end: Timestamp) -> impl Iterator<Item = usize> {
        (0..=self.moments.len()).filter(move |index| {
            let begins_before_end = *index == 0 || self.moments[index - 1].entry.at <= end;
            let ends_after_begin = self.moments.get(*index).is_none_or(|moment| moment.done >= begin);
            begins_before_end && ends_after_begin
        })
    }
}

/// A time in a line of the log.
pub fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// Whether a line tells of a request that could have written and did not.
fn is_idle(line: &Value) -> bool {
    let code = line["responseStatus"]["code"].as_i64().unwrap_or(0);
    let is_dry = line["requestURI"].as_str().unwrap_or_default().contains("dryRun");
    let is_write = matches!(line["verb"].as_str(), Some("create" | "update" | "patch" | "delete"));
    let is_told = TOLD.iter().any(|kind| line["objectRef"]["resource"] == kind.plural());
    // 403 is for rights to decide, which the simulator has none of.
    let is_refused = (400..499).contains(&code) && code != 403;
    is_write && is_told && (is_refused || is_dry && (200..300).contains(&code))
}
