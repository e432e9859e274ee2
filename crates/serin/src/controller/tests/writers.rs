use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::stage::{Stage, is_healthy, new_image, replica_set, web};
use crate::lease::Claim;

#[tokio::test(start_paused = true)]
async fn without_the_claim_nothing_is_written() {
    let (keeper, end) = watch::channel(Instant::now());
    let stage = Stage::open_with(web(), Claim::until(end), |_| {});
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.writes(), Vec::<String>::new());
    // Not because it was idle: it begins as soon as it may.
    keeper.send_replace(Instant::now() + Duration::from_secs(60));
    stage.until("the first deploy", is_healthy).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_ends_ends_the_writes_of_a_canary() {
    let (keeper, end) = watch::channel(Instant::now() + Duration::from_secs(3600));
    let stage = Stage::open_with(web(), Claim::until(end), |_| {});
    stage.until("the first deploy", is_healthy).await;
    stage.rest().await;
    new_image(&mut stage.api.world());
    stage.until("the canary", |world| replica_set(world, "2").is_some()).await;
    let before = stage.writes();
    keeper.send_replace(Instant::now());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.writes(), before);
}
