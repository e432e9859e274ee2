//! Abort and retry.

use serde_json::{Value, json};
use serin_e2e::{Space, manifests};

fn paused(name: &str, rollout: Value) -> (Space, String) {
    let space = Space::new(name);
    space.apply_all(&manifests::with(rollout));
    let v1 = space.until_phase("web", "Healthy")["status"]["stableRS"].as_str().unwrap().to_owned();
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    (space, v1)
}

#[test]
fn traffic_goes_first_then_the_service_once_then_the_pods_and_a_retry_begins_again() {
    let (space, v1) = paused("abort", manifests::rollout());
    let before = space.writes().len();
    space.kubectl(&["annotate", "rollouts.serin.dev", "web", "serin.dev/abort=current"]);
    let degraded = space.until_phase("web", "Degraded");
    assert_eq!(degraded["status"]["message"], "RolloutAborted: Rollout aborted update to revision 2");
    space.until("the canary is gone", || space.list("pods").len() == 2);
    let writes = space.writes().split_off(before);
    let brief: Vec<String> = writes.iter().map(|write| write.brief()).collect();
    assert_eq!(writes[0].canary_weight(), Some(0), "{brief:#?}");
    let moves: Vec<&str> = writes.iter().filter_map(|write| write.selected()).collect();
    assert_eq!(moves, [&*v1], "once, no flapping: {brief:#?}");
    space.until("the annotation is consumed", || {
        space.rollout("web")["metadata"]["annotations"]["serin.dev/abort"].is_null()
    });
    space.patch_status("web", json!({"abort": false}));
    space.until_paused_at("web", 1);
    assert_eq!(space.weights("route"), (90, 10));
    space.judge();
}

#[test]
fn abort_by_status_works_and_zero_delay_keeps_the_pods() {
    let mut rollout = manifests::rollout();
    rollout["spec"]["strategy"]["canary"]["abortScaleDownDelaySeconds"] = json!(0);
    let (space, _) = paused("keep", rollout);
    space.patch_status("web", json!({"abort": true}));
    space.until_phase("web", "Degraded");
    space.until_weights("route", 100, 0);
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(space.list("pods").len(), 3, "the aborted pods stay");
    space.set_image("web", "web:3");
    space.until_paused_at("web", 1);
    space.judge();
}

#[test]
fn nothing_is_aborted_when_nothing_is_under_way() {
    let space = Space::new("nothing");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    space.kubectl(&["annotate", "rollouts.serin.dev", "web", "serin.dev/abort=current"]);
    space.until_event("web", "AbortRefused", "there is no canary to abort");
    space.until("the annotation is consumed", || {
        space.rollout("web")["metadata"]["annotations"]["serin.dev/abort"].is_null()
    });
    assert_eq!(space.rollout("web")["status"]["phase"], "Healthy");
    space.judge();
}
