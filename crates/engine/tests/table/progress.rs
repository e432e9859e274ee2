//! The deadline: what begins it anew, and when it does not run.

use serde_json::{Value, json};
use serin_api::conditions::ConditionType;

use crate::world::{START, World, at, hash_of};

fn progressing_since_start(world: World) -> World {
    let progressing = json!([{
        "type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated", "message": "",
        "lastUpdateTime": START, "lastTransitionTime": START,
    }]);
    world.status("conditions", progressing).after(600)
}

/// The only pod of the canary has not become ready for as long as the deadline.
fn stuck() -> World {
    let world = World::updated().revision("v2", 2, 1).available("v2", 0).recorded_current("v2", 0);
    progressing_since_start(world)
        .status("updatedReplicas", json!(1))
        .status("readyReplicas", json!(5))
        .status("availableReplicas", json!(5))
}

/// When the revision is said to have come nearer, in seconds.
#[track_caller]
fn came_nearer_at(world: &World, seconds: i64) {
    let conditions = world.plan().report.conditions;
    let progressing = conditions.iter().find(|c| c.kind == ConditionType::Progressing).unwrap();
    assert_eq!(progressing.last_update_time.0, at(seconds), "{progressing:?}");
}

#[test]
fn whatever_comes_nearer_begins_the_deadline_anew() {
    stuck().reports("/phase", json!("Degraded"));
    came_nearer_at(&stuck(), 0);
    let ran_out = json!([{"reason": "CanaryPauseStep", "startTime": START}]);
    for (field, before) in [
        ("currentPodHash", json!(hash_of("v1"))),
        ("stableRS", json!(hash_of("v3"))),
        ("currentStepIndex", Value::Null),
        ("currentStepHash", json!("others")),
        ("pauseConditions", ran_out),
        ("updatedReplicas", json!(0)),
        ("readyReplicas", json!(4)),
        ("availableReplicas", json!(4)),
    ] {
        let world = stuck().status(field, before);
        came_nearer_at(&world, 600);
        world.reports("/phase", json!("Progressing"));
    }
    let of_another = stuck().status("abort", json!(true)).status("abortedPodHash", json!(hash_of("v3")));
    came_nearer_at(&of_another, 600);
}

#[test]
fn a_pod_that_is_lost_does_not_begin_the_deadline_anew() {
    came_nearer_at(&stuck().status("readyReplicas", json!(6)), 0);
    came_nearer_at(&stuck().status("availableReplicas", json!(6)), 0);
}

#[test]
fn the_deadline_does_not_run_while_a_person_holds_the_rollout() {
    stuck().spec("paused", json!(true)).reports("/phase", json!("Paused")).wakes_at(None);
}

#[test]
fn a_canary_that_has_all_its_pods_is_not_late_when_its_endpoints_are() {
    let listed_late = progressing_since_start(World::canary_selected().lists("canary", &[]))
        .status("updatedReplicas", json!(1))
        .status("readyReplicas", json!(6))
        .status("availableReplicas", json!(6));
    listed_late.reports("/phase", json!("Progressing")).waits_for(&["Endpoints"]).wakes_at(None);
}
