use serin_testkit::world::Verb;
use serin_testkit::{Fault, Kind, Matcher};

use super::*;
use crate::controller::tests::stage::{Stage, web};

/// The calls of a person, in order of the kinds.
async fn calls(stage: &Stage) -> Vec<String> {
    let world = stage.api.world();
    let mut calls: Vec<String> =
        world.log().iter().filter(|record| record.user == "person").map(ToString::to_string).collect();
    calls.sort();
    calls
}

async fn read(stage: &Stage, name: &str) -> anyhow::Result<Objects> {
    super::read(stage.api.client("person"), RolloutApi::default(), "default", name).await
}

async fn refused(stage: &Stage, name: &str) -> String {
    format!("{:#}", read(stage, name).await.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn one_list_of_each_kind_and_nothing_else() {
    let stage = Stage::paused(web()).await;
    let objects = read(&stage, "web").await.unwrap();
    assert_eq!((objects.replica_sets.len(), objects.pods.len()), (2, 3));
    assert_eq!((objects.services.len(), objects.slices.len(), objects.routes.len()), (2, 2, 1));
    assert_eq!(objects.route_versions.into_iter().collect::<Vec<_>>(), [(RouteKind::Http, "v1".to_owned())]);
    let lists = ["endpointslices", "pods", "replicasets", "rollouts", "services"];
    let mut wanted: Vec<String> = lists.iter().map(|kind| format!("list {kind} 200")).collect();
    wanted.insert(0, "get httproutes/route 200".to_owned());
    assert_eq!(calls(&stage).await, wanted);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_does_not_exist_is_answered_with_those_that_do_the_nearest_first() {
    let stage = Stage::deployed(web()).await;
    assert_eq!(refused(&stage, "wep").await, "there is no Rollout wep in namespace default; there are web");
    assert_eq!(
        not_there("shop", "wep", ["checkout", "api", "web", "a", "b", "c", "d"].map(str::to_owned).to_vec()),
        "there is no Rollout wep in namespace shop; there are web, a, api, b, c and 2 more"
    );
    assert_eq!(
        not_there("shop", "web", Vec::new()),
        "there is no Rollout web in namespace shop, and no other: name another namespace with --namespace"
    );
}

#[tokio::test(start_paused = true)]
async fn a_missing_definition_or_permission_is_named_with_what_to_do() {
    let stage = Stage::deployed(web()).await;
    let fail = |resource: Kind, code: u16| {
        let matcher = Matcher::verb(Verb::List).of(resource).by("person");
        stage.api.world().fail_next(matcher, Fault::Status(code));
    };
    fail(Kind::Rollout, 404);
    let text = refused(&stage, "web").await;
    assert!(text.starts_with("the API server does not know rollouts.serin.dev: install"), "{text}");
    fail(Kind::Pod, 403);
    let text = refused(&stage, "web").await;
    assert!(text.starts_with("you may not read pods in namespace default: ask for a role"), "{text}");
    fail(Kind::Service, 500);
    let text = refused(&stage, "web").await;
    assert!(text.starts_with("cannot list services in namespace default: 500"), "{text}");
    // That there is no route is the planner's to say.
    let get = Matcher::verb(Verb::Get).of(Kind::HttpRoute).by("person");
    stage.api.world().fail_next(get, Fault::Status(404));
    assert!(read(&stage, "web").await.unwrap().routes.is_empty());
}

#[test]
fn letters_are_counted() {
    for (one, other, letters) in
        [("web", "web", 0), ("wep", "web", 1), ("wb", "web", 1), ("", "ab", 2), ("abc", "cab", 2)]
    {
        assert_eq!(distance(one, other), letters, "{one} {other}");
        assert_eq!(distance(other, one), letters, "{other} {one}");
    }
}
