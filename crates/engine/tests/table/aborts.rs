//! Abort, retry, and the way back.

use serde_json::json;

use crate::world::{World, hash_of};

fn aborted() -> World {
    World::paused_at_10().status("abort", json!(true))
}

#[test]
fn the_first_write_of_an_abort_is_the_traffic() {
    for world in
        [aborted(), World::paused_at_10().metadata("annotations", json!({"serin.dev/abort": "current"}))]
    {
        world.does(&["change weight of HTTPRoute/route from 10 to 0"]).writes_status(false);
        world.reports("/phase", json!("Degraded")).reports("/currentStepIndex", json!(0));
        world.reports("/message", json!("RolloutAborted: Rollout aborted update to revision 2"));
    }
}

#[test]
fn the_annotation_stays_until_the_abort_is_recorded() {
    let asked =
        World::paused_at_10().metadata("annotations", json!({"serin.dev/abort": "2"})).weights(100, 0);
    asked.does(&["let Service/canary select v1"]);
    let moved = asked.selects("canary", "v1", 5);
    moved.does(&[]).writes_status(true).reports("/abort", json!(true));
    let recorded = moved.status("abort", json!(true)).status("abortedPodHash", json!(hash_of("v2")));
    assert_eq!(recorded.actions(), ["remove judged request Rollout/serin.dev/abort"]);
}

#[test]
fn an_abort_of_another_revision_is_refused_with_the_number_that_would_do() {
    let other = World::paused_at_10().metadata("annotations", json!({"serin.dev/abort": "1"}));
    other.does(&["remove judged request Rollout/serin.dev/abort"]).tells(&["AbortRefused"]);
    let note = &other.plan().events[0].note;
    assert!(note.ends_with("the canary is revision 2: write that number or `current`"), "{note}");
    let none = World::healthy().metadata("annotations", json!({"serin.dev/abort": "current"}));
    none.does(&["remove judged request Rollout/serin.dev/abort"]).tells(&["AbortRefused"]);
    let note = &none.plan().events[0].note;
    assert!(note.ends_with("there is no canary to abort"), "{note}");
}

#[test]
fn the_canary_service_moves_back_once_and_the_pods_drain() {
    let world = aborted().weights(100, 0);
    world.does(&["let Service/canary select v1"]);
    let moved = world.selects("canary", "v1", 5).managed(Some("v1"), Some("v1"));
    moved.does(&[]).reports("/canary/drains/0/podTemplateHash", json!(hash_of("v2"))).wakes_at(Some(30));
    moved.clone().lists("canary", &[("v1", 5), ("v2", 1)]).reports("/canary/drains", json!(null));
    // Nor while the one that is listed is about to end.
    let mut ending = moved.clone().lists("canary", &[("v1", 5), ("v2", 1)]);
    let pod = ending.pods.iter_mut().find(|pod| pod["metadata"]["uid"] == "pod-v2-0").unwrap();
    pod["metadata"]["deletionTimestamp"] = json!(crate::world::START);
    ending.reports("/canary/drains", json!(null));
    let mut drained = moved.after(30);
    drained.rollout["status"]["canary"]["drains"] =
        json!([{"podTemplateHash": hash_of("v2"), "since": crate::world::START}]);
    assert!(drained.actions().contains(&"scale ReplicaSet/web-v2 from 1 to 0".to_owned()));
    let kept = drained.canary("abortScaleDownDelaySeconds", json!(0));
    assert!(!kept.actions().iter().any(|action| action.starts_with("scale")));
}

