//! Which ReplicaSet stands for the user's template: found, adopted, recognised, or created.

use serde_json::{Value, json};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::rollout::KIND;

use crate::action::{Action, AnnotationChange, template_subject};
use crate::capacity;
use crate::course::Course;
use crate::draft::Draft;
use crate::roles::{Role, RoleRecord};
use crate::snapshot::{CurrentRevision, Revision, Snapshot};

/// Sees to it that every ReplicaSet in use is owned, and that the user's template has one.
pub fn ensure(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    for revision in &world.revisions {
        adopt(draft, revision);
    }
    match world.current {
        CurrentRevision::Known(index) => {
            if let Some(revision) = world.revisions.get(index) {
                recognise(draft, revision);
                follow_min_ready_seconds(draft, revision);
            }
        }
        // The server has just refused to say what it means; its refusal is told, and it is asked again later.
        CurrentRevision::Unclear => {
            if let Some(refusal) = world.recall.refused.get(&template_subject(&world.template.id)) {
                draft.wake(refusal.retry_at);
            }
        }
        CurrentRevision::New => create(draft, course),
    }
}

fn adopt(draft: &mut Draft<'_>, revision: &Revision) {
    if revision.owned || revision.deleting {
        return;
    }
    draft.act(Action::Adopt {
        replica_set: revision.name.clone(),
        uid: revision.uid.clone(),
        owner: owner(draft.world),
        has_owners: revision.has_owners,
    });
}

/// A ReplicaSet that means the same as the user's text, but was made from another one, is marked with it. One that
/// becomes current again gets the newest number, as a returning revision does.
fn recognise(draft: &mut Draft<'_>, revision: &Revision) {
    let world = draft.world;
    let mut annotations = Vec::new();
    let id = &world.template.id;
    let known = revision.template_ids.as_deref();
    if known.is_some_and(|ids| !ids.split(',').any(|known| known == id))
        || known.is_none() && revision.hash != world.template.hash
    {
        let value = known.map_or_else(|| id.clone(), |ids| format!("{ids},{id}"));
        annotations.push(AnnotationChange {
            name: world.names.template_hash.clone(),
            before: revision.template_ids.clone(),
            value,
        });
    }
    let newest = world.revisions.iter().map(|revision| revision.number).max().unwrap_or(0);
    let another_has_it =
        world.revisions.iter().any(|other| other.uid != revision.uid && other.number == newest);
    if newest == 0 || another_has_it {
        annotations.push(AnnotationChange {
            name: world.names.revision.clone(),
            before: revision.records.revision.clone(),
            value: (newest + 1).to_string(),
        });
    }
    if !annotations.is_empty() && revision.owned {
        draft.act(Action::Recognise {
            replica_set: revision.name.clone(),
            uid: revision.uid.clone(),
            has_annotations: revision.has_annotations,
            annotations,
        });
    }
}

fn follow_min_ready_seconds(draft: &mut Draft<'_>, revision: &Revision) {
    let wanted = draft.world.rollout.min_ready_seconds;
    if revision.owned && revision.min_ready_seconds != wanted {
        draft.act(Action::SetMinReadySeconds {
            replica_set: revision.name.clone(),
            uid: revision.uid.clone(),
            to: wanted,
        });
    }
}

/// Whether the server can be asked what the template means: it has not just refused to say.
pub fn may_ask(draft: &Draft<'_>) -> bool {
    let refusal = draft.world.recall.refused.get(&template_subject(&draft.world.template.id));
    draft.world.strategy.is_ok() && !refusal.is_some_and(|refusal| refusal.stands(draft.now))
}

/// Only the server knows what it makes of a template, so it is asked, but only where the answer may matter.
pub fn compare(draft: &mut Draft<'_>) {
    let world = draft.world;
    draft.act(Action::CompareTemplate { template: world.template.id.clone(), body: question(world) });
}

/// A ReplicaSet whose creation, as a dry run, tells what the server makes of the template.
pub fn question(world: &Snapshot) -> Value {
    let mut body = replica_set(world, &world.template.hash, 0, 0, None);
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.remove("name");
        metadata.insert("generateName".into(), json!(format!("{}-", world.rollout.name)));
    }
    body
}

fn create(draft: &mut Draft<'_>, course: &Course<'_>) {
    let world = draft.world;
    // An aborted template needs no pods, and one whose roles or steps cannot be read must not start with wrong ones.
    let Ok(strategy) = &world.strategy else { return };
    if matches!(course, Course::Aborted { .. }) {
        return;
    }
    if world.template.name_taken {
        draft.status.collision_count = Some(world.recorded.collision_count.unwrap_or(0) + 1);
        draft.record_first = true;
        return;
    }
    let (role, metadata, replicas) = match course {
        Course::FirstDeploy { .. } => (Role::Active, &strategy.active, world.rollout.replicas),
        _ => (Role::Preview, &strategy.preview, capacity::first_pods(draft)),
    };
    let template = crate::objects::TemplateProjection::of(world.template.raw.value());
    let record = RoleRecord::next(role, metadata, None, &template);
    let revision = world.revisions.iter().map(|revision| revision.number).max().unwrap_or(0) + 1;
    let body = replica_set(world, &world.template.hash, revision, replicas, record.as_ref());
    let name = format!("{}-{}", world.rollout.name, world.template.hash);
    draft.act(Action::CreateReplicaSet {
        name,
        template: world.template.id.clone(),
        revision,
        replicas,
        body,
    });
}

fn replica_set(
    world: &Snapshot,
    hash: &str,
    revision: i64,
    replicas: i32,
    role: Option<&RoleRecord>,
) -> Value {
    let names = &world.names;
    let mut template = world.template.raw.value();
    let metadata = &mut template["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    let user_labels = metadata["labels"].clone();
    set(metadata, "labels", POD_TEMPLATE_HASH, hash);
    if let Some(record) = role {
        for (key, value) in record.labels.iter().filter_map(|(key, value)| Some((key, value.as_ref()?))) {
            set(metadata, "labels", key, value);
        }
        for (key, value) in record.annotations.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
        {
            set(metadata, "annotations", key, value);
        }
    }
    let mut selector = serde_json::to_value(&world.rollout.selector).unwrap_or_default();
    set(&mut selector, "matchLabels", POD_TEMPLATE_HASH, hash);
    let mut object = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", world.rollout.name),
            "namespace": world.rollout.namespace,
            "labels": if user_labels.is_object() { user_labels } else { json!({}) },
            "annotations": {},
            "ownerReferences": [owner(world)],
        },
        "spec": { "replicas": replicas, "selector": selector, "template": template },
    });
    if world.rollout.min_ready_seconds > 0 {
        object["spec"]["minReadySeconds"] = json!(world.rollout.min_ready_seconds);
    }
    let metadata = &mut object["metadata"];
    set(metadata, "labels", POD_TEMPLATE_HASH, hash);
    set(metadata, "annotations", &names.revision, &revision.to_string());
    set(metadata, "annotations", &names.template_hash, &world.template.id);
    if let Some(record) = role {
        set(metadata, "annotations", &names.role_metadata, &record.text());
    }
    object
}

fn set(object: &mut Value, map: &str, key: &str, value: &str) {
    let map = &mut object[map];
    if !map.is_object() {
        *map = json!({});
    }
    map[key] = json!(value);
}

fn owner(world: &Snapshot) -> Value {
    json!({
        "apiVersion": world.names.api_version(),
        "kind": KIND,
        "name": world.rollout.name,
        "uid": world.rollout.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    })
}
