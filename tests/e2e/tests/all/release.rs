//! Uninstalling: what `serin release` leaves behind goes on serving, and a new operator takes it up.

use serde_json::{Value, json};
use serin_e2e::Space;

/// What traffic and pods are made of, as far as anybody but the server writes it.
fn everything(space: &Space) -> Vec<Value> {
    let kinds = ["httproutes", "services", "replicasets", "pods"];
    let objects = kinds.into_iter().flat_map(|kind| space.list(kind));
    objects
        .map(|object| {
            let metadata = &object["metadata"];
            json!({
                "kind": object["kind"], "name": metadata["name"], "uid": metadata["uid"],
                "labels": metadata["labels"], "annotations": metadata["annotations"], "spec": object["spec"],
                "deleted": metadata["deletionTimestamp"],
            })
        })
        .collect()
}

#[test]
fn in_the_middle_of_a_canary_everything_stays_and_a_new_operator_goes_on() {
    let mut space = Space::paused("release");
    assert!(space.operator.take().unwrap().end().success());
    assert_eq!(space.weights("route"), (90, 10));
    let finalizers = |space: &Space| space.rollout("web")["metadata"]["finalizers"].clone();
    assert_eq!(finalizers(&space), json!(["serin.dev/traffic"]));
    let before = everything(&space);
    assert_eq!(before.len(), 1 + 2 + 2 + 3, "{before:#?}");

    space.release();
    assert_eq!(finalizers(&space), json!(null), "nothing holds the Rollout");
    assert_eq!(everything(&space), before);

    // It keeps operators out until the uninstallation is through; whoever installs one later need not wait for that.
    space.crash();
    space.until("it holds the Rollout again", || finalizers(&space) == json!(["serin.dev/traffic"]));
    space.until_paused_at("web", 1);
    assert_eq!(space.weights("route"), (90, 10));
    for pause in [1, 3] {
        space.until_paused_at("web", pause);
        space.patch("web", json!({"spec": {"resume": {"step": pause}}}));
    }
    let healthy = space.until_phase("web", "Healthy");
    assert_eq!(healthy["status"]["stableRS"], healthy["status"]["currentPodHash"]);
    assert_eq!(space.weights("route"), (100, 0));
    space.judge();
}
