//! What status tells, and how soon it is written.

use serde_json::{Value, json};
use serin_engine::Recall;

use crate::world::{START, World, at, hash_of};

/// The status of the condition, and its message.
fn condition(world: &World, kind: &str) -> Option<(String, String)> {
    let report = serde_json::to_value(world.plan().report).unwrap();
    let found = report["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)?.clone();
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    Some((text("status"), text("message")))
}

#[track_caller]
fn holds(world: &World, kind: &str, expected: Option<&str>) {
    let found = condition(world, kind);
    assert_eq!(found.as_ref().map(|(status, _)| &**status), expected, "{kind}: {found:?}");
}

/// Its status is exactly what was last reported.
fn recorded(mut world: World) -> World {
    world.rollout["status"] = serde_json::to_value(world.plan().report).unwrap();
    world
}

/// Whether status is written as soon as it differs, and not together with what may follow.
#[track_caller]
fn writes_at_once(mut world: World, expected: bool) {
    world.recall = Recall::default();
    world.does(&[]).writes_status(expected);
    assert_eq!(world.plan().status_pending, !expected);
}

#[test]
fn pods_are_counted_over_all_revisions_and_for_the_wanted_one() {
    let world = World::paused_at_10().available("v1", 4);
    for (field, pods) in [
        ("replicas", 6),
        ("HPAReplicas", 6),
        ("readyReplicas", 5),
        ("availableReplicas", 5),
        ("updatedReplicas", 1),
    ] {
        world.reports(&format!("/{field}"), json!(pods));
    }
}

#[test]
fn the_selector_is_told_in_the_form_that_autoscalers_read() {
    let selector = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
        {"key": "app", "operator": "In", "values": ["web", "api"]},
        {"key": "tier", "operator": "NotIn", "values": ["back"]},
        {"key": "app", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]});
    let expected = "app=web,app in (web,api),tier notin (back),app,!old";
    World::healthy().spec("selector", selector).reports("/selector", json!(expected));
}

#[test]
fn weights_are_told_as_they_are_beside_what_is_wanted() {
    let moved = World::paused_at_10().route_weights(100, 0).after(50);
    for unreadable in [false, true] {
        let strategy = json!({"canary": {"steps": "nonsense"}});
        let world = if unreadable { moved.clone().spec("strategy", strategy) } else { moved.clone() };
        world
            .reports("/canary/weights/canary/weight", json!(0))
            .reports("/canary/weights/stable/weight", json!(100))
            .reports("/canary/weights/desired", json!(10))
            .reports("/canary/weights/writtenAt", json!("2026-01-01T00:00:50Z"));
    }
    let standing = World::paused_at_10().after(50);
    standing
        .reports("/canary/weights/stable/weight", json!(90))
        .reports("/canary/weights/stable/podTemplateHash", json!(hash_of("v1")))
        .reports("/canary/weights/canary/serviceName", json!("canary"))
        .reports("/canary/weights/writtenAt", json!(START));
    let mut gone = World::paused_at_10();
    gone.route = None;
    gone.reports("/canary/weights/canary/weight", json!(10));
    World::paused_at_10().status("abort", json!(true)).reports("/canary/weights/desired", json!(0));
}

#[test]
fn what_a_service_was_made_to_select_is_remembered_and_what_others_write_is_not() {
    let recorded = |world: &World, service: &str, version: Option<&str>| {
        let pointer = format!("/canary/managed/{service}/podTemplateHash");
        world.reports(&pointer, json!(version.map(hash_of)));
    };
    let first = World::new().revision("v1", 1, 5).managed(None, None).weights(100, 0);
    recorded(&first.clone().selects("stable", "v1", 5), "stableService", Some("v1"));
    recorded(&first, "stableService", None);
    let back = World::paused_at_10().selects("canary", "v1", 5);
    recorded(&back, "canaryService", Some("v2"));
    recorded(&back.managed(Some("v1"), None), "canaryService", Some("v1"));
    let moved = World::paused_at_10().managed(Some("v1"), Some("v1"));
    recorded(&moved, "canaryService", Some("v2"));
}

