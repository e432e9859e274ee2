use std::time::Duration;

use tokio::time::sleep;

use super::stage::{Stage, is_healthy, web};

/// Every write costs the API server and everybody who watches: a new one has to be justified here.
#[tokio::test(start_paused = true)]
async fn exact_calls_of_a_first_deploy() {
    let stage = Stage::open(web());
    stage.until("the first deploy", is_healthy).await;
    sleep(Duration::from_secs(120)).await;
    let writes = [
        "patch rollouts/web 200",
        "create replicasets/web-v1 201",
        "patch rollouts/web/status 200",
        "patch httproutes/route 200",
        "patch services/stable 200",
        "patch services/canary 200",
        "patch replicasets/web-v1 200",
        "patch rollouts/web/status 200",
    ];
    assert_eq!(stage.writes(), writes);
}

#[tokio::test(start_paused = true)]
async fn exact_calls_of_a_canary_from_its_pause_to_its_end() {
    let stage = Stage::paused(web()).await;
    stage.resume();
    stage.until("promotion", is_healthy).await;
    sleep(Duration::from_secs(120)).await;
    let writes = [
        // The pause is over, and the request is taken out of the spec.
        "patch rollouts/web/status 200",
        "patch httproutes/route 200",
        "patch rollouts/web 200",
        "patch rollouts/web/status 200",
        // A second of pause later: all pods, all traffic, then the promotion.
        "patch replicasets/web-v2 200",
        "patch httproutes/route 200",
        "patch replicasets/web-v2 200",
        "patch services/stable 200",
        "patch rollouts/web/status 200",
        "patch httproutes/route 200",
        "patch rollouts/web/status 200",
        // When its traffic has drained, the old revision goes.
        "patch replicasets/web-v1 200",
        "patch rollouts/web/status 200",
    ];
    assert_eq!(stage.writes(), writes);
}
