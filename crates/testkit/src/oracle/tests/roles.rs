//! The role comes before pods and traffic.

use serde_json::json;

use super::town::{Town, replica_set, route};
use serin_world::world::Kind;

const SELECTED: &str = "/spec/selector/rollouts-pod-template-hash";
const ROLE: &str = "/spec/template/metadata/labels/role";

fn with_roles() -> Town {
    let mut town = Town::new();
    let canary = "/spec/strategy/canary";
    town.given(
        Kind::Rollout,
        "web",
        &format!("{canary}/activeMetadata"),
        json!({"labels": {"role": "active"}}),
    );
    town.given(
        Kind::Rollout,
        "web",
        &format!("{canary}/previewMetadata"),
        json!({"labels": {"role": "preview"}}),
    );
    town.given(Kind::ReplicaSet, "web-v1", ROLE, json!("active"));
    town.given(Kind::ReplicaSet, "web-v2", ROLE, json!("preview"));
    town
}

#[test]
fn a_replica_set_carries_its_role_before_it_gets_pods() {
    let mut town = with_roles();
    town.written(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(3)).is_fine();
    town.given(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(2));
    for wrong in [json!("active"), json!(null)] {
        town.given(Kind::ReplicaSet, "web-v2", ROLE, wrong);
        town.written(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(3))
            .breaks("gets pods while its template");
        town.given(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(2));
    }
    let mut town = with_roles();
    let mut born = replica_set("v3", 1, None);
    town.after.put(Kind::ReplicaSet, born.clone());
    town.breaks("gets pods while its template");
    born["spec"]["template"]["metadata"]["labels"]["role"] = json!("preview");
    town.after.put(Kind::ReplicaSet, born);
    town.is_fine();
}

#[test]
fn a_key_that_the_role_lacks_shows_the_templates_own_value() {
    let mut town = with_roles();
    let active = "/spec/strategy/canary/activeMetadata/labels/queue";
    town.given(Kind::Rollout, "web", active, json!("production"));
    town.written(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(3)).is_fine();
    town.given(Kind::ReplicaSet, "web-v2", "/spec/template/metadata/labels/queue", json!("own"));
    town.given(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(2));
    town.written(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(3))
        .breaks("queue: Some(\"own\"), not None");
    let record = json!({"role": "preview", "original": {"labels": {"queue": "own"}}}).to_string();
    town.given(Kind::ReplicaSet, "web-v2", "/metadata/annotations/serin.dev~1role-metadata", json!(record));
    town.given(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(2));
    town.written(Kind::ReplicaSet, "web-v2", "/spec/replicas", json!(3)).is_fine();
}

#[test]
fn a_canary_carries_its_role_before_it_is_selected() {
    let mut town = with_roles();
    town.both(|world| drop(world.put(Kind::HttpRoute, route("route", 100, 0))));
    town.given(Kind::Service, "canary", SELECTED, json!("v1"));
    town.written(Kind::Service, "canary", SELECTED, json!("v2")).is_fine();
    town.given(Kind::ReplicaSet, "web-v2", ROLE, json!("active")).breaks("is selected while its template");
}

#[test]
fn a_revision_without_a_role_keeps_its_last() {
    let mut town = with_roles();
    town.both(|world| drop(world.put(Kind::ReplicaSet, replica_set("v0", 1, None))));
    let v0 = json!({"metadata": {
        "name": "web-v0-0", "uid": "pod-v0-0", "labels": {"app": "web", "rollouts-pod-template-hash": "v0"},
    }});
    town.both(|world| drop(world.put(Kind::Pod, v0.clone())));
    town.clone()
        .written(Kind::Pod, "web-v0-0", "/metadata/labels/role", json!("preview"))
        .breaks("without a role");
    town.clone().written(Kind::ReplicaSet, "web-v0", ROLE, json!("preview")).breaks("without a role");
    town.written(Kind::Pod, "web-v2-0", "/metadata/labels/role", json!("preview")).is_fine();
}
