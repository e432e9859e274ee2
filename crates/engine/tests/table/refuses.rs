//! Bad input: what ran keeps running, and the report names the field.

use serde_json::json;

use crate::world::World;

#[track_caller]
fn invalid(world: &World, fragment: &str) {
    world.reports("/phase", json!("Degraded"));
    let message = world.plan().report.message.unwrap();
    assert!(message.starts_with("InvalidSpec: The Rollout \"web\" is invalid: "), "{message}");
    assert!(message.contains(fragment), "{message}");
}

#[test]
fn missing_objects_are_named_with_the_field() {
    invalid(
        &World::updated().without_service("stable"),
        "spec.strategy.canary.stableService: Service \"stable\" not found",
    );
    invalid(
        &World::updated().without_service("canary"),
        "spec.strategy.canary.canaryService: Service \"canary\" not found",
    );
    let mut world = World::updated();
    world.route = None;
    invalid(
        &world,
        "spec.strategy.canary.trafficRouting.gatewayAPI.httpRoute: HTTPRoute \"route\" not found",
    );
}

#[test]
fn a_route_without_both_backends_is_refused() {
    let mut world = World::updated();
    world.route.as_mut().unwrap()["spec"]["rules"] =
        json!([{"backendRefs": [{"name": "stable"}]}, {"backendRefs": [{"name": "canary"}]}]);
    invalid(&world, "no rule of HTTPRoute \"route\" holds both Services");
}

#[test]
fn a_step_that_the_rule_cannot_express_names_the_factor() {
    let mut world = World::updated();
    world.route.as_mut().unwrap()["spec"]["rules"] = json!([{"backendRefs": [
        {"name": "stable", "weight": 1}, {"name": "canary", "weight": 1}, {"name": "other", "weight": 1},
    ]}]);
    invalid(&world, "steps[0].setWeight: rule 0");
    invalid(&world, "multiply all weights of that rule by 5");
}

#[test]
fn a_service_that_selects_other_pods_is_refused() {
    let mut world = World::updated();
    world.services.get_mut("canary").unwrap()["spec"]["selector"] = json!({"app": "other"});
    invalid(&world, "selects `app: other`");
}

#[test]
fn of_two_rollouts_on_one_service_the_younger_is_refused() {
    let rival = |created: &str| {
        let mut rival = World::healthy().rollout;
        rival["metadata"]["name"] = json!("rival");
        rival["metadata"]["uid"] = json!("rival-uid");
        rival["metadata"]["creationTimestamp"] = json!(created);
        rival
    };
    let mut world = World::updated();
    world.rivals = vec![rival("2025-01-01T00:00:00Z")];
    invalid(&world, "is used by the older Rollout \"rival\"");
    world.rivals = vec![rival("2027-01-01T00:00:00Z")];
    world.reports("/phase", json!("Progressing"));
}

#[test]
fn an_unreadable_strategy_keeps_the_weights_that_were_wanted() {
    let world = World::paused_at_10().spec("strategy", json!({"canary": {"steps": "nonsense"}}));
    invalid(&world, "spec.strategy: cannot be read");
    world.does(&[]);
    world.route_weights(50, 50).does(&["change weight of HTTPRoute/route from 50 to 10"]);
}

#[test]
fn a_new_template_does_not_start_while_the_references_are_broken_but_its_pods_do() {
    let world = World::updated().without_service("canary");
    world.does(&["create ReplicaSet/web-v2 with 1 pods"]);
    world.revision("v2", 2, 1).does(&[]);
}

#[test]
fn nothing_new_begins_while_the_route_is_ambiguous() {
    let ambiguous = |mut world: World| {
        let rules = world.route.as_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap();
        rules.push(json!({"backendRefs": [{"name": "stable"}, {"name": "canary"}, {"name": "canary"}]}));
        world
    };
    let weighed = ambiguous(World::canary_selected().weights(90, 10));
    invalid(&weighed, "more than once");
    weighed.does(&[]).reports("/currentStepIndex", json!(0));
    ambiguous(World::at_100()).does(&[]);
    ambiguous(World::updated().revision("v2", 2, 1).recorded_current("v2", 0)).does(&[]);
    let first = World::new().revision("v1", 1, 5).lists("stable", &[("v1", 5)]).lists("canary", &[("v1", 5)]);
    ambiguous(first.clone()).does(&[]).reports("/canary/managed", json!(null));
    ambiguous(first.metadata("finalizers", json!([]))).does(&[]);
}
