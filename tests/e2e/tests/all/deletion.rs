//! Deletion: safe in every mode, and never for long.

use serde_json::json;
use serin_e2e::{Space, manifests};

#[test]
fn in_the_middle_of_a_canary_traffic_is_safe_in_every_cascade_mode() {
    for mode in ["background", "orphan"] {
        let space = Space::paused(&format!("delete-{mode}"));
        let before = space.writes().len();
        space.kubectl(&[
            "delete",
            "rollouts.serin.dev",
            "web",
            &format!("--cascade={mode}"),
            "--timeout=50s",
        ]);
        // Those that the route had before.
        assert_eq!(space.weights("route"), (1, 1));
        assert_eq!((space.selected("stable"), space.selected("canary")), (None, None));
        let writes = space.writes().split_off(before);
        assert_eq!(
            writes[0].canary_weight(),
            Some(0),
            "{:#?}",
            writes.iter().map(|w| w.brief()).collect::<Vec<_>>()
        );
        if mode == "orphan" {
            space.until("only the stable pods are left", || space.list("pods").len() == 2);
        }
    }
}

#[test]
fn foreground_deletion_ends_too() {
    let space = Space::paused("delete-foreground");
    space.kubectl(&["delete", "rollouts.serin.dev", "web", "--cascade=foreground", "--timeout=70s"]);
    assert_eq!(space.rollout("web"), json!(null));
}

#[test]
fn a_namespace_goes_with_the_operator_up() {
    let space = Space::with_distant_operator("delete-namespace");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    let deleted = space.try_cluster_kubectl(&["delete", "namespace", &space.namespace, "--timeout=60s"]);
    deleted.unwrap_or_else(|error| space.fail(&format!("{error:#}")));
}

#[test]
fn a_namespace_goes_when_the_operator_is_back() {
    let mut space = Space::with_distant_operator("delete-namespace-down");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let home = space.operator.take().unwrap();
    home.signal("STOP");
    let namespace = space.namespace.clone();
    space.try_cluster_kubectl(&["delete", "namespace", &namespace, "--wait=false"]).unwrap();
    space.until("everything but the Rollout goes", || space.list("pods").is_empty());
    assert!(!space.rollout("web").is_null(), "the finalizer holds it");
    home.signal("CONT");
    space.until("the namespace is gone", || {
        space.try_cluster_kubectl(&["get", "namespace", &namespace]).is_err()
    });
}

#[test]
fn an_operator_that_was_down_finishes_a_deletion_when_it_is_back() {
    let mut space = Space::paused("delete-down");
    assert!(space.operator.take().unwrap().end().success());
    space.kubectl(&["delete", "rollouts.serin.dev", "web", "--wait=false"]);
    assert!(!space.rollout("web").is_null(), "the finalizer holds it");
    space.start();
    space.until("it is gone", || space.rollout("web").is_null());
    assert_eq!(space.weights("route"), (1, 1));
}
