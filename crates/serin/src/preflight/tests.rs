//! Preflight of files and of clusters in which a real operator works.

use serde_json::{Value, json};
use serin_api::RolloutApi;
use serin_testkit::Kind;
use serin_testkit::world::Verb;

use super::*;
use crate::args::{Cli, Command};
use crate::controller::tests::stage::{Stage, USER, status, web};

fn asked(flags: &[&str]) -> PreflightArgs {
    match clap::Parser::try_parse_from(["serin", "preflight"].iter().chain(flags)).map(|cli: Cli| cli.command)
    {
        Ok(Command::Preflight(args)) => args,
        other => panic!("{other:?}"),
    }
}

fn of_files(flags: &[&str]) -> Checked {
    let inputs = from_files(&asked(flags), &Names::default()).unwrap();
    Checked::of(&inputs, judge(&inputs))
}

const BROKEN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/testdata/preflight/33-backend-with-another-port.yaml");

#[test]
fn a_file_is_judged_and_what_it_does_not_hold_is_said() {
    let checked = of_files(&["-f", BROKEN]);
    assert_eq!((checked.errors, checked.warnings), (2, 0));
    let text = checked.text();
    assert!(
        text.starts_with("Rollout shop/web: 2 errors, 0 warnings\n\nError BackendPortUnknown\n"),
        "{text}"
    );
    assert!(text.contains("\nNot checked\n"), "{text}");
    assert!(text.contains("  PodDisruptionBudgets of namespace shop: no file holds it\n"), "{text}");
    let json = serde_json::to_value(&checked).unwrap();
    assert_eq!(json["findings"][0]["reason"], "BackendPortUnknown");
    assert_eq!(
        json["findings"][0]["object"],
        json!({"kind": "HTTPRoute", "namespace": "shop", "name": "web"})
    );
}

#[test]
fn another_namespace_than_the_files_is_refused() {
    let told = from_files(&asked(&["-f", BROKEN, "-n", "other"]), &Names::default()).unwrap_err().to_string();
    assert!(told.starts_with("the Rollout names the namespace \"shop\", not \"other\""), "{told}");
}

fn condition(stage: &Stage) -> Value {
    let conditions = status(&stage.api.world())["conditions"].clone();
    let found =
        conditions.as_array().unwrap().iter().find(|condition| condition["type"] == "Preflight").cloned();
    found.unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn the_operator_records_a_verdict_and_follows_what_it_watches() {
    let stage = Stage::deployed(web()).await;
    let before = condition(&stage);
    assert_eq!(
        (&before["status"], &before["reason"]),
        (&json!("True"), &json!("PreflightPassed")),
        "{before}"
    );
    let message = before["message"].as_str().unwrap();
    // Who cannot see does not say that all is well.
    for unseen in ["Gateway default/gateway", "PodDisruptionBudgets of namespace default"] {
        assert!(
            message.contains(&format!("not checked: {unseen} (the API server does not know ")),
            "{message}"
        );
    }

    stage.api.world().patch(Kind::HttpRoute, "route", json!({ "spec": { "parentRefs": null } }));
    let is_told = |world: &serin_testkit::World| {
        status(world)["conditions"]
            .to_string()
            .contains("RouteWithoutParent (HTTPRoute default/route, spec.parentRefs)")
    };
    stage.until("the route without a parent is told", is_told).await;
    assert_eq!(condition(&stage)["reason"], "PreflightFailed");
    // The route names other Gateways than before, so these are read anew; nothing else is.
    let parents = json!({ "spec": { "parentRefs": [{ "name": "gateway" }] } });
    stage.api.world().patch(Kind::HttpRoute, "route", parents);
    stage.until("the route is mended", |world| !is_told(world)).await;
    stage.rest().await;
    assert_eq!(condition(&stage)["message"], before["message"]);
}

/// Once everything was said, looking again costs nothing: neither by a change of what preflight does not ask about,
/// nor by one of the operator's own.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_the_verdict_is_the_same() {
    let stage = Stage::deployed(web()).await;
    stage.rest().await;
    stage.api.world().take_log();
    stage.api.world().patch(Kind::Service, "stable", json!({ "metadata": { "labels": { "team": "shop" } } }));
    stage.rest().await;
    let world = stage.api.world();
    let writes =
        world.log().iter().filter(|record| record.user == USER && record.verb == Verb::Patch).count();
    assert_eq!(writes, 0, "{:?}", world.log());
}

#[tokio::test(start_paused = true)]
async fn a_live_rollout_is_read_and_nothing_is_written() {
    let stage = Stage::paused(web()).await;
    let client = stage.api.client("person");
    let (objects, others) =
        live::read_with_others(client.clone(), RolloutApi::default(), "default", "web").await.unwrap();
    assert_eq!(others.len(), 1);
    let names = Arc::new(Names::default());
    let before = stage.api.world().version();
    let world = observe(&objects, &names, &Recall::default());
    let answer = ask::template(&client, &world).await;
    assert_eq!(answer, serin_engine::preflight::TemplateAnswer::Taken);
    assert_eq!(stage.api.world().version(), before, "nothing is written");
}
