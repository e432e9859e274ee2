//! What is made of the objects as they are: whose they are, how many pods they count, who wrote them.

use serde_json::{Value, json};

use crate::world::World;

#[test]
fn a_replica_set_without_an_owner_is_adopted_only_if_the_selector_means_it() {
    let expression = |operator: &str, key: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    for (selector, adopted) in [
        (json!({}), false),
        (json!({"matchLabels": {"app": "web"}}), true),
        (json!({"matchLabels": {"app": "other"}}), false),
        (expression("In", "app", &["api", "web"]), true),
        (expression("In", "app", &["api"]), false),
        (expression("NotIn", "app", &["api"]), true),
        (expression("NotIn", "app", &["web"]), false),
        (expression("Exists", "app", &[]), true),
        (expression("Exists", "tier", &[]), false),
        (expression("DoesNotExist", "tier", &[]), true),
        (expression("DoesNotExist", "app", &[]), false),
        (expression("Like", "app", &["web"]), false),
    ] {
        let orphaned = World::healthy().change("v1", "/metadata/ownerReferences", json!([]));
        let actions = orphaned.spec("selector", selector.clone()).actions();
        let adopts = actions.contains(&"adopt ReplicaSet/web-v1".to_owned());
        assert_eq!(adopts, adopted, "{selector}: {actions:?}");
    }
}

#[test]
fn pods_that_a_smaller_size_takes_away_no_longer_count_before_their_controller_has_seen_it() {
    let shrunk = World::healthy().spec("replicas", json!(2)).change("v1", "/spec/replicas", json!(2));
    shrunk.reports("/availableReplicas", json!(5));
    shrunk.change("v1", "/metadata/generation", json!(2)).reports("/availableReplicas", json!(2));
}

#[test]
fn only_a_failure_that_lasts_is_told() {
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "message": "no quota"});
    let failure = |conditions: Value| {
        let world = World::healthy().change("v1", "/status/conditions", conditions);
        world.snapshot().revisions[0].failure.clone()
    };
    assert_eq!(failure(json!([condition("ReplicaFailure", "True")])).as_deref(), Some("no quota"));
    assert_eq!(failure(json!([condition("ReplicaFailure", "False"), condition("Other", "True")])), None);
}

#[test]
fn the_writer_that_is_put_back_is_the_last_one_beside_us() {
    let wrote = |manager: &str, second: i32, subresource: &str| {
        json!({"manager": manager, "operation": "Update", "apiVersion": "v1", "subresource": subresource,
            "time": format!("2026-01-01T00:00:0{second}Z")})
    };
    let managers = json!([
        wrote("argocd", 2, ""),
        wrote("helm", 1, ""),
        wrote("serin", 3, ""),
        wrote("gateway", 4, "status"),
    ]);
    let mut route = World::paused_at_10().route_weights(50, 50);
    route.route.as_mut().unwrap()["metadata"]["managedFields"] = managers.clone();
    let mut service = World::paused_at_10().unselected("canary");
    service.services.get_mut("canary").unwrap()["metadata"]["managedFields"] = managers;
    for (world, subject) in [(route, "HTTPRoute/route"), (service, "Service/canary")] {
        world.tells(&["DriftCorrected"]);
        assert_eq!(world.plan().events[0].note, format!("{subject} was changed by \"argocd\"; put back"));
    }
}
