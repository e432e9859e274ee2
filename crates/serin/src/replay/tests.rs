use std::sync::Arc;

use serin_api::{Names, RolloutApi};
use serin_engine::bundle::Program;

use super::*;
use crate::controller::tests::stage::{Stage, web};
use crate::live;

/// A bundle of version 1, as it was written when that version was made. It must be readable for ever.
const OLD: &str = include_str!("../../testdata/bundle-v1.json");

async fn bundled(stage: &Stage) -> String {
    let objects =
        live::read(stage.api.client("person"), RolloutApi::default(), "default", "web").await.unwrap();
    let program = Program { version: "0.1.0".into(), commit: None };
    let now = stage.api.world().now();
    serde_json::to_string_pretty(&Bundle::of(&objects, &Arc::new(Names::default()), program, now)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_bundle_of_a_live_canary_gives_the_same_plan_and_says_so() {
    let stage = Stage::paused(web()).await;
    let report = Report::of(&bundled(&stage).await, None).unwrap();
    assert_eq!((report.same, report.writes.len()), (Some(true), 0));
    let text = report.text();
    assert!(text.contains("\nThe plan is the one that the bundle recorded.\n"), "{text}");
    assert!(text.contains("\nIt waits for\n  Resume, since 20"), "{text}");
    assert!(text.contains("\n    to go on: kubectl patch rollouts.serin.dev web -n default"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn another_plan_than_the_recorded_one_is_told_with_its_parts() {
    let stage = Stage::paused(web()).await;
    let mut changed: serde_json::Value = serde_json::from_str(&bundled(&stage).await).unwrap();
    changed["objects"]["rollout"]["spec"]["replicas"] = 5.into();
    let report = Report::of(&changed.to_string(), None).unwrap();
    assert_eq!((report.same, report.differences.first()), (Some(false), Some(&"actions")));
    let text = report.text();
    assert!(text.contains("The plan DIFFERS from the one that the bundle recorded: actions"), "{text}");
    assert!(text.contains("from 2 to 5 pods"), "{text}");
}

#[test]
fn a_bundle_of_version_1_is_read_for_ever() {
    let report = Report::of(OLD, None).unwrap();
    assert_eq!((&*report.namespace, &*report.name, &*report.written_by), ("default", "web", "serin 0.1.0"));
    assert_eq!(report.waits.iter().map(|wait| &*wait.what).collect::<Vec<_>>(), ["Resume"]);
}

#[test]
fn another_time_is_not_compared() {
    let at: Timestamp = "2040-01-01T00:00:00Z".parse().unwrap();
    let report = Report::of(OLD, Some(at)).unwrap();
    assert_eq!((report.same, report.at), (None, at));
    assert!(report.text().contains("for another time: not compared"), "{}", report.text());
}

#[test]
fn what_is_no_bundle_is_told_in_words() {
    let error = Report::of("{\"version\": 3}", None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "it has version 3 of the form, and this build reads version 1: use the serin that wrote it"
    );
}
