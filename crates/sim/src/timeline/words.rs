//! Writes in words.

use serin_engine::{Action, Snapshot};

use super::{What, Write};
use crate::operator::Called;

/// A call that succeeded, as the write that it was; none where nothing was stored.
pub fn write(called: &Called, world: &Snapshot) -> Option<Write> {
    if called.outcome.is_err() || called.call.dry_run {
        return None;
    }
    let rollout = || format!("Rollout/{}", world.rollout.name);
    let Some(action) = &called.action else {
        let words = "record status".to_owned();
        return Some(Write { object: rollout(), what: What::Status, to: None, words });
    };
    let object = match action {
        Action::CreateReplicaSet { name, .. } => format!("ReplicaSet/{name}"),
        Action::AddFinalizer { .. }
        | Action::RemoveFinalizer { .. }
        | Action::RemoveResume { .. }
        | Action::RemoveAnnotation { .. } => rollout(),
        other => other.subject(),
    };
    let (what, to) = part(action);
    Some(Write { object, what, to, words: words(action, world) })
}

fn part(action: &Action) -> (What, Option<String>) {
    match action {
        Action::SetWeights { changes, percent, .. } => {
            let written =
                changes.first().map_or((100 - percent, *percent), |rule| (rule.stable, rule.canary));
            (What::Weights, Some(format!("{}/{}", written.0, written.1)))
        }
        Action::Select { hash, .. } => (What::Selector, Some(hash.clone().unwrap_or_default())),
        Action::CreateReplicaSet { replicas, .. } => (What::Replicas, Some(replicas.to_string())),
        Action::Scale { to, .. } => (What::Replicas, Some(to.to_string())),
        Action::SetRole { .. } | Action::RelabelPod { .. } => (What::Role, None),
        Action::RecordStable { .. } => (What::Stable, None),
        _ => (What::Bookkeeping, None),
    }
}

fn words(action: &Action, world: &Snapshot) -> String {
    let revision = |of: &dyn Fn(&serin_engine::snapshot::Revision) -> bool| {
        let found = world.revisions.iter().find(|revision| of(revision));
        found.map_or_else(|| "a revision".to_owned(), |found| format!("revision {}", found.number))
    };
    let named = |name: &String| revision(&|revision| revision.name == *name);
    match action {
        Action::AddFinalizer { .. } => "put the finalizer on the Rollout".to_owned(),
        Action::RemoveFinalizer { .. } => "remove the finalizer".to_owned(),
        Action::RemoveResume { .. } | Action::RemoveAnnotation { .. } => {
            "remove the request that was followed".to_owned()
        }
        Action::CompareTemplate { .. } => "compare the template".to_owned(),
        Action::CreateReplicaSet { name, revision, replicas, .. } => {
            format!("create ReplicaSet {name} (revision {revision}) with {}", pods(*replicas))
        }
        Action::Adopt { replica_set, .. } => format!("adopt ReplicaSet {replica_set}"),
        Action::Recognise { replica_set, .. } => {
            format!("note that ReplicaSet {replica_set} is the wanted template")
        }
        Action::Scale { replica_set, from, to, .. } => {
            let (revision, direction) = (named(replica_set), if to > from { "up" } else { "down" });
            format!("scale {revision} {direction} from {from} to {}", pods(*to))
        }
        Action::SetMinReadySeconds { replica_set, to, .. } => {
            format!("set minReadySeconds of {} to {to}", named(replica_set))
        }
        Action::SetRole { replica_set, .. } => {
            format!("put its role's metadata into the template of {}", named(replica_set))
        }
        Action::RelabelPod { pod, .. } => {
            let owner = revision(&|revision| revision.pods.iter().any(|own| own.name == *pod));
            format!("put their role's metadata on pods of {owner}")
        }
        Action::Evict { pod, .. } => {
            let owner = revision(&|revision| revision.pods.iter().any(|own| own.name == *pod));
            format!("let an old pod of {owner} go")
        }
        Action::RecordStable { replica_set, .. } => format!("record {} as stable", named(replica_set)),
        Action::DeleteReplicaSet { replica_set, .. } => {
            format!("delete ReplicaSet {replica_set}, which is beyond revisionHistoryLimit")
        }
        Action::Select { service, hash, .. } => {
            let selected = hash
                .as_ref()
                .map_or("all pods again".to_owned(), |hash| revision(&|revision| revision.hash == *hash));
            format!("let Service {service} select {selected}")
        }
        Action::SetWeights { subject, percent, .. } => {
            format!("give the canary Service {percent} % of {}", subject.replacen('/', " ", 1))
        }
    }
}

fn pods(number: i32) -> String {
    if number == 1 { "1 pod".to_owned() } else { format!("{number} pods") }
}
