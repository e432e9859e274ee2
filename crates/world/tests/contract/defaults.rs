use serde_json::{Value, json};
use serin_testkit::{Kind, World, http_route, rollout};

use crate::replica_set;

#[test]
fn pod_templates_are_filled_in() {
    let mut world = World::new();
    let mut manifest = replica_set("x", 1, "web");
    manifest["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 80 }]);
    manifest["spec"]["template"]["metadata"]["annotations"] = json!({});
    world.create(manifest);
    assert_eq!(
        world.get(Kind::ReplicaSet, "x")["spec"]["template"],
        json!({
            "metadata": { "creationTimestamp": null, "labels": { "app": "web", "set": "x" } },
            "spec": {
                "containers": [{
                    "name": "web", "image": "web", "imagePullPolicy": "Always", "resources": {},
                    "ports": [{ "containerPort": 80, "protocol": "TCP" }],
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
                "securityContext": {}, "terminationGracePeriodSeconds": 30,
            },
        })
    );
}

#[test]
fn what_is_written_stays() {
    let mut world = World::new();
    let mut manifest = replica_set("x", 1, "web:latest");
    manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = json!("Never");
    manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(5);
    let created = world.create(manifest);
    let spec = &created["spec"]["template"]["spec"];
    assert_eq!(spec["containers"][0]["imagePullPolicy"], "Never");
    assert_eq!(spec["terminationGracePeriodSeconds"], 5);
}

#[test]
fn backends_are_filled_in() {
    let mut world = World::new();
    let created = world.create(http_route("route").rule(&[("stable", None), ("canary", Some(0))]).manifest());
    assert_eq!(
        created["spec"]["rules"][0]["backendRefs"],
        json!([
            { "group": "", "kind": "Service", "name": "stable", "port": 80, "weight": 1 },
            { "group": "", "kind": "Service", "name": "canary", "port": 80, "weight": 0 },
        ])
    );
    assert_eq!(
        created["spec"]["rules"][0]["matches"],
        json!([{ "path": { "type": "PathPrefix", "value": "/" } }])
    );
    let patch = json!({ "spec": { "rules": [{ "backendRefs": [{ "name": "stable", "port": 80 }] }] } });
    let patched = world.patch(Kind::HttpRoute, "route", patch);
    assert_eq!(patched["spec"]["rules"][0]["backendRefs"][0]["weight"], 1, "an update is filled in too");
}

#[test]
fn an_absent_number_of_replicas_is_one() {
    let mut world = World::new();
    let created = world.create(rollout("a").set("/spec/replicas", Value::Null).manifest());
    assert_eq!(created["spec"]["replicas"], 1);
}
