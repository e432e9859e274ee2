use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::fake_api::{FakeApi, Fault};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/serin-system/leases/serin";

fn candidate(api: &FakeApi, identity: &str) -> Candidate {
    let settings = Settings::new("serin-system".into(), "serin".into(), identity.into());
    Candidate::new(api.client(), settings, Clock::starting_at("2026-01-01T00:00:00Z"))
}

fn spec(api: &FakeApi, field: &str) -> Value {
    api.object(LEASE)["spec"][field].clone()
}

/// The seconds that `future` takes.
async fn seconds<T>(future: impl Future<Output = T>) -> (u64, T) {
    let start = Instant::now();
    let output = future.await;
    (start.elapsed().as_secs(), output)
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_not_there_is_created_at_once() {
    let api = FakeApi::default();
    let (waited, leadership) = seconds(candidate(&api, "a").acquire()).await;
    assert_eq!(waited, 0);
    assert!(leadership.claim().is_current());
    assert_eq!(
        api.object(LEASE)["spec"],
        json!({
            "holderIdentity": "a", "leaseDurationSeconds": 15, "leaseTransitions": 0,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": "2026-01-01T00:00:00.000000Z",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_leader_renews_for_ever_and_the_others_wait() {
    let api = FakeApi::default();
    let leadership = candidate(&api, "a").acquire().await;
    let standby = tokio::spawn(candidate(&api, "b").acquire());
    sleep(Duration::from_secs(601)).await;
    assert!(leadership.claim().is_current());
    assert!(!standby.is_finished());
    assert_eq!(spec(&api, "holderIdentity"), "a");
    assert_eq!(spec(&api, "leaseTransitions"), 0);
    assert_eq!(spec(&api, "renewTime"), "2026-01-01T00:10:00.000000Z");
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_within_a_retry_period() {
    let api = FakeApi::default();
    let leadership = candidate(&api, "a").acquire().await;
    let claim = leadership.claim();
    let standby = tokio::spawn(candidate(&api, "b").acquire());
    sleep(Duration::from_secs(30)).await;
    leadership.release().await;
    assert!(!claim.is_current());
    assert_eq!(spec(&api, "holderIdentity"), "");
    let (waited, _) = seconds(standby).await;
    assert!(waited <= 2, "{waited}");
    assert_eq!(spec(&api, "holderIdentity"), "b");
    assert_eq!(spec(&api, "leaseTransitions"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_leaders_lease_is_taken_when_it_has_not_changed_for_its_duration() {
    let api = FakeApi::default();
    drop(candidate(&api, "a").acquire().await);
    // The times in it are far off; they must not matter.
    let mut lease = api.object(LEASE);
    lease["spec"]["renewTime"] = json!("2036-01-01T00:00:00.000000Z");
    api.put(LEASE, lease);
    let (waited, _) = seconds(candidate(&api, "b").acquire()).await;
    assert!((15..=17).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_metadata_is_no_sign_of_life() {
    let api = FakeApi::default();
    drop(candidate(&api, "a").acquire().await);
    let standby = tokio::spawn(candidate(&api, "b").acquire());
    sleep(Duration::from_secs(10)).await;
    let mut lease = api.object(LEASE);
    lease["metadata"]["labels"] = json!({ "touched": "yes" });
    api.put(LEASE, lease);
    let (waited, _) = seconds(standby).await;
    assert!(waited <= 7, "{waited}");
    assert_eq!(api.object(LEASE)["metadata"]["labels"], json!({ "touched": "yes" }), "and it is kept");
}

#[tokio::test(start_paused = true)]
async fn the_holders_own_duration_counts() {
    let api = FakeApi::default();
    let other = candidate(&api, "a").acquire().await;
    other.keep_for(Duration::from_secs(60)).await.unwrap();
    assert_eq!(spec(&api, "holderIdentity"), "a");
    let (waited, _) = seconds(candidate(&api, "b").acquire()).await;
    assert!((60..=62).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cut_off_stops_before_another_may_begin() {
    let api = FakeApi::default();
    let leadership = candidate(&api, "a").acquire().await;
    let claim = leadership.claim();
    sleep(Duration::from_secs(5)).await;
    api.set_down(true);
    let (until_lost, ()) = seconds(claim.lost()).await;
    assert!((8..=10).contains(&until_lost), "{until_lost}");
    assert!(!claim.is_current());

    // And the process does not take it again, even though it could.
    api.set_down(false);
    sleep(Duration::from_secs(60)).await;
    assert!(!claim.is_current());
    leadership.release().await;
    assert_eq!(spec(&api, "holderIdentity"), "a");
}

#[tokio::test(start_paused = true)]
async fn one_hung_call_or_refusal_is_survived() {
    let api = FakeApi::default();
    let leadership = candidate(&api, "a").acquire().await;
    for fault in [Fault::Hang, Fault::LoseAnswer, Fault::Status(500), Fault::Status(409)] {
        api.fail_next(Method::PUT, fault);
        sleep(Duration::from_secs(20)).await;
        assert!(leadership.claim().is_current(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_candidate_whose_answer_was_lost_finds_that_it_leads() {
    let api = FakeApi::default();
    api.fail_next(Method::POST, Fault::LoseAnswer);
    let (waited, leadership) = seconds(candidate(&api, "a").acquire()).await;
    assert!(waited <= 7, "{waited}");
    assert!(leadership.claim().is_current());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_taken_or_deleted_under_us() {
    let api = FakeApi::default();
    let leadership = candidate(&api, "a").acquire().await;
    api.remove(LEASE);
    sleep(Duration::from_secs(3)).await;
    assert!(leadership.claim().is_current());
    assert_eq!(spec(&api, "holderIdentity"), "a");

    let mut lease = api.object(LEASE);
    lease["spec"]["holderIdentity"] = json!("b");
    api.put(LEASE, lease);
    let (waited, ()) = seconds(leadership.claim().lost()).await;
    assert!(waited <= 2, "{waited}");
}

#[tokio::test(start_paused = true)]
async fn of_two_candidates_one_wins() {
    let api = FakeApi::default();
    let both = [tokio::spawn(candidate(&api, "a").acquire()), tokio::spawn(candidate(&api, "b").acquire())];
    sleep(Duration::from_secs(60)).await;
    assert_eq!(both.iter().filter(|task| task.is_finished()).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_seized_lease_is_ours_when_the_former_leader_has_stopped() {
    let api = FakeApi::default();
    let former = candidate(&api, "a").acquire().await;
    let claim = former.claim();
    let (waited, leadership) = seconds(candidate(&api, "hook").seize()).await;
    assert_eq!(waited, 15);
    assert!(!claim.is_current());
    assert!(leadership.claim().is_current());

    leadership.release().await;
    let (waited, _) = seconds(candidate(&api, "hook2").seize()).await;
    assert_eq!(waited, 0, "nobody has to notice");
}

#[test]
fn identities_differ() {
    assert_ne!(identity(), identity());
}
