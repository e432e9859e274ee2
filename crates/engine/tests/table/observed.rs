//! What is made of the objects as they are: whose they are, how many pods they count, who wrote them.

use serde_json::{Value, json};
use serin_api::template::RawTemplate;
use serin_engine::hash;

use crate::world::{World, template};

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
fn pods_that_a_smaller_size_takes_away_no_longer_count_whatever_their_controller_says() {
    let shrunk = World::healthy().spec("replicas", json!(2)).change("v1", "/spec/replicas", json!(2));
    // The report in which it has seen the new size is from before it takes the pods away.
    shrunk.reports("/availableReplicas", json!(2)).reports("/readyReplicas", json!(2));
    shrunk.change("v1", "/metadata/generation", json!(2)).reports("/availableReplicas", json!(2));
}

#[test]
fn pods_that_are_about_to_end_do_not_count_before_their_controller_has_seen_the_present_size() {
    let mut world = World::healthy();
    world.pods[0]["metadata"]["deletionTimestamp"] = json!(crate::world::START);
    world.reports("/availableReplicas", json!(5));
    let unseen = world.change("v1", "/metadata/generation", json!(2));
    unseen.reports("/availableReplicas", json!(4)).reports("/readyReplicas", json!(4));
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

#[test]
fn of_two_revisions_that_stand_for_the_template_the_stable_one_is_meant_or_else_the_newest_and_that_stays() {
    let mark = "/metadata/annotations/serin.dev~1template-hash";
    let id = json!(hash::template_id(&RawTemplate::new(&template("v1"))));
    let twins = World::healthy().revision("v2", 2, 0).change("v2", mark, id.clone());
    twins.does(&["recognise ReplicaSet/web-v1"]);
    let number = "/metadata/annotations/serin.dev~1revision";
    twins.change("v1", number, json!("3")).does(&[]).reports("/phase", json!("Healthy"));
    let first =
        World::new().revision("v1", 1, 5).available("v1", 0).revision("v2", 1, 5).change("v2", mark, id);
    let newest = |world: &World| world.snapshot().current().map(|current| current.number);
    assert_eq!(newest(&first.clone().change("v1", number, json!("2"))), Some(2));
    assert_eq!(newest(&first.change("v2", number, json!("2"))), Some(2));
}
