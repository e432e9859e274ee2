use serde_json::{Value, json};
use serin_testkit::world::Verb;
use serin_testkit::{Fault, Kind, Matcher};

use super::stage::{Stage, canary_weight, is_healthy, phase, selected, status, text_of, web};

/// A first deploy and a canary to its end, with one fault each time `matcher` comes around for the first time.
async fn end_of_a_life_with(fault: Option<(Matcher, Fault)>) -> Value {
    let roles = web().active_labels(&[("role", "active")]).preview_labels(&[("role", "preview")]);
    let name = format!("{fault:?}");
    let (before, during) = (fault.clone(), fault);
    let stage = Stage::open_with(roles, crate::lease::Claim::unconditional(), |world| {
        if let Some((matcher, fault)) = before {
            world.fail_next(matcher, fault);
        }
    });
    stage.until(&name, is_healthy).await;
    stage.rest().await;
    // Again for the canary, in case the first deploy has used it up.
    if let Some((matcher, fault)) = during {
        let mut world = stage.api.world();
        world.stop_failing();
        world.fail_next(matcher, fault);
    }
    stage.update();
    stage.until(&name, |world| phase(world) == "Paused").await;
    stage.resume();
    stage.until(&name, is_healthy).await;
    stage.rest().await;
    let world = stage.api.world();
    let sets = world.all(Kind::ReplicaSet).into_iter();
    let sets: Vec<Value> = sets
        .map(|set| json!([set["metadata"]["name"], set["metadata"]["annotations"], set["spec"]["replicas"]]))
        .collect();
    let pods = world.all(Kind::Pod).into_iter();
    let roles: Vec<&str> = pods.clone().map(|_| "pod").collect();
    let labels: Vec<Value> = pods.map(|pod| pod["metadata"]["labels"].clone()).collect();
    let status = status(&world);
    json!({
        "sets": sets, "pods": roles, "labels": labels, "weight": canary_weight(&world),
        "selected": [selected(&world, "stable"), selected(&world, "canary")],
        "status": [&status["stableRS"], &status["currentStepIndex"], &status["message"]],
    })
}

#[tokio::test(start_paused = true)]
async fn server_errors_and_lost_answers_are_retried() {
    let undisturbed = end_of_a_life_with(None).await;
    assert_eq!(undisturbed["sets"].as_array().map(Vec::len), Some(2));
    let patch = |kind| Matcher::verb(Verb::Patch).of(kind).by("serin");
    let create = || Matcher::verb(Verb::Create).of(Kind::ReplicaSet).by("serin");
    let writes = [
        create(),
        patch(Kind::ReplicaSet),
        patch(Kind::Service),
        patch(Kind::HttpRoute),
        patch(Kind::Pod),
        patch(Kind::Rollout).of_object(),
        patch(Kind::Rollout).of_status(),
    ];
    for write in writes {
        // What has taken effect is found, not done again: no second ReplicaSet, no second step.
        for fault in [Fault::Status(500), Fault::LoseAnswer, Fault::DropRequest, Fault::HangAfter] {
            let end = end_of_a_life_with(Some((write.clone(), fault))).await;
            assert_eq!(end, undisturbed, "{write:?} {fault:?}");
        }
    }
}

/// A pod whose metadata cannot be written must not keep the others from their role, nor the traffic from its way.
async fn one_pod_fails(code: u16) {
    let roles = web().replicas(4).active_labels(&[("role", "active")]).preview_labels(&[("role", "preview")]);
    let stage = Stage::paused(roles).await;
    let canary = |world: &serin_testkit::World| {
        let hash = status(world)["currentPodHash"].clone();
        let pods = world.all(Kind::Pod).into_iter();
        let pods = pods.filter(|pod| pod["metadata"]["labels"][super::stage::HASH] == hash);
        pods.map(|pod| {
            (
                text_of(&pod["metadata"]["name"]).to_owned(),
                text_of(&pod["metadata"]["labels"]["role"]).to_owned(),
            )
        })
        .collect::<Vec<_>>()
    };
    // The canary's only pod so far.
    let victim = canary(&stage.api.world())[0].0.clone();
    let to_victim = Matcher::verb(Verb::Patch).of(Kind::Pod).named(&victim).by("serin");
    stage.api.world().fail_always(to_victim, Fault::Status(code));
    stage.resume();
    let active =
        |world: &serin_testkit::World| canary(world).iter().filter(|(_, role)| role == "active").count();
    stage.until("the others' role", |world| active(world) == 3).await;
    assert!(canary(&stage.api.world()).contains(&(victim.clone(), "preview".to_owned())));
    stage.until("the hand-over", is_healthy).await;
    stage.api.world().stop_failing();
    stage.until("the last one's role", |world| active(world) == 4).await;
    stage.rest().await;
    let writes = stage.writes();
    let relabelled =
        writes.iter().filter(|write| write.starts_with("patch pods/") && write.ends_with(" 200"));
    assert_eq!(relabelled.count(), 4, "each pod once: {writes:#?}");
}

#[tokio::test(start_paused = true)]
async fn one_pod_that_the_server_fails_on_stops_no_other() {
    one_pod_fails(500).await;
}

#[tokio::test(start_paused = true)]
async fn one_pod_that_is_forbidden_stops_no_other() {
    one_pod_fails(403).await;
}