#[test]
fn a_refused_write_is_told_until_it_is_tried_again() {
    let mut world = World::healthy().spec("replicas", json!(7));
    let scale = world.plan().actions[0].clone();
    world.recall.refused(&scale, "exceeded quota".into(), at(10));
    world.does(&[]).waits_for(&["AvailablePods", "RefusedWrite"]).wakes_at(Some(10));
    let message = world.plan().report.waiting_for[1].message.clone();
    assert!(message.starts_with("the API server refused a write to ReplicaSet/"), "{message}");
    assert!(message.ends_with(": exceeded quota"), "{message}");
    world.after(10).does(&["scale ReplicaSet/web-v1 from 5 to 7"]).waits_for(&["AvailablePods"]);
}

#[test]
fn a_refused_write_that_nothing_asks_for_any_more_is_not_told_for_ever() {
    let scale = World::healthy().spec("replicas", json!(7)).plan().actions[0].clone();
    let mut world = World::healthy();
    world.recall.refused(&scale, "exceeded quota".into(), at(10));
    world.does(&[]).waits_for(&["RefusedWrite"]).wakes_at(Some(10));
    world.after(10).does(&[]).waits_for(&[]).wakes_at(None);
}

#[test]
fn each_condition_tells_one_thing_and_goes_when_it_has_nothing_to_tell() {
    let healthy = World::healthy();
    let paused = World::paused_at_10();
    let held = World::canary_selected().spec("paused", json!(true));
    for (kind, of_healthy, of_paused, of_held) in [
        ("Available", Some("True"), Some("True"), Some("True")),
        ("Paused", Some("False"), Some("True"), Some("True")),
        ("Progressing", Some("True"), Some("Unknown"), Some("Unknown")),
        ("Completed", Some("True"), Some("False"), Some("False")),
        ("Healthy", Some("True"), Some("False"), Some("False")),
        ("InvalidSpec", None, None, None),
        ("ReplicaFailure", None, None, None),
    ] {
        holds(&healthy, kind, of_healthy);
        holds(&paused, kind, of_paused);
        holds(&held, kind, of_held);
    }
    holds(&healthy.clone().available("v1", 4), "Available", Some("False"));
    holds(&healthy.clone().available("v1", 4), "Healthy", Some("False"));
    holds(&healthy.clone().weights(50, 50), "Healthy", Some("False"));
    let invalid = recorded(healthy.without_service("canary"));
    holds(&invalid, "InvalidSpec", Some("True"));
    let service = World::healthy().services["canary"].clone();
    let mut mended = invalid;
    mended.services.insert("canary".into(), service);
    holds(&mended.lists("canary", &[("v1", 5)]), "InvalidSpec", None);
}

#[test]
fn roles_have_converged_when_every_pod_of_both_roles_carries_its_own() {
    let labelled = |active: bool, preview: bool| {
        let mut world = World::paused_at_10()
            .canary("activeMetadata", json!({"labels": {"role": "active"}}))
            .canary("previewMetadata", json!({"labels": {"role": "preview"}}));
        for pod in &mut world.pods {
            let of_v1 = pod["metadata"]["name"].as_str().unwrap().starts_with("web-v1");
            let role = if of_v1 { active.then_some("active") } else { preview.then_some("preview") };
            pod["metadata"]["labels"]["role"] = json!(role.unwrap_or("none"));
        }
        world
    };
    holds(&labelled(true, true), "RolesConverged", Some("True"));
    holds(&labelled(true, false), "RolesConverged", Some("False"));
    holds(&labelled(false, true), "RolesConverged", Some("False"));
}

#[test]
fn the_cause_of_an_abort_outlives_what_caused_it() {
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": "False", "reason": reason, "message": message,
            "lastUpdateTime": START, "lastTransitionTime": START})
    };
    let aborted = World::paused_at_10()
        .status("abort", json!(true))
        .status("abortedPodHash", json!(hash_of("v2")))
        .weights(100, 0);
    let caused = aborted.clone().status(
        "conditions",
        json!([
            condition("Healthy", "RolloutHealthy", "other: not this"),
            condition("Progressing", "RolloutAborted", "Rollout aborted update to revision 2: it failed"),
        ]),
    );
    let message = "RolloutAborted: Rollout aborted update to revision 2";
    aborted.reports("/message", json!(message));
    caused.reports("/message", json!(format!("{message}: it failed")));
}