#[test]
fn an_abort_waits_for_a_ready_stable_pod_and_says_so() {
    aborted().lists("stable", &[]).does(&[]).waits_for(&["StableEndpoints", "Retry"]);
    aborted().lists("stable", &[("v1", 1)]).does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn an_abort_is_held_up_by_neither_a_pause_nor_a_bad_strategy() {
    aborted().spec("paused", json!(true)).does(&["change weight of HTTPRoute/route from 10 to 0"]);
    aborted()
        .spec("strategy", json!({"canary": {"steps": "nonsense"}}))
        .does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn clearing_the_abort_retries_from_the_first_step() {
    let world = World::paused_at_10()
        .status("abort", json!(false))
        .status("abortedPodHash", json!(hash_of("v2")))
        .status("pauseConditions", json!([]))
        .status("controllerPause", json!(false))
        .selects("canary", "v1", 5)
        .managed(Some("v1"), Some("v1"))
        .recorded_current("v2", 0)
        .weights(100, 0);
    world.does(&["let Service/canary select v2"]).reports("/abortedPodHash", json!(null));
}

#[test]
fn a_new_template_ends_an_abort() {
    let world = aborted().status("abortedPodHash", json!(hash_of("v2"))).wants("v3").weights(100, 0);
    world.does(&["create ReplicaSet/web-v3 with 1 pods"]).reports("/abort", json!(null));
}

#[test]
fn an_abort_is_for_the_revision_that_its_author_saw() {
    // The abort and a new template arrive together; status still speaks of v2.
    let world = World::paused_at_10().status("abort", json!(true)).wants("v3");
    world.reports("/abort", json!(null));
    assert!(world.actions().contains(&"create ReplicaSet/web-v3 with 1 pods".to_owned()));
}

#[test]
fn an_abort_of_a_canary_that_is_no_longer_wanted_is_answered() {
    let world = World::paused_at_10().status("abort", json!(true)).wants("v3");
    assert!(world.plan().events.iter().any(|event| event.reason == "AbortRefused"));
}

#[test]
fn an_abort_in_the_moment_before_status_names_the_canary_is_for_the_canary() {
    // The new template is there, and status still speaks of the stable one, of which there is nothing to abort.
    let world = World::updated().status("abort", json!(true));
    world.does(&[]).reports("/abort", json!(true)).reports("/abortedPodHash", json!(hash_of("v2")));
}

#[test]
fn returning_to_the_stable_template_is_an_abort_without_a_verdict() {
    let world = World::paused_at_10().wants("v1");
    let actions = world.actions();
    assert_eq!(actions[0], "change weight of HTTPRoute/route from 10 to 0");
    world.reports("/phase", json!("Progressing")).reports("/currentStepIndex", json!(4));
}

#[test]
fn there_is_nothing_to_abort_in_a_first_deploy_or_when_healthy() {
    World::healthy()
        .status("abort", json!(true))
        .does(&[])
        .tells(&["AbortRefused"])
        .reports("/abort", json!(null));
    let first = World::new().revision("v1", 1, 5).available("v1", 3).status("abort", json!(true));
    first.reports("/abort", json!(null));
    assert!(first.plan().events.iter().any(|event| event.reason == "AbortRefused"));
}

#[test]
fn an_abort_moves_weights_first_even_when_the_canarys_selector_is_not_recorded_yet() {
    aborted().managed(Some("v1"), Some("v1")).does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn a_foreign_pod_behind_the_stable_service_does_not_hold_up_an_abort() {
    let world = aborted().lists("stable", &[("v1", 5), ("foreign", 1)]);
    world.does(&["change weight of HTTPRoute/route from 10 to 0"]);
}

#[test]
fn an_abort_that_is_refused_says_why() {
    for (world, why) in [
        (World::new(), "Nothing to abort: no revision is stable yet"),
        (World::healthy(), "Nothing to abort: the wanted revision is the stable one"),
        (World::paused_at_10().wants("v3"), "The abort was for a canary that is no longer wanted"),
    ] {
        let events = world.status("abort", json!(true)).plan().events;
        assert!(events.iter().any(|event| event.note.starts_with(why)), "{why}: {events:?}");
    }
}

#[test]
fn a_stable_service_without_share_that_still_lists_other_pods_is_moved_on_before_it_gets_traffic() {
    let world = World::at_100()
        .wants("v1")
        .managed(Some("v2"), Some("v2"))
        .selects("stable", "v2", 0)
        .lists("stable", &[("v1", 5)]);
    world.does(&["let Service/stable select v1", "recognise ReplicaSet/web-v1"]);
}

#[test]
fn a_stable_service_with_a_share_that_still_lists_other_pods_gets_no_more_before_its_list_is_right() {
    let world = World::at_100()
        .wants("v1")
        .managed(Some("v2"), Some("v2"))
        .selects("stable", "v2", 0)
        .route_weights(33, 67)
        .lists("stable", &[("v1", 5)]);
    world.does(&["recognise ReplicaSet/web-v1"]).waits_for(&["StableEndpoints"]);
    let back = "change weight of HTTPRoute/route from 67 to 0";
    world.clone().lists("stable", &[("gone", 1)]).waits_for(&["StableEndpoints"]);
    for (service, pods) in [("stable", ("v2", 5)), ("canary", ("v1", 0))] {
        assert_eq!(world.clone().lists(service, &[pods]).actions()[0], back);
    }
}
