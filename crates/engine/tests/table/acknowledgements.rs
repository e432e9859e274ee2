//! The old revision's pods stay until promoted pods have said that they read their new role.

use serde_json::{Value, json};

use crate::world::{START, World, hash_of};

/// `v2` has been promoted and `v1` has drained since second 0, with the default delay of 30 seconds.
fn promoted(acknowledgement: Value) -> World {
    let mut world = World::at_100()
        .stable("v1", 1)
        .stable("v2", 2)
        .selects("stable", "v2", 5)
        .managed(Some("v2"), Some("v2"))
        .weights(100, 0)
        .canary("activeMetadata", json!({"annotations": {"role": "active"}}))
        .canary("roleAcknowledgement", acknowledgement);
    world.rollout["status"]["canary"]["drains"] = json!([{"podTemplateHash": hash_of("v1"), "since": START}]);
    world
}

fn seen(mut world: World, pods: usize, role: &str) -> World {
    let of_v2 = |pod: &&mut Value| pod["metadata"]["name"].as_str().unwrap().starts_with("web-v2");
    for pod in world.pods.iter_mut().filter(of_v2).take(pods) {
        pod["metadata"]["annotations"]["serin.dev/role-seen"] = json!(role);
    }
    world
}

fn scales_down(world: &World) -> bool {
    world.actions().contains(&"scale ReplicaSet/web-v1 from 5 to 0".to_owned())
}

#[test]
fn old_pods_stay_after_the_drain_delay_until_enough_pods_have_acknowledged() {
    let world = promoted(json!({"percent": 80, "timeout": "2m"})).after(30);
    assert!(!scales_down(&world));
    world.reports("/waitingFor/0/what", json!("RoleAcknowledgement")).wakes_at(Some(120));
    assert!(!scales_down(&seen(world.clone(), 3, "active")));
    assert!(!scales_down(&seen(world.clone(), 5, "preview")));
    assert!(scales_down(&seen(world, 4, "active")));
}

#[test]
fn acknowledgements_do_not_shorten_the_drain_delay() {
    let world = seen(promoted(json!({})), 5, "active");
    assert!(!scales_down(&world.clone().after(29)));
    assert!(scales_down(&world.after(30)));
}

#[test]
fn the_wait_for_acknowledgements_ends_with_its_timeout_and_says_so() {
    let world = promoted(json!({}));
    assert!(!scales_down(&world.clone().after(59)));
    let world = world.after(60);
    assert!(scales_down(&world));
    let reasons: Vec<_> = world.plan().events.into_iter().map(|event| event.reason).collect();
    assert!(reasons.contains(&"RoleAcknowledgementTimeout"), "{reasons:?}");
}

#[test]
fn the_rollout_is_healthy_while_old_pods_wait_for_acknowledgements() {
    let mut world = seen(promoted(json!({})).after(40), 4, "active");
    for pod in &mut world.pods {
        pod["metadata"]["annotations"]["role"] = json!("active");
    }
    world.reports("/phase", json!("Healthy"));
}

#[test]
fn without_the_field_nothing_waits() {
    let mut world = promoted(json!({})).after(30);
    world.rollout["spec"]["strategy"]["canary"].as_object_mut().unwrap().remove("roleAcknowledgement");
    assert!(scales_down(&world));
}

#[test]
fn an_aborted_canary_goes_without_acknowledgements() {
    let mut aborted = World::paused_at_10()
        .status("abort", json!(true))
        .status("abortedPodHash", json!(hash_of("v2")))
        .selects("canary", "v1", 5)
        .weights(100, 0)
        .canary("activeMetadata", json!({"annotations": {"role": "active"}}))
        .canary("roleAcknowledgement", json!({}))
        .after(30);
    aborted.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": hash_of("v2"), "since": START}]);
    assert!(aborted.actions().contains(&"scale ReplicaSet/web-v2 from 1 to 0".to_owned()));
}

#[test]
fn a_superseded_canary_goes_without_acknowledgements() {
    let mut superseded = World::paused_at_10()
        .wants("v3")
        .revision("v3", 3, 1)
        .selects("canary", "v3", 1)
        .managed(Some("v1"), Some("v3"))
        .recorded_current("v3", 0)
        .canary("activeMetadata", json!({"annotations": {"role": "active"}}))
        .canary("roleAcknowledgement", json!({}))
        .after(30);
    superseded.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": hash_of("v2"), "since": START}]);
    assert!(superseded.actions().contains(&"scale ReplicaSet/web-v2 from 1 to 0".to_owned()));
}
