//! The audit log of a namespace, replayed as a sequence of worlds: every write by the operator is judged by the oracle
//! that also judges the simulation, and writes by others change the world.

pub(crate) mod entry;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use serin_testkit::oracle::{Still, facts};
use serin_testkit::{Kind, Oracle};

use self::entry::{Effect, Entry};

/// What came of a replay.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// How many writes of the operator were judged.
    pub writes: usize,
    /// What they broke, each with the write and what it found and left.
    pub violations: Vec<String>,
}

/// Judges all that one user wrote in a namespace.
pub fn judge(log: &str, namespace: &str, operator: &str) -> Judgement {
    let mut judgement = Judgement::default();
    let (mut oracle, mut world) = (Oracle::default(), World::default());
    for entry in entries(log, namespace) {
        if let Effect::Doubt(kind, name, patch) = &entry.effect {
            world.doubts.push((*kind, format!("{namespace}/{name}"), patch.clone()));
            continue;
        }
        let mut before = world.still.clone();
        before.set_now(entry.at);
        world.undergo(&entry);
        if entry.user != operator {
            oracle.see(&world.still);
            continue;
        }
        judgement.writes += 1;
        let mut violations = oracle.judge(&before, &world.still, &entry.brief);
        if !violations.is_empty() && world.resolve_doubts(&mut before) {
            // With what was in doubt the same write may be right; then it was carried out.
            violations = oracle.judge(&before, &world.still, &entry.brief);
        }
        for violation in violations {
            judgement.violations.push(format!(
                "{violation}\n  at {} (auditID {})\n  before: {}\n  after: {}",
                entry.at,
                entry.audit_id,
                facts(&before),
                facts(&world.still)
            ));
        }
    }
    judgement
}

/// The world that a log ends with.
pub(crate) fn last(log: &str, namespace: &str) -> Still {
    let mut world = World::default();
    entries(log, namespace).iter().for_each(|entry| world.undergo(entry));
    world.still
}

/// The writes in a namespace in the order in which the server carried them out.
pub(crate) fn entries(log: &str, namespace: &str) -> Vec<Entry> {
    // To parse only the lines that matter: the log is that of all tests.
    let mark = format!("\"namespace\":\"{namespace}\"");
    let lines = log.lines().filter(|line| line.contains(&mark));
    let parsed = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut entries: Vec<Entry> = parsed.flat_map(|line| Entry::of(&Arc::new(line), namespace)).collect();
    // A version tells the place of a write among all others. An answer without one is logged after everything that it
    // could have built on, so it follows the newest that was logged before.
    let mut newest = 0;
    for entry in &mut entries {
        newest = newest.max(entry.version.unwrap_or(0));
        entry.version.get_or_insert(newest);
    }
    // Nobody writes to an object that is gone, so its removal follows the last write to it.
    let mut last = BTreeMap::<String, u64>::new();
    for entry in &entries {
        if let (Effect::Put(_, object), Some(version)) = (&entry.effect, entry.version) {
            let last =
                last.entry(object["metadata"]["uid"].as_str().unwrap_or_default().to_owned()).or_default();
            *last = version.max(*last);
        }
    }
    for entry in &mut entries {
        if let (Effect::Remove(_, _, uid), Some(version)) = (&entry.effect, &mut entry.version) {
            *version = (*version).max(last.get(uid).copied().unwrap_or(0));
        }
    }
    // Stable: of writes that changed nothing, and so share a version, the order does not matter.
    entries.sort_by_key(|entry| (entry.version, matches!(entry.effect, Effect::Remove(..))));
    entries
}

/// The world that a log tells of, as far as it has been read.
#[derive(Default)]
pub(crate) struct World {
    pub still: Still,
    /// The uids of objects that are gone: a write that is replayed too late does not bring one back.
    gone: BTreeSet<String>,
    /// Patches that may have been carried out, and of which nothing has been heard since.
    doubts: Vec<(Kind, String, Value)>,
}

impl World {
    /// Carries out what was in doubt, here and in the world before. Tells whether there was anything.
    fn resolve_doubts(&mut self, before: &mut Still) -> bool {
        let mut changed = false;
        for (kind, place, patch) in std::mem::take(&mut self.doubts) {
            let Ok(patch) = serde_json::from_value::<json_patch::Patch>(patch) else { continue };
            let Some(mut object) = self.still.find(kind, &place).map(|found| Value::clone(found)) else {
                continue;
            };
            // Its tests tell whether it can have been; the object may have been written again since.
            if json_patch::patch(&mut object, &patch).is_ok() {
                self.still.put(kind, object.clone());
                before.put(kind, object);
                changed = true;
            }
        }
        changed
    }

    /// Changes as a write has changed it.
    pub fn undergo(&mut self, entry: &Entry) {
        let now: Timestamp = entry.at;
        self.still.set_now(now);
        let place = |name: &str| format!("{}/{name}", entry.namespace);
        match &entry.effect {
            // Only a judge can tell.
            Effect::Doubt(..) => {}
            Effect::Put(kind, object) => {
                let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
                if !self.gone.contains(uid) {
                    self.still.put(*kind, object.clone());
                }
            }
            Effect::Remove(kind, name, uid) => {
                let found = self.still.find(*kind, &place(name));
                // Another one with the same name may have taken its place.
                if found.is_some_and(|found| uid.is_empty() || found["metadata"]["uid"] == **uid) {
                    self.still.remove(*kind, &place(name));
                }
                self.gone.insert(uid.clone());
            }
            Effect::Scale(kind, name, replicas) => {
                self.edit(*kind, &place(name), |object| {
                    let metadata = &mut object["metadata"];
                    metadata["generation"] = json!(metadata["generation"].as_i64().unwrap_or(0) + 1);
                    metadata["resourceVersion"] = json!(entry.version.unwrap_or(0).to_string());
                    object["spec"]["replicas"] = json!(replicas);
                });
            }
            Effect::Bind(kind, name, node) => {
                self.edit(*kind, &place(name), |object| object["spec"]["nodeName"] = json!(node));
            }
            Effect::Evict(kind, name) => self.edit(*kind, &place(name), |pod| {
                let grace = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
                let end = now.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
                pod["metadata"]["deletionTimestamp"] = json!(end.to_string());
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
            }),
            Effect::Relabel(kind, metadata) => {
                let name = metadata["name"].as_str().unwrap_or_default();
                self.edit(*kind, &place(name), |object| object["metadata"] = metadata.clone());
            }
        }
    }

    /// Changes of an object what the answer to a write has shown of it.
    fn edit(&mut self, kind: Kind, place: &str, edit: impl FnOnce(&mut Value)) {
        if let Some(found) = self.still.find(kind, place) {
            let mut object = Value::clone(found);
            edit(&mut object);
            self.still.put(kind, object);
        }
    }
}
