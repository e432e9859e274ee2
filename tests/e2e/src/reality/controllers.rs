//! The controllers: every write of a real one is one that the simulator's makes.

mod garbage;
mod node;
mod replica_sets;
mod slices;

use serde_json::Value;
use serin_testkit::oracle::Scene as _;
use serin_testkit::world::Record;
use serin_testkit::{Kind, World};

use super::Report;
use super::history::{History, TOLD};
use crate::replay::entry::{Effect, Entry};

/// A write of a real controller, and what it led to.
struct Write<'a> {
    history: &'a History,
    index: usize,
    entry: &'a Entry,
}

/// Compares one write, if a controller made it.
pub fn check(history: &History, index: usize, report: &mut Report) {
    let entry = &history.moments[index].entry;
    let write = Write { history, index, entry };
    let (part, found) = match entry.user.as_str() {
        "system:serviceaccount:kube-system:replicaset-controller" => {
            ("ReplicaSet controller", replica_sets::made(&write))
        }
        "system:serviceaccount:kube-system:endpointslice-controller" => {
            ("EndpointSlice controller", slices::made(&write))
        }
        "system:serviceaccount:kube-system:generic-garbage-collector" => {
            ("garbage collector", garbage::made(&write))
        }
        // It binds pods, which the simulator's node does itself.
        "kwok" => ("node", node::made(&write)),
        _ => return,
    };
    match found {
        Ok(lag) => report.count(part, lag),
        Err(instead) => {
            report.count(part, 0);
            report.refuse(part, history, index, &instead);
        }
    }
}

impl Write<'_> {
    /// Looks for a world that the writer may have seen in which the simulator does the same, and tells how old it is. Of
    /// the kinds in `stale` it may have seen older objects than of the others.
    fn of_any_world(
        &self,
        stale: &[&[Kind]],
        does_the_same: impl Fn(World) -> Result<(), String>,
    ) -> Result<usize, String> {
        let now = self.entry.at;
        let first = does_the_same(self.history.world(self.index, now));
        let Err(mut instead) = first else { return Ok(0) };
        for (lag, seen) in self.history.seen_before(self.index).enumerate().skip(1) {
            for kinds in stale {
                let fresh: Vec<Kind> = TOLD.into_iter().filter(|kind| !kinds.contains(kind)).collect();
                let world = self.history.mixed(&[(seen, kinds), (self.index, &fresh)], now);
                match does_the_same(world) {
                    Ok(()) => return Ok(lag),
                    Err(other) if lag < 3 => instead.push_str(&format!("\n  or {other}")),
                    Err(_) => {}
                }
            }
        }
        self.history
            .foreseen(self.index, now)
            .map_or(Err(String::new()), &does_the_same)
            .map_or(Err(instead), |()| Ok(0))
    }

    /// The object after the write, or null.
    fn after(&self) -> &Value {
        match &self.entry.effect {
            Effect::Put(_, object) => object,
            _ => &Value::Null,
        }
    }

    /// The object before the write, or null.
    fn before(&self, kind: Kind) -> Value {
        let objects = self.history.still(self.index).all(kind);
        let found = objects.iter().find(|object| object["metadata"]["name"] == *self.name());
        found.map_or(Value::Null, |object| Value::clone(object))
    }

    /// The metadata after the write, or null.
    fn metadata(&self) -> &Value {
        match &self.entry.effect {
            Effect::Relabel(_, metadata) => metadata,
            _ => &self.after()["metadata"],
        }
    }

    fn name(&self) -> &str {
        let name = self.entry.line["objectRef"]["name"].as_str();
        name.or(self.after()["metadata"]["name"].as_str()).unwrap_or_default()
    }

    fn place(&self) -> String {
        format!("{}/{}", self.history.namespace, self.name())
    }

    /// The verb, resource and subresource.
    fn request(&self) -> (&str, &str, &str) {
        let line = &self.entry.line;
        let part = |value| Value::as_str(value).unwrap_or_default();
        let object = &line["objectRef"];
        (part(&line["verb"]), part(&object["resource"]), part(&object["subresource"]))
    }
}

/// What the simulator has written instead, in words.
fn told(records: &[Record]) -> String {
    let writes: Vec<String> =
        records.iter().filter(|record| record.is_write()).map(Record::to_string).collect();
    format!("the simulator writes [{}]", writes.join(", "))
}

/// The value of the condition Ready.
fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn owner(object: &Value) -> &Value {
    let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.find(|owner| owner["controller"] == true).map_or(&Value::Null, |owner| &owner["uid"])
}
