//! A route or Services that the spec names in place of those that are in use.

use serde_json::json;

use crate::world::{World, hash_of};

/// The spec names another canary Service, which the route holds in a rule of its own.
fn names_preview(mut world: World) -> World {
    world.services.insert(
        "preview".into(),
        json!({"metadata": {"name": "preview", "namespace": "ns"}, "spec": {"selector": {"app": "web"}}}),
    );
    let rules = world.route.as_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap();
    rules.push(json!({"backendRefs": [{"name": "stable", "weight": 1}, {"name": "preview", "weight": 1}]}));
    world.canary("canaryService", json!("preview"))
}

#[test]
fn a_changed_service_is_released_before_the_new_one_is_taken() {
    let world = names_preview(World::healthy());
    world.does(&["let Service/canary select all pods"]);
    let world = world.unselected("canary");
    world.writes_status(true).reports("/canary/managed/canaryService/name", json!("preview"));
}

#[test]
fn a_canary_on_references_that_the_spec_no_longer_names_is_aborted_and_says_why() {
    for begun in [World::canary_selected(), World::paused_at_10()] {
        let world = names_preview(begun);
        // The reason goes away with what the abort brings about, so it is recorded first.
        world.does(&[]).writes_status(true).reports("/abort", json!(true));
        world.reports("/abortedPodHash", json!(hash_of("v2")));
        let message = world.plan().report.message.unwrap();
        assert!(message.contains("the route or Services in its strategy were changed"), "{message}");
    }
    let recorded = names_preview(World::paused_at_10())
        .status("abort", json!(true))
        .status("abortedPodHash", json!(hash_of("v2")));
    recorded.does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn a_canary_that_has_not_begun_starts_on_the_new_references() {
    let world = names_preview(World::updated());
    world
        .does(&["let Service/canary select all pods", "create ReplicaSet/web-v2 with 1 pods"])
        .reports("/abort", json!(null));
}
