use std::time::Duration;

use tokio::time::sleep;

use super::stage::{Stage, is_healthy, web};

/// Every write costs the API server and everybody who watches; a new one has to be justified here.
#[tokio::test(start_paused = true)]
async fn exact_calls_of_a_first_deploy_and_a_canary() {
    let stage = Stage::open(web());
    stage.until("the first deploy", is_healthy).await;
    stage.rest().await;
    let first: [&str; 0] = [];
    assert_eq!(stage.writes(), first);
}

#[tokio::test(start_paused = true)]
async fn exact_b() {
    let stage = Stage::paused(web()).await;
    let first: [&str; 0] = [];
    stage.resume();
    stage.until("promotion", is_healthy).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(stage.writes(), first);
}
#[tokio::test(start_paused = true)]
async fn exact_c() {
    let stage = Stage::deployed(web()).await;
    stage.update();
    let first: [&str; 0] = [];
    stage.until("pause", |w| super::stage::phase(w) == "Paused").await;
    stage.rest().await;
    assert_eq!(stage.writes(), first);
}
