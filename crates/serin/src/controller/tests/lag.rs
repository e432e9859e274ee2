use std::time::Duration;

use serde_json::json;
use serin_testkit::Kind;
use tokio::time::sleep;

use super::stage::{Stage, canary_weight, is_healthy, replica_set, web};

/// Wakes the Rollout through a pod, which does not change what is to be done.
async fn nudge(stage: &Stage) {
    for number in 0..5 {
        let name = {
            let world = stage.api.world();
            let pods = world.all(Kind::Pod);
            pods[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned()
        };
        stage.api.world().patch(
            Kind::Pod,
            &name,
            json!({ "metadata": { "labels": { "nudge": number.to_string() } } }),
        );
        sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_is_created_once_while_watches_lag() {
    let stage = Stage::deployed(web()).await;
    [Kind::ReplicaSet, Kind::Service, Kind::HttpRoute]
        .into_iter()
        .for_each(|kind| stage.api.freeze_watches(kind));
    stage.update();
    stage.until("the canary", |world| replica_set(world, "2").is_some()).await;
    stage.api.freeze_watches(Kind::Rollout);
    nudge(&stage).await;
    assert_eq!(stage.count("create replicasets"), 1, "{:#?}", stage.writes());
    let early = stage.writes();
    stage.api.thaw_watches();
    stage.until("the step", |world| canary_weight(world) == 10).await;
    stage.rest().await;
    let writes = stage.writes();
    assert_eq!(writes[..early.len()], early);
    assert_eq!(stage.count("create replicasets"), 1, "{writes:#?}");
}

#[tokio::test(start_paused = true)]
async fn its_own_writes_are_not_repeated_while_watches_lag() {
    let stage = Stage::deployed(web()).await;
    stage.update();
    stage.until("the canary", |world| replica_set(world, "2").is_some()).await;
    // Of what follows, only the pods' readiness is told.
    [Kind::Service, Kind::HttpRoute, Kind::Rollout]
        .into_iter()
        .for_each(|kind| stage.api.freeze_watches(kind));
    stage.until("the step", |world| canary_weight(world) == 10).await;
    stage.api.freeze_watches(Kind::ReplicaSet);
    nudge(&stage).await;
    let writes = stage.writes();
    assert_eq!(stage.count("patch httproutes"), 1, "{writes:#?}");
    assert_eq!(stage.count("patch services"), 1, "{writes:#?}");
    assert!(writes.iter().all(|write| write.ends_with("200") || write.ends_with("201")), "{writes:#?}");
    // The late echoes are nothing new.
    stage.api.thaw_watches();
    stage.rest().await;
    assert_eq!(stage.writes(), writes);
    stage.resume();
    stage.until("promotion", is_healthy).await;
}
