//! What is said about a Rollout in several states, word for word, of clusters that a real operator has worked in.

use jiff::Timestamp;
use serde_json::json;
use serin_api::RolloutApi;
use serin_testkit::{Kind, World};

use super::*;
use crate::controller::tests::stage::{Stage, web};

async fn explained(stage: &Stage) -> Explanation {
    let before = stage.api.world().version();
    let objects =
        live::read(stage.api.client("person"), RolloutApi::default(), "default", "web").await.unwrap();
    let now: Timestamp = stage.api.world().now();
    let explained = Explanation::of(&objects, &Arc::new(Names::default()), now);
    assert_eq!(stage.api.world().version(), before, "nothing is written");
    explained
}

/// Compares all but the commands with a file of `testdata/explain`: what those say is the engine's.
#[track_caller]
fn says(explained: &Explanation, expected: &str) {
    let text = explained.text();
    let (told, commands) = text.split_once("\nWhat a command would do now\n").unwrap();
    assert!(told == expected, "it says\n{told}\nand should say\n{expected}");
    for now in &explained.verbs {
        let VerbNow { verb, what, why, command } = now;
        assert!(commands.contains(&format!("  {verb}: {what} {why}\n    {command}\n")), "{verb}: {commands}");
    }
}

fn written(stage: &Stage, change: impl FnOnce(&mut World)) {
    change(&mut stage.api.world());
}

#[tokio::test(start_paused = true)]
async fn healthy() {
    let stage = Stage::deployed(web()).await;
    says(&explained(&stage).await, include_str!("../../testdata/explain/healthy.txt"));
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_waits_for_a_person() {
    let stage = Stage::paused(web()).await;
    let explained = explained(&stage).await;
    says(&explained, include_str!("../../testdata/explain/paused.txt"));
    let value = serde_json::to_value(&explained).unwrap();
    assert_eq!((&value["phase"], &value["steps"]["index"]), (&json!("Paused"), &json!(1)));
    assert_eq!(value["waits"][0]["what"], "Resume");
    // It is not paused by its spec, so that there is nothing to undo.
    let verbs: Vec<&str> = explained.verbs.iter().map(|now| now.verb).collect();
    assert_eq!(verbs.len(), Verb::ALL.len() - 1);
    assert!(verbs.contains(&"pause") && !verbs.contains(&"unpause"), "{verbs:?}");
    let stable = &explained.revisions[0].replica_set;
    let undo = explained.verbs.iter().find(|now| now.verb == Verb::UndoToStable.name()).unwrap();
    assert!(undo.command.contains(&format!("replicasets -n default {stable} ")), "{undo:?}");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_was_aborted() {
    let stage = Stage::paused(web()).await;
    written(&stage, |world| {
        world.patch_status(Kind::Rollout, "web", json!({ "abort": true }));
    });
    stage.rest().await;
    says(&explained(&stage).await, include_str!("../../testdata/explain/aborted.txt"));
}

#[tokio::test(start_paused = true)]
async fn a_canary_whose_route_is_gone() {
    let stage = Stage::paused(web()).await;
    written(&stage, |world| world.delete(Kind::HttpRoute, "route"));
    stage.rest().await;
    says(&explained(&stage).await, include_str!("../../testdata/explain/invalid.txt"));
}

#[tokio::test(start_paused = true)]
async fn what_would_be_written_and_that_nobody_has_looked_yet() {
    let stage = Stage::paused(web()).await;
    stage.api.freeze_watches(Kind::Rollout);
    written(&stage, |world| {
        world.patch(Kind::Rollout, "web", json!({ "spec": { "replicas": 5 } }));
    });
    let explained = explained(&stage).await;
    assert!(explained.doubt.as_ref().is_some_and(|doubt| doubt.contains("generation 2")), "{explained:#?}");
    assert!(explained.next.writes.iter().any(|write| write.ends_with("from 2 to 5 pods")), "{explained:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_is_known_from_the_record_alone() {
    let stage = Stage::paused(web()).await;
    stage.api.freeze_watches(Kind::Rollout);
    let wait = json!({ "what": "RefusedWrite", "message": "HTTPRoute/route: not allowed" });
    written(&stage, |world| {
        let mut waits = world.get(Kind::Rollout, "web")["status"]["waitingFor"].as_array().unwrap().clone();
        waits.push(wait);
        world.patch_status(Kind::Rollout, "web", json!({ "waitingFor": waits }));
    });
    let waits: Vec<String> = explained(&stage).await.waits.into_iter().map(|wait| wait.what).collect();
    assert_eq!(waits, ["Resume", "RefusedWrite"]);
}
