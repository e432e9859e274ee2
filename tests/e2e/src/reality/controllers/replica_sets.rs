//! The ReplicaSet controller.

use serde_json::{Value, json};
use serin_testkit::world::{Record, Verb};
use serin_testkit::{Controllers, Kind, World};

use super::{Write, is_ready, owner, told};
use crate::reality::alike::{difference, lack};

pub fn made(write: &Write) -> Result<usize, String> {
    match write.request() {
        // It counts the pods that it has just asked for itself, and what a ReplicaSet wants is as old as its watch.
        ("create", "pods", "") => write.of_any_world(&[&[Kind::ReplicaSet]], |world| creates(write, world)),
        ("delete", "pods", "") => write
            .of_any_world(&[&[Kind::ReplicaSet], &[Kind::ReplicaSet, Kind::Pod]], |world| {
                deletes(write, world)
            }),
        // Where the server refuses a report, the real one reads the ReplicaSet afresh and stores the same report.
        ("update", "replicasets", "status") => write
            .of_any_world(&[&[Kind::Pod], &[Kind::ReplicaSet, Kind::Pod], &[Kind::ReplicaSet]], |world| {
                reports(write, world)
            }),
        ("patch", "pods", "") => {
            write.of_any_world(&[&[Kind::ReplicaSet], &[Kind::Pod]], |world| owns(write, world))
        }
        _ => Err("the simulator's ReplicaSet controller never does that".to_owned()),
    }
}

fn step(world: &mut World) -> Vec<Record> {
    drop(world.take_log());
    Controllers::default().replica_sets.step(world);
    world.take_log()
}

fn creates(write: &Write, mut world: World) -> Result<(), String> {
    let asked = &write.entry.line["requestObject"];
    let records = step(&mut world);
    let created = records.iter().filter(|record| record.verb == Verb::Create && record.kind == Kind::Pod);
    let mut nearest = told(&records);
    for record in created {
        match lack(&pod(&record.body), &pod(asked)) {
            None => return Ok(()),
            Some(difference) => nearest = difference,
        }
    }
    Err(nearest)
}

/// What a ReplicaSet gives its pods.
fn pod(body: &Value) -> Value {
    let metadata = &body["metadata"];
    let fields = ["generateName", "labels", "annotations", "finalizers", "ownerReferences"];
    let metadata: serde_json::Map<_, _> =
        fields.map(|field| (field.to_owned(), metadata[field].clone())).into_iter().collect();
    json!({ "metadata": metadata, "spec": body["spec"] })
}

/// Which of several pods goes is a matter of ranks that the simulator knows only in part: it has to be one of the same
/// ReplicaSet that is ready if, and only if, the simulator's is.
fn deletes(write: &Write, mut world: World) -> Result<(), String> {
    let before = write.before(Kind::Pod);
    let class = |pod: &Value| (owner(pod).clone(), is_ready(pod));
    let pods = world.all(Kind::Pod);
    let records = step(&mut world);
    let deleted = records.iter().filter(|record| record.verb == Verb::Delete && record.kind == Kind::Pod);
    let mut deleted =
        deleted.filter_map(|record| pods.iter().find(|pod| pod["metadata"]["name"] == record.name.as_str()));
    deleted.any(|pod| class(pod) == class(&before)).then_some(()).ok_or_else(|| told(&records))
}

fn reports(write: &Write, mut world: World) -> Result<(), String> {
    let records = step(&mut world);
    let model = world.find(Kind::ReplicaSet, &write.place()).ok_or_else(|| told(&records))?;
    difference(&status(model), &status(write.after())).map_or(Ok(()), Err)
}

/// What the simulator keeps of a status: not how many pods are ending.
pub fn status(set: &Value) -> Value {
    let status = &set["status"];
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let conditions: Vec<Value> =
        conditions.map(|of| json!([of["type"], of["status"], of["reason"]])).collect();
    let counts = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas"];
    let counts = counts.map(|field| status[field].as_i64().unwrap_or(0));
    json!({ "counts": counts, "observedGeneration": status["observedGeneration"], "conditions": conditions })
}

fn owns(write: &Write, mut world: World) -> Result<(), String> {
    let records = step(&mut world);
    let model = world.find(Kind::Pod, &write.place()).ok_or_else(|| told(&records))?;
    let owners = |pod: &Value| pod["metadata"]["ownerReferences"].clone();
    difference(&owners(model), &owners(write.after())).map_or(Ok(()), Err)
}
