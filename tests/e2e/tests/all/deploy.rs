//! First deploys, and revisions that are found again.

use serde_json::{Value, json};
use serin_e2e::{Space, manifests};

const HASH: &str = "rollouts-pod-template-hash";

fn pod_uids(space: &Space) -> Vec<String> {
    let mut uids: Vec<String> =
        space.list("pods").iter().map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned()).collect();
    uids.sort();
    uids
}

#[test]
fn pods_come_first_then_weights_then_services_then_stable() {
    let space = Space::new("first");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let writes = space.writes();
    let place =
        |what: &dyn Fn(&serin_e2e::audit::Write) -> bool| writes.iter().position(what).expect("is there");
    let created = place(&|write| write.verb == "create" && write.resource == "replicasets");
    let weights = place(&|write| write.canary_weight() == Some(0));
    let narrowed = place(&|write| write.name == "stable" && write.selected().is_some());
    let both = place(&|write| write.name == "canary" && write.selected().is_some());
    let stable = place(&|write| write.object["metadata"]["annotations"]["serin.dev/stable"] == "1");
    assert!(created < weights && weights < narrowed && narrowed < both && both < stable);
    space.judge();
}

#[test]
fn pods_do_not_wait_for_services_and_route_and_the_report_names_what_is_missing() {
    let space = Space::new("alone");
    space.apply_all(&[manifests::rollout()]);
    space.until("the pods are ready", || space.rollout("web")["status"]["availableReplicas"] == 2);
    let degraded = space.until_phase("web", "Degraded");
    let message = degraded["status"]["message"].as_str().unwrap();
    for part in [
        "spec.strategy.canary.stableService: Service \"stable\" not found",
        "canaryService",
        "HTTPRoute \"route\" not found",
    ] {
        assert!(message.contains(part), "{message}");
    }
    space.until_event("web", "InvalidSpec", "create it");
    space.apply_all(&[manifests::service("stable"), manifests::service("canary"), manifests::route()]);
    space.until_phase("web", "Healthy");
    space.judge();
}

#[test]
fn a_broken_first_version_is_replaced_without_steps() {
    let space = Space::new("broken");
    let mut rollout = manifests::rollout();
    rollout["spec"]["template"]["metadata"]["annotations"] = json!({"kwok.test/behaviour": "never-ready"});
    space.apply_all(&manifests::with(rollout));
    space.until("the broken pods exist", || space.list("pods").len() == 2);
    let patch = json!({"spec": {"template": {
        "metadata": {"annotations": null}, "spec": {"containers": [{"name": "web", "image": "web:2"}]},
    }}});
    space.patch("web", patch);
    let healthy = space.until_phase("web", "Healthy");
    assert_eq!(healthy["status"]["currentStepIndex"], json!(4), "no step was walked");
    space.until("the broken pods are gone", || space.list("pods").len() == 2);
    space.judge();
}

#[test]
fn pods_left_by_cascade_orphan_are_adopted_and_it_is_no_first_deploy() {
    let space = Space::new("orphan");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let before = pod_uids(&space);
    space.kubectl(&["delete", "rollouts.serin.dev", "web", "--cascade=orphan"]);
    assert_eq!(space.list("replicasets").len(), 1);
    assert_eq!(space.selected("stable"), None, "the Services have their own selectors back");
    space.apply_all(&[manifests::rollout()]);
    space.until_phase("web", "Healthy");
    assert_eq!(pod_uids(&space), before);
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    space.judge();
}

#[test]
fn a_wiped_status_is_no_first_deploy() {
    let space = Space::new("wiped");
    space.apply_all(&manifests::all());
    let stable = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    let status = space.rollout("web")["status"].clone();
    let nulls: serde_json::Map<String, Value> =
        status.as_object().unwrap().keys().map(|key| (key.clone(), Value::Null)).collect();
    space.patch_status("web", Value::Object(nulls));
    space.until("status is back", || space.rollout("web")["status"]["stableRS"] == stable);
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    assert_eq!(space.weights("route"), (90, 10));
    space.judge();
}

#[test]
fn explicit_defaults_make_no_new_revision() {
    let space = Space::new("defaults");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let patch = json!({"spec": {"template": {"spec": {
        "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
    }}}});
    space.patch("web", patch);
    let healthy = space.until_phase("web", "Healthy");
    assert_eq!(space.list("replicasets").len(), 1);
    assert_eq!(healthy["status"]["currentPodHash"], healthy["status"]["stableRS"]);
    let set = &space.list("replicasets")[0];
    assert_eq!(set["metadata"]["labels"][HASH], healthy["status"]["stableRS"]);
    space.judge();
}
