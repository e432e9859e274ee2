use serde_json::json;
use serin_testkit::Kind;

use super::stage::{HASH, Stage, canary_weight, is_healthy, new_image, phase, selected, status, web};

#[tokio::test(start_paused = true)]
async fn watches_that_expired_or_ended_relist() {
    let stage = Stage::deployed(web()).await;
    // Frozen, so that nothing is told before the history is gone.
    Kind::ALL.into_iter().for_each(|kind| stage.api.freeze_watches(kind));
    {
        let mut world = stage.api.world();
        new_image(&mut world);
        world.patch(Kind::Service, "stable", json!({ "spec": { "selector": { HASH: null } } }));
        world.edit(Kind::HttpRoute, "route", |route| {
            route["spec"]["rules"][0]["backendRefs"][1]["weight"] = json!(70);
        });
        world.forget_history();
    }
    stage.api.end_watches();
    stage.api.thaw_watches();
    stage.until("the pause", |world| phase(world) == "Paused").await;
    stage.rest().await;
    {
        let world = stage.api.world();
        assert_eq!(selected(&world, "stable"), status(&world)["stableRS"]);
        assert_eq!(canary_weight(&world), 10);
    }
    // Ended without loss: the watches go on where they were.
    stage.api.end_watches();
    stage.resume();
    stage.until("promotion", is_healthy).await;
}
