use std::time::Duration;

use serde_json::json;
use serin_testkit::world::Verb;
use serin_testkit::{Fault, Kind, Matcher};
use tokio::time::sleep;

use super::stage::{HASH, Stage, canary_weight, is_healthy, phase, selected, status, waits, web};

fn patch(kind: Kind) -> Matcher {
    Matcher::verb(Verb::Patch).of(kind).by("serin")
}

#[tokio::test(start_paused = true)]
async fn a_conflict_on_status_is_read_again_and_planned_anew() {
    let stage = Stage::deployed(web()).await;
    stage.update();
    // Somebody touches the Rollout in the moment in which the new step is about to be recorded.
    stage.api.before_next(patch(Kind::Rollout).of_status(), |world| {
        world.patch(Kind::Rollout, "web", json!({ "metadata": { "labels": { "team": "a" } } }));
    });
    stage.until("the pause", |world| phase(world) == "Paused").await;
    stage.rest().await;
    let writes = stage.writes();
    assert_eq!(writes.iter().filter(|write| write.ends_with("409")).count(), 1, "{writes:#?}");
    assert_eq!(stage.count("create replicasets"), 1, "{writes:#?}");
    assert_eq!(stage.count("patch httproutes"), 1, "{writes:#?}");
    assert_eq!(canary_weight(&stage.api.world()), 10);
}

#[tokio::test(start_paused = true)]
async fn a_failed_test_of_a_patch_is_read_again_and_planned_anew() {
    let stage = Stage::deployed(web()).await;
    stage.api.before_next(patch(Kind::Service), |world| {
        world.patch(Kind::Service, "canary", json!({ "spec": { "selector": { HASH: "somebody-elses" } } }));
    });
    stage.update();
    stage.until("the pause", |world| phase(world) == "Paused").await;
    stage.rest().await;
    let writes = stage.writes();
    let to_service: Vec<_> = writes.iter().filter(|write| write.contains("services")).collect();
    assert_eq!(to_service, ["patch services/canary 422", "patch services/canary 200"], "{writes:#?}");
    let world = stage.api.world();
    assert_eq!(selected(&world, "canary"), status(&world)["currentPodHash"]);
    assert_eq!(canary_weight(&world), 10);
}

#[tokio::test(start_paused = true)]
async fn a_standing_refusal_is_told_in_status_and_tried_again_seldom() {
    let stage = Stage::deployed(web()).await;
    stage.api.world().fail_always(patch(Kind::HttpRoute), Fault::Status(403));
    stage.update();
    stage.until("a word about it", |world| waits(world).contains(&"RefusedWrite".to_owned())).await;
    stage.rest().await;
    // Other work goes on.
    {
        let mut world = stage.api.world();
        world.patch(Kind::Rollout, "web", json!({ "spec": { "replicas": 3 } }));
        world.take_log();
    }
    sleep(Duration::from_secs(60)).await;
    assert!(stage.count("patch replicasets/web-v1 200") >= 1, "{:#?}", stage.writes());
    let attempts = stage.count("patch httproutes/route 403");
    assert!((5..=7).contains(&attempts), "{attempts} attempts in a minute");
    // Trying again and failing is no news.
    assert!(stage.count("patch rollouts/web/status") <= 4, "{:#?}", stage.writes());
    assert_eq!(canary_weight(&stage.api.world()), 0);
    stage.api.world().stop_failing();
    stage.until("the step", |world| canary_weight(world) == 10).await;
    stage.until("no more waiting", |world| !waits(world).contains(&"RefusedWrite".to_owned())).await;
    stage.resume();
    stage.until("promotion", is_healthy).await;
}
