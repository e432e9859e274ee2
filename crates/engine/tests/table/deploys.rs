//! First deploys, and revisions that are found again.

use serde_json::{Value, json};
use serin_api::template::RawTemplate;
use serin_engine::action::Action;

use crate::world::{World, hash_of, template};

#[test]
fn a_first_deploy_gets_all_its_pods_at_once_and_waits_for_no_route() {
    World::new().does(&["create ReplicaSet/web-v1 with 5 pods"]);
    let mut without_route = World::new();
    without_route.route = None;
    without_route.does(&["create ReplicaSet/web-v1 with 5 pods"]);
    World::new().without_service("stable").does(&["create ReplicaSet/web-v1 with 5 pods"]);
}

#[test]
fn the_finalizer_comes_before_the_first_traffic_write() {
    World::new()
        .metadata("finalizers", json!([]))
        .revision("v1", 1, 5)
        .lists("stable", &[("v1", 5)])
        .lists("canary", &[("v1", 5)])
        .does(&["add finalizer"]);
}

#[test]
fn the_users_own_weights_are_recorded_before_the_first_traffic_write() {
    World::new()
        .revision("v1", 1, 5)
        .lists("stable", &[("v1", 5)])
        .lists("canary", &[("v1", 5)])
        .does(&[])
        .writes_status(true)
        .reports("/canary/managed/routes/0/originalWeights", json!([{"rule": 0, "stable": 1, "canary": 1}]));
}

#[test]
fn a_first_deploy_walks_pods_then_weights_then_services_then_stable() {
    let deployed = World::new()
        .revision("v1", 1, 5)
        .lists("stable", &[("v1", 5)])
        .lists("canary", &[("v1", 5)])
        .managed(None, None);
    deployed.clone().available("v1", 4).does(&[]).waits_for(&["AvailablePods"]);
    deployed.does(&["change weight of HTTPRoute/route from 50 to 0"]).waits_for(&[]);
    // Where only the canary Service lists pods, it carries all traffic first.
    let one_sided = deployed.clone().lists("stable", &[]);
    one_sided.does(&["change weight of HTTPRoute/route from 50 to 100"]).waits_for(&["StableEndpoints"]);
    let weighed = deployed.weights(100, 0);
    weighed.does(&["let Service/stable select v1"]);
    let narrowed = weighed.selects("stable", "v1", 5);
    narrowed.does(&["let Service/canary select v1"]);
    let narrowed = narrowed.selects("canary", "v1", 5);
    narrowed.does(&["record ReplicaSet/web-v1 as stable"]);
    narrowed.stable("v1", 1).does(&[]).reports("/phase", json!("Healthy"));
}

#[test]
fn a_broken_first_version_is_simply_replaced() {
    let world = World::new().revision("v1", 1, 5).available("v1", 0).wants("v2");
    world.does(&["create ReplicaSet/web-v2 with 5 pods", "scale ReplicaSet/web-v1 from 5 to 0"]);
    world.reports("/currentStepIndex", json!(4));
}

#[test]
fn a_service_that_also_lists_foreign_pods_is_relieved_before_it_is_narrowed() {
    let world = World::new()
        .revision("v1", 1, 5)
        .lists("stable", &[("v1", 5), ("foreign", 3)])
        .lists("canary", &[("v1", 5), ("foreign", 3)])
        .managed(None, None)
        .weights(100, 0);
    world.does(&["let Service/canary select v1"]);
    let world = world.selects("canary", "v1", 5);
    for too_early in [[("v1", 4), ("foreign", 0)], [("v1", 5), ("foreign", 1)]] {
        world.clone().lists("canary", &too_early).does(&[]).waits_for(&["Endpoints"]);
    }
    world.does(&["change weight of HTTPRoute/route from 0 to 100"]);
    let world = world.weights(0, 100);
    world.does(&["let Service/stable select v1"]);
    let world = world.selects("stable", "v1", 5).managed(Some("v1"), Some("v1"));
    world.does(&["change weight of HTTPRoute/route from 100 to 0"]);
}

#[test]
fn an_orphaned_replica_set_is_adopted_and_is_no_first_deploy() {
    World::healthy()
        .change("v1", "/metadata/ownerReferences", json!([]))
        .without_status()
        .does(&["adopt ReplicaSet/web-v1"])
        .reports("/stableRS", json!(hash_of("v1")));
}

