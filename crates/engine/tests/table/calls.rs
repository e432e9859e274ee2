//! What is sent to the API server for an action: exactly this, and only if what was decided on still holds.

use serde_json::{Value, json};
use serin_engine::api_call::{Verb, api_call};
use serin_engine::{ApiCall, plan};

use crate::world::{World, hash_of, template};

/// The calls for the actions of a world's plan.
fn calls(world: &World) -> Vec<ApiCall> {
    let snapshot = world.snapshot();
    plan(&snapshot, world.now).actions.iter().map(|action| api_call(&snapshot, action)).collect()
}

fn body(world: &World, action: usize) -> Value {
    calls(world)[action].body.json()
}

/// One stable pod, whose role is in its annotations.
fn one_pod_with_a_role() -> World {
    World::healthy()
        .spec("replicas", json!(1))
        .revision("v1", 1, 1)
        .stable("v1", 1)
        .selects("stable", "v1", 1)
        .selects("canary", "v1", 1)
        .canary("activeMetadata", json!({"annotations": {"example.com/role": "active"}}))
}

#[test]
fn what_a_template_means_is_asked_without_creating_anything() {
    let mut same = template("v1");
    same["spec"]["restartPolicy"] = json!("Always");
    let asked = World::healthy().spec("template", same);
    asked.does(&["compare template"]);
    assert!(calls(&asked)[0].dry_run);
    assert!(calls(&World::updated()).iter().all(|call| !call.dry_run));
}

#[test]
fn a_pod_without_annotations_gets_them_if_it_is_still_the_same_pod_and_still_has_none() {
    let world = one_pod_with_a_role();
    world.does(&["set role of ReplicaSet/web-v1", "relabel Pod/web-v1-0"]);
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "pod-v1-0"},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/example.com~1role", "value": "active"},
    ]);
    assert_eq!(body(&world, 1), expected);
}

#[test]
fn a_role_is_recorded_and_put_into_the_template_in_one_write() {
    let record = r#"{"role":"active","labels":{},"annotations":{"example.com/role":"active"},"original":{}}"#;
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v1"},
        {"op": "test", "path": "/metadata/annotations/serin.dev~1role-metadata", "value": null},
        {"op": "test", "path": "/spec/template/metadata/annotations/example.com~1role", "value": null},
        {"op": "add", "path": "/metadata/annotations/serin.dev~1role-metadata", "value": record},
        {"op": "add", "path": "/spec/template/metadata/annotations/example.com~1role", "value": "active"},
    ]);
    assert_eq!(body(&one_pod_with_a_role(), 0), expected);
}

#[test]
fn an_orphan_is_adopted_beside_the_owners_that_it_has() {
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "c", "uid": "u"});
    let ours = json!({
        "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout", "name": "web", "uid": "rollout-uid",
        "controller": true, "blockOwnerDeletion": true,
    });
    let adopting =
        |owners: Value| body(&World::healthy().change("v1", "/metadata/ownerReferences", owners), 0);
    let path = "/metadata/ownerReferences";
    assert_eq!(adopting(json!([owner]))[1], json!({"op": "add", "path": format!("{path}/-"), "value": ours}));
    assert_eq!(adopting(Value::Null)[1], json!({"op": "test", "path": path, "value": null}));
    assert_eq!(adopting(Value::Null)[2], json!({"op": "add", "path": path, "value": [ours]}));
}

/// The annotations that `v1` is recognised with: what they were, as tested, and then what they become.
fn recognised(world: &World) -> Vec<(String, Value)> {
    assert_eq!(world.actions()[0], "recognise ReplicaSet/web-v1");
    let body = body(world, 0);
    let operations = body.as_array().unwrap().iter().skip(1);
    let name = |path: &str| path.strip_prefix("/metadata/annotations/serin.dev~1").unwrap().to_owned();
    operations.map(|each| (name(each["path"].as_str().unwrap()), each["value"].clone())).collect()
}

