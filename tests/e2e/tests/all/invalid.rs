//! Bad input that admission cannot see: reported with field and fix, and it stops nobody else.

use serde_json::json;
use serin_e2e::{Space, manifests};

#[test]
fn of_two_rollouts_on_one_service_the_older_one_goes_on() {
    let space = Space::new("rivals");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let mut rival = manifests::rollout();
    rival["metadata"]["name"] = json!("rival");
    space.apply_all(&[rival]);
    space.until("the younger one is refused", || {
        let message = space.rollout("rival")["status"]["message"].as_str().unwrap_or_default().to_owned();
        message.contains("is used by the older Rollout \"web\"")
    });
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
}

#[test]
fn a_weight_that_a_shared_rule_cannot_express_names_the_factor() {
    let space = Space::new("factor");
    let mut route = manifests::route();
    route["spec"]["rules"][0]["backendRefs"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "other", "port": 80}));
    space.apply_all(&[
        manifests::service("stable"),
        manifests::service("canary"),
        route,
        manifests::rollout(),
    ]);
    let degraded = space.until_phase("web", "Degraded");
    let message = degraded["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("steps[0].setWeight") && message.contains("multiply all weights of that rule by 5"),
        "{message}"
    );
}

#[test]
fn a_template_that_the_server_refuses_is_told_and_changes_nothing_that_runs() {
    let space = Space::new("template");
    space.apply_all(&manifests::all());
    let stable = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    space.patch(
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "Not A Name", "image": "web:2"}]}}}}),
    );
    space.until("it is told", || {
        let message = space.rollout("web")["status"]["message"].as_str().unwrap_or_default().to_owned();
        message.contains("spec.template.spec.containers[0].name")
    });
    assert_eq!(space.weights("route"), (100, 0));
    assert_eq!(space.rollout("web")["status"]["stableRS"], stable);
    space.kubectl(&["scale", "rollouts.serin.dev", "web", "--replicas=3"]);
    space.until("scaling still works", || space.list("pods").len() == 3);
    space.set_image("web", "web:3");
    space.patch(
        "web",
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:3"}]}}}}),
    );
    space.until_paused_at("web", 1);
}

#[test]
fn changed_references_are_released_before_the_new_ones_are_taken() {
    let space = Space::new("moved");
    let mut route = manifests::route();
    route["metadata"]["name"] = json!("second");
    space.apply_all(&manifests::all());
    space.apply_all(&[route]);
    space.until_phase("web", "Healthy");
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    space.patch("web", json!({"spec": {"strategy": {"canary": {"trafficRouting": {"gatewayAPI": {"httpRoute": "second"}}}}}}));
    space.until_weights("route", 100, 0);
    space.until_weights("second", 100, 0);
    let aborted = space.until_phase("web", "Degraded");
    assert!(aborted["status"]["message"].as_str().unwrap().contains("were changed"), "{aborted:#}");
    space.patch_status("web", json!({"abort": false}));
    space.until_weights("second", 90, 10);
    assert_eq!(space.weights("route"), (100, 0), "the old route is left alone");
}
