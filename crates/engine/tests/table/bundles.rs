//! Bundles: what is in them, what is not, and that they tell the same decision.

use serde_json::{Value, json};
use serin_engine::Bundle;

use crate::bundled::bundled;
use crate::world::{START, World, at, hash_of};

const MARKER: &str = "confidential";

fn secret(place: &str) -> Value {
    json!(format!("{MARKER} {place}"))
}

/// A template with something confidential wherever Kubernetes lets one write it.
fn seeded(image: &str) -> Value {
    let probe = json!({"httpGet": {"path": "/", "httpHeaders": [{"name": "Authorization", "value": secret("header")}]}});
    json!({
        "metadata": {
            "labels": {"app": "web"},
            "annotations": {"vault.hashicorp.com/agent-inject-token": secret("annotation")},
        },
        "spec": {
            "imagePullSecrets": [{"name": secret("imagePullSecrets")}],
            "serviceAccountName": secret("serviceAccountName"),
            "hostAliases": [{"ip": "10.0.0.1", "hostnames": [secret("hostAliases")]}],
            "initContainers": [{"name": "first", "image": "web:init", "command": ["sh", "-c", secret("command")]}],
            "containers": [{
                "name": "web", "image": image, "args": [secret("args")], "workingDir": secret("workingDir"),
                "env": [
                    {"name": "PASSWORD", "value": secret("env")},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": secret("ref"), "key": secret("key")}}},
                    {"name": "ROLE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['role']"}}},
                ],
                "envFrom": [{"secretRef": {"name": secret("envFrom")}}],
                "livenessProbe": probe,
                "lifecycle": {"preStop": {"exec": {"command": [secret("preStop")]}}},
                "volumeMounts": [{"name": "token", "mountPath": secret("mountPath")}],
            }],
            "volumes": [
                {"name": "token", "secret": {"secretName": secret("volume")}},
                {"name": "all", "projected": {"sources": [
                    {"serviceAccountToken": {"audience": secret("audience"), "path": "token"}},
                    {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
                ]}},
            ],
        },
    })
}

/// Confidential texts in the template and in every annotation that anybody may have put anywhere.
fn world_full_of_secrets(image: &str) -> World {
    let roles = json!({"labels": {"role": "active"}, "annotations": {"queue": "production"}});
    let mut world = World::paused_at_10().canary("activeMetadata", roles);
    world.rollout["spec"]["template"] = seeded(image);
    let manifest = json!({"spec": {"template": seeded(image)}}).to_string();
    let strange = json!({
        "kubectl.kubernetes.io/last-applied-configuration": manifest,
        "serin.dev/revision": secret("a revision that is no number"),
        "serin.dev/stable": secret("an ordinal that is no number"),
        "serin.dev/role-metadata": manifest,
    });
    world.rollout["metadata"]["annotations"] = strange.clone();
    for revision in &mut world.revisions {
        let annotations = &mut revision["metadata"]["annotations"];
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = json!(manifest);
        annotations["deployment.kubernetes.io/notes"] = secret("a ReplicaSet's annotation");
        let template = &mut revision["spec"]["template"];
        template["metadata"]["annotations"] = seeded(image)["metadata"]["annotations"].clone();
        // The same containers, or else the server would not be asked whether the template means the same.
        template["spec"]["initContainers"] = seeded(image)["spec"]["initContainers"].clone();
        template["spec"]["containers"][0]["env"] = seeded(image)["spec"]["containers"][0]["env"].clone();
    }
    let orphan = world.revisions.len() - 1;
    world.revisions[orphan]["metadata"]["annotations"] = strange.clone();
    for pod in &mut world.pods {
        pod["metadata"]["annotations"] = strange.clone();
        pod["spec"] = seeded(image)["spec"].clone();
    }
    for object in world.services.values_mut().chain(&mut world.route) {
        object["metadata"]["annotations"] = strange.clone();
    }
    world
}

#[track_caller]
fn agrees(world: &World) -> String {
    bundled(&world.objects(), world.now)
}

