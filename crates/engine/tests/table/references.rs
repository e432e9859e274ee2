//! A route or Services that the spec names in place of those that are in use.

use serde_json::json;

use crate::world::{World, hash_of};

/// The spec names these Services, which exist, and which the route holds in a rule of their own.
fn names(mut world: World, stable: &str, canary: &str) -> World {
    for name in [stable, canary] {
        let service =
            json!({"metadata": {"name": name, "namespace": "ns"}, "spec": {"selector": {"app": "web"}}});
        world.services.entry(name.to_owned()).or_insert(service);
    }
    let rules = world.route.as_mut().unwrap()["spec"]["rules"].as_array_mut().unwrap();
    rules.push(json!({"backendRefs": [{"name": stable, "weight": 3}, {"name": canary, "weight": 1}]}));
    world.canary("stableService", json!(stable)).canary("canaryService", json!(canary))
}

fn names_preview(world: World) -> World {
    names(world, "stable", "preview")
}

#[test]
fn a_changed_service_is_released_before_the_new_one_is_taken() {
    let world = names_preview(World::healthy());
    world.does(&["let Service/canary select all pods"]);
    let world = world.unselected("canary");
    world.writes_status(true).reports("/canary/managed/canaryService/name", json!("preview"));
    let other_stable = names(World::healthy(), "primary", "canary");
    other_stable.does(&["let Service/stable select all pods"]);
}

#[test]
fn the_users_own_weights_are_recorded_once_for_each_pair_of_references() {
    let recorded = "/canary/managed/routes/0/originalWeights";
    World::paused_at_10().reports(recorded, json!([{"rule": 0, "stable": 1, "canary": 1}]));
    let mut taken = names_preview(World::healthy()).unselected("canary");
    taken.rollout["status"]["canary"]["managed"] = json!({
        "routes": [{"kind": "HTTPRoute", "namespace": "ns", "name": "route"}],
        "stableService": {"name": "stable"}, "canaryService": {"name": "preview"},
    });
    taken.does(&[]).writes_status(true);
    taken.reports(recorded, json!([{"rule": 1, "stable": 3, "canary": 1}]));
}

#[test]
fn a_first_revision_is_stable_only_on_the_references_that_the_spec_names() {
    let deployed = World::new()
        .revision("v1", 1, 5)
        .selects("stable", "v1", 5)
        .without_service("canary")
        .managed(Some("v1"), None)
        .weights(100, 0);
    names(deployed, "primary", "preview").does(&["let Service/stable select all pods"]);
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