#[test]
fn a_revision_that_is_not_the_newest_alone_gets_the_newest_number() {
    let numbered =
        |world: World, number: Value| world.change("v1", "/metadata/annotations/serin.dev~1revision", number);
    let value = |value: &str| ("revision".to_owned(), json!(value));
    let returned = World::healthy().revision("v2", 2, 0);
    assert_eq!(recognised(&returned), [value("1"), value("3")]);
    assert_eq!(recognised(&numbered(returned, json!("2"))), [value("2"), value("3")]);
    let unnumbered = World::healthy().change("v1", "/metadata/annotations", json!({"serin.dev/stable": "1"}));
    assert_eq!(recognised(&unnumbered), [("revision".to_owned(), Value::Null), value("1")]);
    World::healthy().revision("v2", 0, 0).does(&[]);
}

#[test]
fn a_revision_whose_hash_is_that_of_the_template_needs_no_other_mark() {
    let unmarked = json!({"serin.dev/revision": "1", "serin.dev/stable": "1"});
    World::healthy().change("v1", "/metadata/annotations", unmarked).does(&[]);
}

#[test]
fn a_new_replica_set_gives_its_pods_the_time_that_the_rollout_says() {
    let seconds = |world: World| {
        let created = calls(&world).into_iter().find(|call| call.verb == Verb::Create).unwrap();
        created.body.json()["spec"]["minReadySeconds"].clone()
    };
    assert_eq!(seconds(World::updated().spec("minReadySeconds", json!(5))), json!(5));
    assert_eq!(seconds(World::updated()), Value::Null);
}

#[test]
fn a_pod_with_annotations_keeps_them_and_each_change_is_tested() {
    let mut world = one_pod_with_a_role();
    world.pods[0]["metadata"]["annotations"] = json!({"example.com/role": "preview", "mine": "stays"});
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "pod-v1-0"},
        {"op": "test", "path": "/metadata/annotations/example.com~1role", "value": "preview"},
        {"op": "add", "path": "/metadata/annotations/example.com~1role", "value": "active"},
    ]);
    assert_eq!(body(&world, 1), expected);
}

#[test]
fn a_replica_set_without_annotations_gets_its_record_if_it_is_still_the_same_one() {
    let world = World::healthy().change("v1", "/metadata/annotations", Value::Null);
    let actions = world.actions();
    let recorded = actions.iter().position(|action| action == "record ReplicaSet/web-v1 as stable");
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v1"},
        {"op": "test", "path": "/metadata/annotations", "value": null},
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/serin.dev~1stable", "value": "1"},
    ]);
    assert_eq!(body(&world, recorded.unwrap()), expected);
}

#[test]
fn a_record_of_ours_that_cannot_be_read_is_replaced_all_the_same() {
    let tests = |world: &World, action: &str, annotation: &str| {
        let at = world.actions().iter().position(|other| other == action).unwrap();
        let path = format!("/metadata/annotations/serin.dev~1{annotation}");
        let body = body(world, at);
        let test =
            body.as_array().unwrap().iter().find(|operation| operation["path"] == path.as_str()).unwrap();
        assert_eq!(test["op"], "test", "{body:#}");
        test["value"].clone()
    };
    let with = |world: World, annotation: &str, text: &str| {
        world.change("v1", &format!("/metadata/annotations/serin.dev~1{annotation}"), json!(text))
    };
    let unnumbered = with(World::healthy(), "revision", "none");
    assert_eq!(tests(&unnumbered, "recognise ReplicaSet/web-v1", "revision"), json!("none"));
    let unrecorded = with(World::healthy(), "stable", "yes");
    assert_eq!(tests(&unrecorded, "record ReplicaSet/web-v1 as stable", "stable"), json!("yes"));
    // Neither one that is no record, nor one in another form than ours.
    for role in ["active", r#"{"labels": {}, "role": "preview"}"#] {
        let world = with(one_pod_with_a_role(), "role-metadata", role);
        assert_eq!(tests(&world, "set role of ReplicaSet/web-v1", "role-metadata"), json!(role));
    }
}

#[test]
fn pods_are_scaled_from_the_number_that_was_seen() {
    let world = World::healthy().spec("replicas", json!(7));
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v1"},
        {"op": "test", "path": "/spec/replicas", "value": 5},
        {"op": "add", "path": "/spec/replicas", "value": 7},
    ]);
    assert_eq!(body(&world, 0), expected);
}

