//! The operator without I/O does what the operator does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use serde_json::json;
use serin_api::Names;
use serin_sim::{Faithful, Operator, Step};
use serin_testkit::{Controllers, Fault, Kind, Matcher, World, http_route, rollout, service};

fn world() -> World {
    let mut world = World::new();
    world.create(service("stable").manifest());
    world.create(service("canary").manifest());
    world.create(http_route("route").rule(&[("stable", None), ("canary", None)]).manifest());
    world.create(rollout("web").replicas(2).image("web:1").set_weight(50).pause().manifest());
    world
}

fn operator() -> Operator {
    Operator::new(Arc::new(Names::default()), "web")
}

/// Lets operator, cluster and time go on until nothing happens any more.
fn rest(operator: &mut Operator, world: &mut World, cluster: &mut Controllers) {
    for _ in 0..200 {
        let version = world.version();
        let wake_at = operator.reconcile(world, &mut Faithful, |_, _| {});
        cluster.settle(world);
        match wake_at {
            _ if world.version() != version => {}
            Some(at) if at.duration_since(world.now()).as_secs() < 300 => world.set_now(at),
            _ => return,
        }
    }
    panic!("it does not come to rest");
}

fn phase(world: &World) -> &str {
    world.get(Kind::Rollout, "web")["status"]["phase"].as_str().unwrap()
}

#[test]
fn it_deploys_pauses_and_goes_on() {
    let (mut world, mut operator, mut cluster) = (world(), operator(), Controllers::default());
    rest(&mut operator, &mut world, &mut cluster);
    assert_eq!(phase(&world), "Healthy");
    let template =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
    world.patch(Kind::Rollout, "web", template);
    rest(&mut operator, &mut world, &mut cluster);
    assert_eq!(phase(&world), "Paused");
    world.patch_status(Kind::Rollout, "web", json!({"pauseConditions": null}));
    rest(&mut operator, &mut world, &mut cluster);
    assert_eq!(phase(&world), "Healthy");
    let told: Vec<&str> = operator.take_events().iter().map(|event| event.reason).collect();
    assert!(told.contains(&"RolloutCompleted"), "{told:?}");
}

#[test]
fn one_step_is_one_call_and_what_is_in_hand_was_decided_before() {
    let (mut world, mut operator) = (world(), operator());
    operator.hear_all(&world);
    assert!(matches!(operator.step(&mut world, &mut Faithful), Step::Planned));
    let (_, plan) = operator.in_hand().unwrap();
    let calls = plan.actions.len() + usize::from(plan.status.is_some());
    let before = world.log().len();
    for made in 1..=calls {
        assert!(matches!(operator.step(&mut world, &mut Faithful), Step::Called(_)));
        assert_eq!(world.log().len(), before + made);
    }
}

#[test]
fn a_watch_that_says_nothing_keeps_it_from_knowing() {
    let (mut world, mut operator) = (world(), operator());
    operator.hear_all(&world);
    while !matches!(operator.step(&mut world, &mut Faithful), Step::Rests(_)) {}
    assert!(!operator.is_due(&world));
    world.patch(Kind::Rollout, "web", json!({"spec": {"replicas": 5}}));
    assert!(!operator.is_due(&world));
    operator.hear(Kind::Pod, 10, &world);
    assert!(!operator.is_current(&world));
    operator.hear(Kind::Rollout, 10, &world);
    assert!(operator.is_due(&world));
}

#[test]
fn an_answer_that_is_lost_is_given_up_and_tried_again_later() {
    let (mut world, mut operator) = (world(), operator());
    operator.hear_all(&world);
    world.fail_next(Matcher::writes().by("serin"), Fault::LoseAnswer);
    let again = loop {
        if let Step::GaveUp(again) = operator.step(&mut world, &mut Faithful) {
            break again;
        }
    };
    assert!(again > world.now() && !operator.is_due(&world));
    world.set_now(again);
    assert!(operator.is_due(&world));
}
