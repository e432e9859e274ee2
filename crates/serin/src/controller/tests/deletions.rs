use serde_json::Value;
use serin_testkit::world::Verb;
use serin_testkit::{Kind, Matcher, http_route, service};

use super::stage::{
    Stage, canary_weight, is_healthy, new_image, phase, replica_set, selected, status, waits, web,
};

/// Freezes what would also tell of the change, so that only the deleted object itself can wake the Rollout.
fn only_telling_of(stage: &Stage, told: Kind) {
    let others = [Kind::Pod, Kind::EndpointSlice, Kind::ReplicaSet, Kind::Service, Kind::HttpRoute];
    others.into_iter().filter(|kind| *kind != told).for_each(|kind| stage.api.freeze_watches(kind));
}

#[tokio::test(start_paused = true)]
async fn deleting_the_replica_set_wakes_the_rollout() {
    let stage = Stage::deployed(web()).await;
    only_telling_of(&stage, Kind::ReplicaSet);
    let name = replica_set(&stage.api.world(), "1").unwrap();
    stage.api.world().delete(Kind::ReplicaSet, &name);
    stage.until("a new ReplicaSet", |world| world.find(Kind::ReplicaSet, &name).is_some()).await;
    stage.api.thaw_watches();
    stage.until("health", is_healthy).await;
    stage.rest().await;
    assert_eq!(stage.count("create replicasets"), 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_a_service_wakes_the_rollout() {
    let stage = Stage::deployed(web()).await;
    only_telling_of(&stage, Kind::Service);
    stage.api.world().delete(Kind::Service, "canary");
    stage.until("a word about it", |world| !waits(world).is_empty() || phase(world) == "Degraded").await;
    stage.api.world().create(service("canary").manifest());
    stage.api.thaw_watches();
    stage.until("health", |world| is_healthy(world) && waits(world).is_empty()).await;
    stage.rest().await;
    let world = stage.api.world();
    assert_eq!(selected(&world, "canary"), status(&world)["stableRS"]);
}

#[tokio::test(start_paused = true)]
async fn deleting_the_route_wakes_the_rollout() {
    let stage = Stage::paused(web()).await;
    only_telling_of(&stage, Kind::HttpRoute);
    stage.api.world().delete(Kind::HttpRoute, "route");
    stage.until("a word about it", |world| !waits(world).is_empty() || phase(world) == "Degraded").await;
    let route = http_route("route").rule(&[("stable", None), ("canary", None)]).manifest();
    stage.api.world().create(route);
    stage.until("the weight of the step", |world| canary_weight(world) == 10).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_vanished_before_a_write_counts_as_gone() {
    let stage = Stage::deployed(web()).await;
    let status_patch = Matcher::verb(Verb::Patch).of(Kind::Rollout).of_status().by("serin");
    stage.api.before_next(status_patch, |world| world.delete_by_force(Kind::Rollout, "web"));
    stage.update();
    stage.until("the deletion", |world| world.find(Kind::Rollout, "web").is_none()).await;
    stage.rest().await;
    let writes = stage.writes();
    let refused: Vec<_> = writes.iter().filter(|write| write.ends_with("404")).collect();
    // Asked once, believed at once.
    assert_eq!(refused, ["patch rollouts/web/status 404"], "{writes:#?}");
    assert_eq!(writes.last().map(String::as_str), Some("patch rollouts/web/status 404"), "{writes:#?}");
    // Another one of the same name starts from nothing.
    stage.api.world().create(web().manifest());
    stage.until("another first deploy", is_healthy).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_that_vanished_before_a_write_is_created_again() {
    let stage = Stage::paused(web()).await;
    let patch = Matcher::verb(Verb::Patch).of(Kind::ReplicaSet).by("serin");
    stage.api.before_next(patch, |world| {
        let name = replica_set(world, "2").unwrap();
        world.delete(Kind::ReplicaSet, &name);
    });
    // Half of the traffic needs a second pod, so this scales the canary.
    stage.api.world().patch(Kind::Rollout, "web", serde_json::json!({ "spec": { "replicas": 4 } }));
    stage.resume();
    stage.until("promotion", is_healthy).await;
    stage.rest().await;
    let writes = stage.writes();
    let missed = writes.iter().filter(|write| write.ends_with("404")).count();
    assert_eq!((missed, stage.count("create replicasets")), (1, 1), "{writes:#?}");
    let world = stage.api.world();
    let current: Value = status(&world)["currentPodHash"].clone();
    assert_eq!(status(&world)["stableRS"], current);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_while_no_watch_told_is_missed_after_a_list() {
    let stage = Stage::deployed(web()).await;
    let name = replica_set(&stage.api.world(), "1").unwrap();
    stage.api.freeze_watches(Kind::ReplicaSet);
    {
        let mut world = stage.api.world();
        world.delete(Kind::ReplicaSet, &name);
        new_image(&mut world);
        world.forget_history();
    }
    stage.api.end_watches();
    stage.api.thaw_watches();
    stage
        .until("a plan without it", |world| {
            replica_set(world, "2").is_some() || world.find(Kind::ReplicaSet, &name).is_some()
        })
        .await;
    stage.rest().await;
    // How it goes on is the engine's business; that nothing is written to what is gone is ours.
    assert_eq!(
        stage.writes().iter().filter(|write| write.ends_with("404")).count(),
        0,
        "{:#?}",
        stage.writes()
    );
}
