//! Ephemeral metadata.

use serde_json::json;

use crate::world::World;

fn with_roles(world: World) -> World {
    world
        .canary("activeMetadata", json!({"labels": {"role": "active", "queue": "production"}}))
        .canary("previewMetadata", json!({"labels": {"role": "preview"}}))
}

#[test]
fn a_canary_is_born_with_its_role() {
    let plan = with_roles(World::updated()).plan();
    let create = plan.actions.iter().find_map(|action| match action {
        serin_engine::Action::CreateReplicaSet { body, .. } => Some(body),
        _ => None,
    });
    let body = create.expect("a ReplicaSet is created");
    assert_eq!(body["spec"]["template"]["metadata"]["labels"]["role"], json!("preview"));
    assert_eq!(body["spec"]["template"]["metadata"]["labels"]["queue"], json!(null));
    assert_eq!(body["metadata"]["labels"]["role"], json!(null), "the ReplicaSet itself has no role label");
}

#[test]
fn live_pods_are_relabelled_in_parallel_with_their_template() {
    let world = with_roles(World::new().revision("v1", 1, 2).spec("replicas", json!(2)).stable("v1", 1))
        .selects("stable", "v1", 2)
        .selects("canary", "v1", 2)
        .weights(100, 0)
        .managed(Some("v1"), Some("v1"))
        .recorded_current("v1", 4);
    world
        .does(&["set role of ReplicaSet/web-v1", "relabel Pod/web-v1-0", "relabel Pod/web-v1-1"])
        .reports("/roles/active", json!({"wanted": 2, "labelled": 0}));
    let parallel: Vec<bool> = world.plan().actions.iter().map(serin_engine::Action::is_parallel).collect();
    assert_eq!(parallel, [false, true, true]);
    let converged =
        world.plan().report.conditions.into_iter().find(|condition| condition.reason == "RolesConverged");
    assert_eq!(serde_json::to_value(converged.unwrap().status).unwrap(), json!("False"));
}

#[test]
fn a_reused_replica_set_gets_its_role_before_its_pods() {
    let world = with_roles(World::updated()).revision("v2", 2, 0).recorded_current("v2", 0);
    let actions = world.actions();
    assert!(actions.contains(&"set role of ReplicaSet/web-v2".to_owned()), "{actions:?}");
    assert!(!actions.iter().any(|action| action.starts_with("scale ReplicaSet/web-v2")), "{actions:?}");
}

#[test]
fn a_revision_without_its_role_is_not_selected() {
    let world = with_roles(World::updated()).revision("v2", 2, 1).recorded_current("v2", 0);
    assert!(!world.actions().iter().any(|action| action.starts_with("let Service")), "{:?}", world.actions());
}

#[test]
fn a_drained_revision_keeps_its_last_role() {
    let world = with_roles(World::at_100().stable("v2", 2)).selects("stable", "v2", 5).weights(100, 0);
    assert!(!world.actions().iter().any(|action| action.contains("web-v1")), "{:?}", world.actions());
}

#[test]
fn a_template_that_never_sees_its_role_change_is_warned_of_and_runs() {
    let mut world = with_roles(World::updated());
    let role = json!({"name": "ROLE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['role']"}}});
    world.rollout["spec"]["template"]["spec"]["containers"][0]["env"] = json!([role]);
    let plan = world.plan();
    let warned = plan.report.conditions.iter().find(|condition| condition.reason == "RoleMetadataFrozen");
    let message = &warned.expect("a condition").message;
    assert!(message.starts_with("spec.template.spec.containers[0].env[0]: never sees"), "{message}");
    assert!(world.actions()[0].starts_with("create ReplicaSet"), "{:?}", world.actions());
}

#[test]
fn a_first_deploy_is_stable_in_its_role_and_what_it_replaces_keeps_its_own() {
    let first = with_roles(World::new().revision("v1", 1, 5));
    assert_eq!(first.actions()[0], "set role of ReplicaSet/web-v1");
    let replaced = with_roles(World::new().revision("v1", 1, 5).wants("v2").revision("v2", 2, 5));
    let of_v1 = |action: &String| action.starts_with("set role") && action.ends_with("v1");
    let actions = replaced.actions();
    assert!(actions.contains(&"set role of ReplicaSet/web-v2".to_owned()), "{actions:?}");
    assert!(!actions.iter().any(of_v1), "{actions:?}");
}

#[test]
fn a_role_that_somebody_has_taken_out_of_the_template_is_put_back_before_its_pods_are_selected() {
    let record = json!({
        "role": "preview", "labels": {"role": "preview"}, "annotations": {}, "original": {},
    });
    let world = with_roles(World::updated()).revision("v2", 2, 1).recorded_current("v2", 0).change(
        "v2",
        "/metadata/annotations/serin.dev~1role-metadata",
        json!(record.to_string()),
    );
    let actions = world.actions();
    assert!(actions.contains(&"set role of ReplicaSet/web-v2".to_owned()), "{actions:?}");
    assert!(!actions.iter().any(|action| action.starts_with("let Service")), "{actions:?}");
}

#[test]
fn a_replica_set_that_is_not_ours_yet_or_no_longer_gets_no_role() {
    let orphaned = with_roles(World::healthy()).change("v1", "/metadata/ownerReferences", json!([]));
    let canary = with_roles(World::paused_at_10()).change(
        "v2",
        "/metadata/deletionTimestamp",
        json!(crate::world::START),
    );
    for (world, revision) in [(orphaned, "v1"), (canary, "v2")] {
        let role = format!("set role of ReplicaSet/web-{revision}");
        assert!(!world.actions().contains(&role), "{:?}", world.actions());
    }
}