#[test]
fn nothing_confidential_is_in_a_bundle_also_where_the_plan_would_send_the_template() {
    for (image, action) in [("web:v3", "create ReplicaSet/"), ("web:v2", "compare template")] {
        let world = world_full_of_secrets(image);
        let text = agrees(&world);
        assert!(text.contains(action), "{text}");
        assert!(!text.contains(MARKER), "{text}");
        let template =
            &serde_json::from_str::<Value>(&text).unwrap()["objects"]["rollout"]["spec"]["template"];
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["env"][0], json!({"name": "PASSWORD", "value": "(left out)"}));
        assert_eq!(container["env"][2]["valueFrom"]["fieldRef"]["fieldPath"], "metadata.labels['role']");
        let labels = json!({"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]});
        let all = json!({"name": "all", "projected": {"sources": [{}, {"downwardAPI": labels}]}});
        assert_eq!(template["spec"]["volumes"], json!([{"name": "token"}, all]));
    }
}

#[test]
fn annotations_are_kept_where_they_are_what_we_wrote_and_no_other() {
    let role = json!({"role": "active", "annotations": {"queue": "production"}}).to_string();
    let ours = json!({"serin.dev/revision": "1", "serin.dev/stable": "1", "serin.dev/role-metadata": role});
    let mut all = ours.clone();
    all["example.com/pin"] = json!("1234");
    all["example.com/copy"] = json!(role);
    let mut world = World::healthy().change("v1", "/metadata/annotations", all);
    world.pods[0]["metadata"]["annotations"] = json!({"queue": "production", "example.com/pin": "1234"});
    let bundle: Value = serde_json::from_str(&agrees(&world)).unwrap();
    assert_eq!(bundle["objects"]["replicaSets"][0]["metadata"]["annotations"], ours);
    assert_eq!(bundle["objects"]["pods"][0]["metadata"]["annotations"], json!({"queue": "production"}));
}

#[test]
fn an_object_is_told_in_the_version_and_of_the_age_that_it_had() {
    let bundle: Value = serde_json::from_str(&agrees(&World::healthy())).unwrap();
    let rollout = &bundle["objects"]["rollout"]["metadata"];
    assert_eq!((&rollout["resourceVersion"], &rollout["creationTimestamp"]), (&json!("1"), &json!(START)));
}

#[test]
fn every_kind_of_world_is_decided_again_alike() {
    let frozen = json!({"labels": {"role": "active"}});
    let rival = json!({
        "metadata": {"name": "older", "namespace": "ns", "uid": "older", "creationTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {"strategy": {"canary": {"stableService": "stable", "canaryService": "theirs"}}},
    });
    let taken = json!({
        "metadata": {
            "name": format!("web-{}", hash_of("v2")), "namespace": "ns", "uid": "taken",
            "labels": {"app": "web", "rollouts-pod-template-hash": hash_of("v2")},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "else", "controller": true,
            }],
        },
        "spec": {"template": {}},
    });
    let mut unowned = World::updated();
    unowned.revisions.push(taken);
    let mut routeless = World::paused_at_10();
    routeless.route = None;
    let mut rivalled = World::healthy();
    rivalled.rivals = vec![rival];
    let mut frozen_role = World::updated().canary("activeMetadata", frozen);
    frozen_role.rollout["spec"]["template"] = seeded("web:v2");
    let worlds = [
        ("empty", World::new()),
        ("healthy", World::healthy()),
        ("updated", World::updated()),
        ("selected", World::canary_selected()),
        ("paused", World::paused_at_10()),
        ("resumed", World::paused_at_10().spec("resume", json!({"step": 1}))),
        ("aborted", World::paused_at_10().status("abort", json!(true))),
        ("promoted", World::at_100()),
        ("no replicas", World::paused_at_10().at_zero_replicas()),
        ("status lost", World::paused_at_10().without_status()),
        ("status of another form", World::paused_at_10().status("currentStepIndex", json!("one"))),
        ("strategy of another form", World::paused_at_10().canary("steps", json!("none"))),
        ("no strategy", World::paused_at_10().spec("strategy", json!(null))),
        ("no route", routeless),
        ("name taken", unowned),
        ("rival", rivalled),
        ("frozen role", frozen_role),
        (
            "asked to abort",
            World::paused_at_10().metadata("annotations", json!({"serin.dev/abort": "current"})),
        ),
        ("deleted", World::paused_at_10().metadata("deletionTimestamp", json!("2026-01-01T00:00:00Z"))),
        ("later", World::paused_at_10().after(1_000)),
    ];
    for (name, world) in worlds {
        eprintln!("the world: {name}");
        agrees(&world);
    }
}

#[test]
fn another_time_is_another_decision() {
    let world =
        World::paused_at_10().canary("steps", json!([{"setWeight": 10}, {"pause": {"duration": 60}}]));
    let world = world.recorded_current("v2", 1);
    let bundle = Bundle::read(&agrees(&world)).unwrap();
    assert_eq!(bundle.plan.wake_at, Some(at(60)));
    let later = bundle.replay(Some(at(60))).unwrap();
    assert_eq!(later.record.actions[0].words, format!("scale ReplicaSet/web-{} from 1 to 5", hash_of("v2")));
    assert_eq!(later.record.differences(&bundle.plan), ["actions", "status", "wakeAt", "report"]);
    let mut as_told = bundle.plan.clone();
    as_told.status_pending = !as_told.status_pending;
    assert_eq!(as_told.differences(&bundle.plan), ["status"]);
}

#[test]
fn what_is_no_bundle_of_this_version_is_refused_in_words() {
    let refused = |text: &str| Bundle::read(text).unwrap_err().to_string();
    assert!(refused("rollout: web").starts_with("it is no JSON: "), "{}", refused("rollout: web"));
    assert_eq!(refused("{\"kind\": \"Rollout\"}"), "it is no bundle: it has no number under `version`");
    let newer = json!({"version": 2, "writtenBy": {"version": "9.1.0", "commit": "c0ffee"}}).to_string();
    assert_eq!(
        refused(&newer),
        "it has version 2 of the form, and this build reads version 1: use serin 9.1.0 (c0ffee), which wrote it"
    );
    let local = json!({"version": 2, "writtenBy": {"version": "9.1.0"}}).to_string();
    assert!(refused(&local).ends_with(": use serin 9.1.0, which wrote it"), "{}", refused(&local));
    assert!(refused("{\"version\": 1}").starts_with("a part of it cannot be read: missing field"));
}
