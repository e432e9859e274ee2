//! Plans in plain words, for people.

use serin_api::status::WaitingFor;
use serin_engine::snapshot::Revision;
use serin_engine::{Action, Snapshot};

/// What an action does, as a sentence without a full stop.
pub fn action(world: &Snapshot, action: &Action) -> String {
    let revision = |name: &str| of_name(world, name);
    match action {
        Action::AddFinalizer { .. } => {
            "Add the finalizer that holds a deletion until the traffic is safe".into()
        }
        Action::RemoveFinalizer { .. } => "Remove the finalizer, and so let the Rollout go".into(),
        Action::RemoveResume { .. } => "Remove spec.resume, which was judged".into(),
        Action::RemoveAnnotation { name, .. } => format!("Remove the annotation {name}, which was judged"),
        Action::CompareTemplate { .. } => {
            "Ask the API server by a dry run whether the template means the same as one that there is".into()
        }
        Action::CreateReplicaSet { name, revision, replicas, .. } => {
            format!("Create ReplicaSet {name} (revision {revision}) with {}", pods(*replicas))
        }
        Action::Adopt { replica_set, .. } => format!("Adopt ReplicaSet {replica_set}, which nobody owns"),
        Action::Recognise { replica_set, .. } => {
            format!("Note that {} stands for the template", revision(replica_set))
        }
        Action::Scale { replica_set, from, to, .. } => {
            format!("Scale {} from {from} to {}", revision(replica_set), pods(*to))
        }
        Action::SetMinReadySeconds { replica_set, to, .. } => {
            format!("Set minReadySeconds of {} to {to}", revision(replica_set))
        }
        Action::SetRole { replica_set, .. } => {
            format!("Put the metadata of its role into the template of {}", revision(replica_set))
        }
        Action::RelabelPod { pod, .. } => format!("Put the metadata of its role on pod {pod}"),
        Action::Evict { pod, .. } => format!("Evict pod {pod}, which is older than spec.restartAt"),
        Action::RecordStable { replica_set, .. } => format!("Record {} as stable", revision(replica_set)),
        Action::DeleteReplicaSet { replica_set, .. } => {
            format!("Delete {}, beyond the history limit", revision(replica_set))
        }
        Action::Select { service, hash: Some(hash), .. } => match of_hash(world, hash) {
            Some(revision) => format!("Let Service {service} select revision {} ({hash})", revision.number),
            None => format!("Let Service {service} select {hash}"),
        },
        Action::Select { service, hash: None, .. } => {
            format!("Give Service {service} the selector of its author back")
        }
        Action::SetWeights { route, from, percent, .. } => {
            format!("Move the canary's share on {route} from {from} to {percent} %")
        }
    }
}

/// So many pods.
pub fn pods(number: i32) -> String {
    if number == 1 { "1 pod".into() } else { format!("{number} pods") }
}

fn of_name(world: &Snapshot, name: &str) -> String {
    match world.revisions.iter().find(|revision| revision.name == name) {
        Some(found) => format!("revision {} ({name})", found.number),
        None => format!("ReplicaSet {name}"),
    }
}

fn of_hash<'w>(world: &'w Snapshot, hash: &str) -> Option<&'w Revision> {
    world.revisions.iter().find(|revision| revision.hash == hash)
}

/// One line each, or that there is none.
pub fn list(lines: &[String]) -> String {
    if lines.is_empty() {
        "  nothing\n".into()
    } else {
        lines.iter().map(|line| format!("  {line}\n")).collect()
    }
}

/// What is waited for, since when, and what would let it go on.
pub fn waits(waits: &[WaitingFor]) -> String {
    if waits.is_empty() {
        return "  nothing\n".into();
    }
    let mut text = String::new();
    for wait in waits {
        let since = wait.since.as_ref().map(|since| format!(", since {}", since.0)).unwrap_or_default();
        text += &format!("  {}{since}: {}\n", wait.what, wait.message);
        if let Some(unblock) = &wait.unblock {
            text += &format!("    to go on: {unblock}\n");
        }
    }
    text
}

/// Every line moved to the right.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
