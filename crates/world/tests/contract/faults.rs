use serde_json::{Value, json};
use serin_testkit::world::{Failure, Request, Verb};
use serin_testkit::{Fault, Kind, Matcher};

use crate::{code, path, world};

fn scale(replicas: i32) -> Value {
    json!({ "spec": { "replicas": replicas } })
}

#[test]
fn only_the_next_request_that_matches_fails() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    world.fail_next(Matcher::writes().of(Kind::Rollout).by("serin"), Fault::Status(503));
    let patch = |replicas: i32| Request::merge_patch(&path, scale(replicas));
    assert_eq!(code(world.request(patch(2))), 200, "another user");
    assert_eq!(code(world.request(Request::get(&path).by("serin"))), 200, "no write");
    assert_eq!(code(world.request(patch(3).by("serin"))), 503);
    assert_eq!(world.get(Kind::Rollout, "a")["spec"]["replicas"], 2);
    assert_eq!(code(world.request(patch(3).by("serin"))), 200);
    assert_eq!(world.log().last().unwrap().to_string(), "patch rollouts/a 200");
}

#[test]
fn the_nth_write_fails() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    world.fail_next(Matcher::writes().skip(2), Fault::Status(500));
    let codes: Vec<_> =
        (2..7).map(|replicas| code(world.request(Request::merge_patch(&path, scale(replicas))))).collect();
    assert_eq!(codes, [200, 200, 500, 200, 200]);
}

#[test]
fn an_answer_can_be_lost_after_the_write_or_with_it() {
    let mut world = world();
    let path = path(&world, Kind::Rollout, "a");
    for (fault, failure, replicas) in [
        (Fault::LoseAnswer, Failure::Disconnected, 2),
        (Fault::DropRequest, Failure::Disconnected, 2),
        (Fault::Hang, Failure::Hung, 2),
        (Fault::HangAfter, Failure::Hung, 5),
    ] {
        let wanted = if fault == Fault::LoseAnswer { 2 } else { 5 };
        world.fail_next(Matcher::verb(Verb::Patch).named("a").of_object(), fault);
        assert_eq!(world.request(Request::merge_patch(&path, scale(wanted))), Err(failure), "{fault:?}");
        assert_eq!(world.get(Kind::Rollout, "a")["spec"]["replicas"], replicas, "{fault:?}");
        assert_eq!(world.log().last().unwrap().code, 0);
    }
}

#[test]
fn standing_faults_stand_until_they_are_taken_back() {
    let mut world = world();
    let status = format!("{}/status", path(&world, Kind::Rollout, "a"));
    world.fail_always(Matcher::any().of_status(), Fault::Status(403));
    for _ in 0..3 {
        assert_eq!(code(world.request(Request::merge_patch(&status, json!({})))), 403);
    }
    world.patch(Kind::Rollout, "a", scale(2));
    world.stop_failing();
    assert_eq!(code(world.request(Request::merge_patch(&status, json!({})))), 200);
}
