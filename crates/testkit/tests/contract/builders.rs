use serde_json::json;
use serin_api::validate::{Step, validate};
use serin_testkit::builders::{CANARY, ROUTE, STABLE, replica_set};
use serin_testkit::rollout;

#[test]
fn the_smallest_rollout_is_valid() {
    let built = rollout("a").build();
    let canary = validate(&built).unwrap();
    assert_eq!(canary.stable_service, STABLE);
    assert_eq!(canary.canary_service, CANARY);
    assert_eq!(canary.routes[0].id.name, ROUTE);
    assert_eq!(built.metadata.uid.as_deref(), Some("uid-of-a"));
    assert_eq!(built.metadata.generation, Some(1));
}

#[test]
fn every_part_can_be_said() {
    let built = rollout("a")
        .replicas(4)
        .app("api")
        .image("api:2")
        .services("s", "c")
        .route("r")
        .set_weight(10)
        .pause()
        .set_weight(50)
        .pause_for(30)
        .active_labels(&[("role", "active")])
        .preview_labels(&[("role", "preview")])
        .annotation("serin.dev/resume", "1")
        .finalizers(&["serin.dev/traffic"])
        .build();
    let canary = validate(&built).unwrap();
    assert_eq!(canary.steps[0], Step::SetWeight(10));
    assert_eq!(canary.steps[1], Step::Pause(None));
    assert_eq!(canary.steps.len(), 4);
    assert_eq!(canary.active.labels["role"], "active");
    assert_eq!(canary.preview.labels["role"], "preview");
    assert_eq!(built.spec.template.value()["metadata"]["labels"]["app"], "api");
    assert_eq!(built.metadata.annotations.unwrap()["serin.dev/resume"], "1");
}

#[test]
fn a_replica_set_belongs_to_its_rollout() {
    let built = replica_set("a", "hash").revision(2).stable(1).available(3).stored();
    assert_eq!(built["metadata"]["name"], "a-hash");
    assert_eq!(built["metadata"]["ownerReferences"][0]["uid"], "uid-of-a");
    let annotations = json!({ "serin.dev/revision": "2", "serin.dev/stable": "1" });
    assert_eq!(built["metadata"]["annotations"], annotations);
    assert_eq!(built["spec"]["replicas"], 3);
    assert_eq!(built["status"]["availableReplicas"], 3);
}