#[test]
fn a_wiped_status_does_not_make_a_first_deploy() {
    let world = World::healthy().without_status();
    world
        .does(&[])
        .reports("/stableRS", json!(hash_of("v1")))
        .reports("/canary/managed/routes/0/name", json!("route"));
    let canary = world.wants("v2");
    canary.does(&["create ReplicaSet/web-v2 with 1 pods"]);
}

#[test]
fn a_lost_record_and_a_lost_status_still_leave_what_the_service_selects() {
    let world = World::healthy()
        .change("v1", "/metadata/annotations", json!({"serin.dev/revision": "1"}))
        .without_status()
        .wants("v2");
    world.reports("/stableRS", json!(hash_of("v1")));
    world.does(&["create ReplicaSet/web-v2 with 1 pods", "record ReplicaSet/web-v1 as stable"]);
}

#[test]
fn the_record_on_the_replica_set_wins_over_status() {
    World::at_100()
        .stable("v2", 2)
        .status("stableRS", json!(hash_of("v1")))
        .reports("/stableRS", json!(hash_of("v2")));
}

#[test]
fn a_template_that_may_mean_the_same_is_compared_before_anything_else() {
    let mut same = template("v1");
    same["spec"]["restartPolicy"] = json!("Always");
    World::healthy().spec("template", same).does(&["compare template"]);
}

#[test]
fn a_template_that_may_mean_the_same_is_not_compared_again_right_after_it_was_refused() {
    let mut same = template("v1");
    same["spec"]["restartPolicy"] = json!("Sometimes");
    let mut world = World::healthy().spec("template", same).spec("replicas", json!(7));
    let question = world.plan().actions[0].clone();
    world.recall.refused(&question, "restartPolicy: Unsupported value".into(), crate::world::at(10));
    world.does(&["scale ReplicaSet/web-v1 from 5 to 7"]).reports("/phase", json!("Degraded"));
    assert!(world.plan().report.message.unwrap().contains("restartPolicy"));
    world.wakes_at(Some(10));
    world.after(10).does(&["compare template"]);
}

#[test]
fn a_template_is_not_compared_while_the_strategy_cannot_be_read() {
    let mut same = template("v1");
    same["spec"]["restartPolicy"] = json!("Always");
    World::healthy()
        .spec("template", same)
        .spec("strategy", json!({"canary": {"steps": "nonsense"}}))
        .does(&[]);
}

#[test]
fn a_template_with_another_label_is_another_revision() {
    let mut labelled = template("v1");
    labelled["metadata"]["labels"]["tier"] = json!("front");
    let mut world = World::healthy().spec("template", labelled.clone());
    let id = serin_engine::hash::template_id(&RawTemplate::new(&labelled));
    world.recall.defaulted = Some((id, serin_engine::objects::TemplateProjection::of(labelled)));
    let actions = world.actions();
    assert!(actions[0].starts_with("create ReplicaSet"), "{actions:?}");
}

#[test]
fn a_template_that_means_the_same_is_the_same_revision() {
    let mut same = template("v1");
    same["spec"]["restartPolicy"] = json!("Always");
    let mut world = World::healthy().spec("template", same.clone());
    let id = serin_engine::hash::template_id(&RawTemplate::new(&same));
    let stored = serin_engine::objects::TemplateProjection::of(template("v1"));
    world.recall.defaulted = Some((id, stored));
    world.does(&["recognise ReplicaSet/web-v1"]).reports("/phase", json!("Healthy"));
}

#[test]
fn a_template_that_the_server_refuses_is_told_and_changes_nothing_that_runs() {
    let mut world = World::updated();
    let id = serin_engine::hash::template_id(&RawTemplate::new(&template("v2")));
    let action = serin_engine::Action::CompareTemplate { template: id, body: json!({}) };
    world.recall.refused(
        &action,
        "spec.template.spec.containers[0].name: Required value".into(),
        crate::world::at(10),
    );
    world.does(&[]).reports("/phase", json!("Degraded")).wakes_at(Some(10));
    world.clone().after(10).does(&["create ReplicaSet/web-v2 with 1 pods"]);
    let message = world.plan().report.message.unwrap();
    assert!(message.contains("containers[0].name"), "{message}");
    // The next template is not held up by what was said of this one.
    world.wants("v3").does(&["create ReplicaSet/web-v3 with 1 pods"]);
}