#[test]
fn the_last_pods_go_only_while_their_revision_is_as_it_was_found() {
    let mut drained =
        World::healthy().revision("v2", 2, 3).change("v2", "/metadata/resourceVersion", json!("7"));
    drained.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": hash_of("v2"), "since": crate::world::START}]);
    let drained = drained.wants("v1").after(30);
    let at = drained.actions().iter().position(|action| action == "scale ReplicaSet/web-v2 from 3 to 0");
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "uid-v2"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "test", "path": "/spec/replicas", "value": 3},
        {"op": "add", "path": "/spec/replicas", "value": 0},
    ]);
    assert_eq!(body(&drained, at.unwrap()), expected);
}

#[test]
fn a_canary_is_committed_only_as_it_was_found_and_so_not_beside_another_write_to_it() {
    let world = World::at_100().change("v2", "/metadata/resourceVersion", json!("7"));
    assert_eq!(world.actions()[0], "record ReplicaSet/web-v2 as stable");
    assert_eq!(body(&world, 0)[1], json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"}));
    let other = "set minReadySeconds of ReplicaSet/web-v2 to 5";
    world.spec("minReadySeconds", json!(5)).does(&[other]);
}

#[test]
fn a_selector_is_changed_only_if_all_of_it_is_as_it_was_seen() {
    let world = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    let path = "/spec/selector/rollouts-pod-template-hash";
    let expected = json!([
        {"op": "test", "path": "/spec/selector",
            "value": {"app": "web", "rollouts-pod-template-hash": hash_of("v1")}},
        {"op": "add", "path": path, "value": hash_of("v2")},
    ]);
    assert_eq!(body(&world, 0), expected);
}

#[test]
fn weights_are_changed_only_on_the_backends_that_were_seen() {
    let tests = |index: usize, name: &str, weight: i32| {
        let at = format!("/spec/rules/0/backendRefs/{index}");
        ["group", "kind", "namespace"]
            .map(|field| json!({"op": "test", "path": format!("{at}/{field}"), "value": null}))
            .into_iter()
            .chain([
                json!({"op": "test", "path": format!("{at}/name"), "value": name}),
                json!({"op": "test", "path": format!("{at}/weight"), "value": weight}),
            ])
            .collect::<Vec<_>>()
    };
    let mut expected = [tests(0, "stable", 100), tests(1, "canary", 0)].concat();
    expected.push(json!({"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 90}));
    expected.push(json!({"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 10}));
    assert_eq!(body(&World::canary_selected(), 0), Value::Array(expected));
}

#[test]
fn each_call_says_what_it_is_about_and_in_which_form() {
    let told = |call: &ApiCall| (call.target.resource(), call.body.content_type(), call.path.clone());
    let first = |world: World| told(&calls(&world)[0]);
    let patch = "application/json-patch+json";
    let namespaced = |api: &str, name: &str| format!("/{api}/namespaces/ns/{name}");
    assert_eq!(
        first(World::canary_selected()),
        ("httproutes", patch, namespaced("apis/gateway.networking.k8s.io/v1", "httproutes/route"))
    );
    let selects = World::updated().revision("v2", 2, 1).recorded_current("v2", 0);
    assert_eq!(first(selects), ("services", patch, namespaced("api/v1", "services/canary")));
    let (resource, form, path) = first(World::updated());
    assert_eq!((resource, form), ("replicasets", "application/json"));
    assert_eq!(path, namespaced("apis/apps/v1", "replicasets"));
    let refused = World::healthy().spec("resume", json!({"step": 1}));
    let rollout = namespaced("apis/serin.dev/v1alpha1", "rollouts/web");
    assert_eq!(first(refused), ("rollouts", patch, rollout.clone()));
    assert_eq!(
        told(&calls(&one_pod_with_a_role())[1]),
        ("pods", patch, namespaced("api/v1", "pods/web-v1-0"))
    );
    let status = ApiCall::patch_status(&World::healthy().snapshot(), json!({}));
    assert_eq!(
        told(&status),
        ("rollouts/status", "application/merge-patch+json", format!("{rollout}/status"))
    );
}
