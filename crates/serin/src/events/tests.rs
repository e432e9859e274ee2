use std::collections::BTreeSet;

use http::Method;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serin_engine::events::After;

use super::*;
use crate::fake_api::{FakeApi, Fault};

fn event(note: &str) -> Event {
    Event {
        severity: Severity::Normal,
        reason: "TrafficWeightUpdated",
        note: note.to_owned(),
        after: After::Seen,
    }
}

fn rollout(name: &str) -> Rollout {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some("shop".to_owned()),
        uid: Some("u1".to_owned()),
        ..ObjectMeta::default()
    };
    Rollout { metadata, ..Rollout::default() }
}

fn start(api: &FakeApi) -> (EventQueue, tokio::task::JoinHandle<()>) {
    let clock = Clock::starting_at("2026-01-01T00:00:00Z");
    let (queue, publisher) = queue(api.client(), Arc::new(Names::default()), clock, "serin-0_ab".to_owned());
    (queue, tokio::spawn(publisher.run()))
}

fn notes(api: &FakeApi) -> Vec<String> {
    api.objects().iter().map(|event| event["note"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn every_note_is_an_event_of_its_own() {
    let api = FakeApi::default();
    let (queue, publisher) = start(&api);
    for note in ["weight 20", "weight 40", "weight 40"] {
        queue.tell(&rollout("web"), &event(note));
    }
    drop(queue);
    publisher.await.unwrap();
    assert_eq!(notes(&api), ["weight 20", "weight 40", "weight 40"]);
    let first = &api.objects()[0];
    assert_eq!(first["eventTime"], "2026-01-01T00:00:00.000000Z");
    assert_eq!(first["regarding"]["uid"], "u1");
    assert_eq!(first["reportingController"], "serin.dev/serin");
}

#[tokio::test(start_paused = true)]
async fn an_event_waits_for_reconciles_but_not_for_ever() {
    let api = FakeApi::default();
    let (queue, _publisher) = start(&api);
    let busy = queue.busy();
    queue.tell(&rollout("web"), &event("first"));
    sleep(Duration::from_millis(500)).await;
    assert!(notes(&api).is_empty());
    drop(busy);
    sleep(Duration::from_millis(20)).await;
    assert_eq!(notes(&api), ["first"]);

    let _busy = queue.busy();
    queue.tell(&rollout("web"), &event("second"));
    sleep(PATIENCE + Duration::from_millis(20)).await;
    assert_eq!(notes(&api).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_does_not_stop_the_others() {
    let api = FakeApi::default();
    api.fail_next(Method::POST, Fault::Status(403));
    api.fail_next(Method::POST, Fault::Hang);
    let (queue, publisher) = start(&api);
    for note in ["refused", "unanswered", "told"] {
        queue.tell(&rollout("web"), &event(note));
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(notes(&api), ["told"]);
    drop(queue);
    publisher.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_never_blocks() {
    let api = FakeApi::default();
    api.set_down(true);
    let (queue, _publisher) = start(&api);
    for _ in 0..CAPACITY + 10 {
        queue.tell(&rollout("web"), &event("more"));
    }
    assert!(queue.dropped.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn names_are_valid_and_differ() {
    let (queue, _publisher) = start(&FakeApi::default());
    let long = format!("{}-{}", "a".repeat(199), "b".repeat(50));
    let names: BTreeSet<String> = (0..100)
        .map(|_| queue.object(&rollout(&long), &event("x"))["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 100);
    assert!(names.iter().all(|name| name.len() <= 253 && !name.contains("-.")), "{names:?}");
}

#[test]
fn long_notes_are_clipped_between_characters() {
    assert_eq!(clipped("short"), "short");
    assert_eq!(clipped(&format!("a{}", "ü".repeat(600))).len(), 1023);
}