#[test]
fn an_older_canary_keeps_its_share_while_the_server_refuses_the_newer_template() {
    let mut refused = World::paused_at_10().wants("v3");
    let question = refused.plan().actions[0].clone();
    refused.recall.refused(&question, "containers: Required value".into(), crate::world::at(10));
    refused.does(&[]).reports("/phase", json!("Degraded"));
    let back = "change weight of HTTPRoute/route from 10 to 0";
    refused.clone().lists("canary", &[]).does(&[back]);
    refused.clone().status("abort", json!(true)).status("abortedPodHash", json!(hash_of("v3"))).does(&[back]);
    // More than its pods can carry is not what runs.
    let raised = refused.clone().route_weights(50, 50);
    raised.does(&["change weight of HTTPRoute/route from 50 to 20"]);
    refused.lists("stable", &[]).does(&["change weight of HTTPRoute/route from 10 to 100"]);
}

#[test]
fn no_share_waits_for_known_pods_where_only_others_are_listed() {
    // Of a ReplicaSet that is gone, say.
    let world = World::healthy().lists("canary", &[]).lists("stable", &[("gone", 1)]).route_weights(50, 50);
    world.does(&["change weight of HTTPRoute/route from 50 to 0"]);
}

#[test]
fn pods_behind_the_canary_service_take_over_at_once_where_the_stable_one_has_nobody() {
    // The revision that the stable Service selects has been deleted.
    let world = World::healthy().selects("stable", "v2", 0).managed(Some("v2"), Some("v1"));
    let world = world.lists("canary", &[("v1", 4)]);
    world.does(&["change weight of HTTPRoute/route from 0 to 100"]);
    world.lists("stable", &[("gone", 1)]).does(&[]).waits_for(&["Endpoints"]);
}

#[test]
fn whoever_is_there_serves_until_the_stable_revision_has_pods() {
    // `v2` was committed, and has lost its pods in the middle of the hand-over.
    let world = World::at_100().stable("v2", 2).available("v2", 0).lists("canary", &[]);
    world.does(&["change weight of HTTPRoute/route from 100 to 0"]).waits_for(&["AvailablePods"]);
    world.clone().weights(100, 0).does(&[]);
    // `v2` was stable and has been deleted; the canary Service still selects what was on its way.
    let deleted = World::healthy().selects("stable", "v2", 0).managed(Some("v2"), Some("v3"));
    let canary = deleted.revision("v3", 3, 1).selects("canary", "v3", 1).available("v1", 0).wants("v3");
    canary.does(&["change weight of HTTPRoute/route from 0 to 100"]);
}

#[test]
fn a_foreign_replica_set_with_the_name_raises_the_collision_count() {
    let world = World::updated().revision("v2", 2, 0);
    let foreign = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "d", "uid": "other", "controller": true}]);
    world
        .change("v2", "/metadata/ownerReferences", foreign)
        .does(&[])
        .writes_status(true)
        .reports("/collisionCount", json!(1));
}

#[test]
fn the_oldest_replica_sets_go_beyond_the_history_limit() {
    let world = World::healthy().spec("revisionHistoryLimit", json!(0)).revision("v2", 0, 0);
    world.does(&["delete ReplicaSet/web-v2"]);
    world.clone().spec("revisionHistoryLimit", json!(1)).does(&[]);
    // Not before its last pod has gone, nor twice, nor what is in use.
    world.clone().change("v2", "/status/replicas", json!(1)).does(&[]);
    world.change("v2", "/metadata/deletionTimestamp", json!(crate::world::START)).does(&[]);
    World::paused_at_10().at_zero_replicas().spec("revisionHistoryLimit", json!(0)).does(&[]);
}