#[test]
fn counters_wait_for_what_follows_from_the_same_cause_and_at_most_a_second() {
    let mut world = recorded(World::healthy()).status("readyReplicas", json!(4));
    writes_at_once(world.clone(), false);
    world.recall = Recall::default();
    let wakes = |world: &World| world.plan().wake_at.unwrap();
    assert_eq!(wakes(&world), at(0) + jiff::SignedDuration::from_millis(250));
    world.recall.status_written_at = Some(at(0));
    world.wakes_at(Some(1));
    writes_at_once(recorded(World::paused_at_10()).status("readyReplicas", json!(5)), false);
    let late = recorded(World::healthy()).available("v1", 4);
    writes_at_once(late, false);
}

#[test]
fn a_verdict_a_pause_a_drain_and_what_later_plans_build_on_are_written_at_once() {
    writes_at_once(recorded(World::healthy()).status("phase", json!("Progressing")), true);
    writes_at_once(recorded(World::paused_at_10()).status("controllerPause", json!(false)), true);
    let handed_over = || {
        World::at_100()
            .stable("v1", 1)
            .stable("v2", 2)
            .selects("stable", "v2", 5)
            .managed(Some("v2"), Some("v2"))
            .weights(100, 0)
    };
    let draining = recorded(handed_over());
    let mut begins = draining.clone();
    begins.rollout["status"]["canary"].as_object_mut().unwrap().remove("drains");
    writes_at_once(begins, true);
    writes_at_once(draining.status("readyReplicas", json!(9)), false);
}

#[test]
fn a_pause_that_has_run_out_is_told_with_what_follows_from_it() {
    let timed = json!([{"setWeight": 10}, {"pause": {"duration": 10}}, {"setWeight": 50}]);
    let world = World::paused_at_10().canary("steps", timed).recorded_current("v2", 1);
    // The pods of the next step were asked for, and have not come.
    let world = recorded(world.revision("v2", 2, 3).available("v2", 1)).after(10);
    writes_at_once(world, false);
}

#[test]
fn what_holds_a_rollout_comes_with_the_command_that_lifts_it() {
    let held = World::canary_selected().spec("paused", json!(true));
    let unpause = r#"kubectl patch rollouts.serin.dev web -n ns --type merge -p '{"spec":{"paused":false}}'"#;
    held.reports("/waitingFor/0/unblock", json!(unpause));
}

#[test]
fn nothing_is_written_that_differs_in_nothing() {
    for world in [World::healthy(), World::paused_at_10()] {
        let world = recorded(world);
        world.does(&[]).writes_status(false);
        assert_eq!(world.plan().report, world.snapshot().recorded);
    }
}

#[test]
fn the_patch_of_status_holds_what_differs_and_nulls_for_what_goes() {
    let world = recorded(World::healthy()).status("message", json!("old")).status("readyReplicas", json!(4));
    let patch = world.plan().status.unwrap_or(Value::Null);
    assert_eq!(patch, json!({"message": null, "readyReplicas": 5}));
}

#[test]
fn what_was_put_off_until_a_time_that_was_set_back_is_tried_at_once() {
    let refused = |until: i64| {
        let mut world = World::healthy().revision("v1", 1, 3).stable("v1", 1);
        let scale = world.plan().actions[0].clone();
        world.recall.refused(&scale, "exceeded quota".into(), at(until));
        world
    };
    refused(10).does(&[]).wakes_at(Some(10));
    refused(11).does(&["scale ReplicaSet/web-v1 from 3 to 5"]);
}

#[test]
fn status_is_written_although_the_clock_was_set_back_since_it_was_last() {
    let mut world = recorded(World::healthy()).status("readyReplicas", json!(4));
    world.recall = Recall::default();
    world.recall.status_written_at = Some(at(60));
    world.recall.status_differs_since = Some(at(60));
    world.writes_status(true);
}