#[test]
fn a_deleted_stable_replica_set_is_made_again_and_no_older_version_comes_back() {
    let mut world = World::healthy()
        .revision("v2", 2, 5)
        .stable("v2", 2)
        .wants("v2")
        .recorded_current("v2", 4)
        .selects("stable", "v2", 0)
        .selects("canary", "v2", 0)
        .managed(Some("v2"), Some("v2"));
    world.revisions.retain(|revision| revision["metadata"]["uid"] != json!("uid-v2"));
    world.pods.clear();
    let world = world.revision("v1", 1, 0).stable("v1", 1).status("stableRS", json!(hash_of("v2")));
    world.does(&["create ReplicaSet/web-v2 with 5 pods"]).reports("/stableRS", json!(hash_of("v2")));
    let again = world.revision("v2", 2, 5).lists("stable", &[("v2", 5)]).lists("canary", &[("v2", 5)]);
    again.does(&["record ReplicaSet/web-v2 as stable"]).reports("/phase", json!("Healthy"));
}

#[test]
fn a_promotion_that_status_does_not_tell_yet_counts_more_than_the_stable_revision_of_before() {
    // `v2` was promoted, the ReplicaSet of `v1` has gone since, and `v1` is wanted again before status was written.
    let unreported = |reported| {
        let mut world = World::healthy()
            .revision("v2", 2, 5)
            .stable("v2", 3)
            .recorded_current("v2", 4)
            .selects("stable", "v2", 5)
            .selects("canary", "v2", 5)
            .managed(Some("v2"), Some("v2"))
            .status("stableRS", json!(hash_of("v1")))
            .stable_ordinal(reported);
        world.revisions.retain(|revision| revision["metadata"]["uid"] != json!("uid-v1"));
        world.pods.retain(|pod| pod["metadata"]["labels"]["rollouts-pod-template-hash"] == *hash_of("v2"));
        world
    };
    unreported(2).does(&["create ReplicaSet/web-v1 with 1 pods"]);
    // It was promoted again since, and somebody has deleted it.
    unreported(4).does(&["create ReplicaSet/web-v1 with 5 pods"]);
}

#[test]
fn the_ordinal_of_a_promotion_is_higher_than_any_that_status_tells() {
    let world = World::at_100().stable_ordinal(7);
    let record = world.plan().actions.into_iter().find_map(|action| match action {
        Action::RecordStable { ordinal, .. } => Some(ordinal),
        _ => None,
    });
    assert_eq!(record, Some(8));
}

#[test]
fn pods_that_a_service_lists_are_kept_whatever_their_replica_set_tells() {
    let takes = |world: &World| {
        world.plan().actions.iter().any(|action| matches!(action, Action::Scale { to: 0, .. }))
    };
    let world = World::new().revision("v1", 1, 5).available("v1", 0).wants("v2").revision("v2", 2, 5);
    let world = world.selects("canary", "v1", 5).available("v1", 0);
    assert!(!takes(&world));
    assert!(takes(&world.lists("canary", &[])));
}

#[test]
fn first_deploys_without_a_route_do_not_pile_up_pods() {
    let mut world = World::new().revision("v1", 1, 5).wants("v2").revision("v2", 2, 5);
    world.route = None;
    world.does(&[]).reports("/canary/drains/0/podTemplateHash", json!(hash_of("v1"))).wakes_at(Some(30));
    // One that a Rollout before this one has left a Service on is not given up.
    world.selects("canary", "v1", 5).does(&[]).reports("/canary/drains", Value::Null);
}

#[test]
fn pods_of_a_first_version_that_are_ready_keep_serving_until_the_next_one_is_complete() {
    let world = World::new().revision("v1", 1, 5).change("v1", "/status/availableReplicas", json!(0));
    world.wants("v2").does(&["create ReplicaSet/web-v2 with 5 pods"]);
}

#[test]
fn a_first_deploy_of_no_pods_takes_its_weights_and_services_all_the_same() {
    let world = World::new().spec("replicas", json!(0)).revision("v1", 1, 0).managed(None, None);
    world.does(&["change weight of HTTPRoute/route from 50 to 0"]);
}

#[test]
fn a_new_revision_gets_the_number_after_the_highest() {
    let number = |world: &World| {
        let created = world.plan().actions.into_iter().find_map(|action| match action {
            serin_engine::Action::CreateReplicaSet { revision, .. } => Some(revision),
            _ => None,
        });
        created.unwrap()
    };
    assert_eq!(number(&World::new()), 1);
    assert_eq!(number(&World::healthy().revision("v3", 7, 0).wants("v2")), 8);
}
