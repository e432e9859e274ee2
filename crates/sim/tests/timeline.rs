//! Plans: what every one of them keeps to, and what is told of some.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use serin_api::status::Phase;
use serin_sim::timeline::{Live, Problem, Scene, Timeline, What, timeline};
use serin_testkit::rollout;
use serin_world::{Controllers, Kind, World};

fn with_image(mut rollout: Value, image: &str) -> Value {
    rollout["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
    rollout
}

fn scene(rollout: Value) -> Scene {
    let update = Some(("Update to web:2".to_owned(), with_image(rollout.clone(), "web:2")));
    Scene {
        group: "serin.dev".to_owned(),
        namespace: "default".to_owned(),
        rollout,
        update,
        others: Vec::new(),
        live: None,
        pod_ready: SignedDuration::from_secs(5),
        assumed: Vec::new(),
    }
}

fn weights(timeline: &Timeline) -> Vec<&str> {
    let moments = timeline.acts.iter().flat_map(|act| &act.moments);
    let writes = moments.flat_map(|moment| &moment.writes).filter(|write| write.what == What::Weights);
    writes.map(|write| write.to.as_deref().unwrap_or_default()).collect()
}

#[test]
fn a_deploy_and_an_update_are_told_to_their_end() {
    let rollout = rollout("web").replicas(3).image("web:1").set_weight(10).pause().set_weight(50).manifest();
    let timeline = timeline(scene(rollout)).unwrap();
    assert!(timeline.is_good());
    assert_eq!(weights(&timeline), ["100/0", "90/10", "50/50", "0/100", "100/0"]);
    let summary = &timeline.acts[1].summary;
    assert_eq!((summary.stops_for_a_person, summary.peak_pods), (1, 6));
    assert!((summary.drain_seconds - 30.0).abs() < 0.1, "{summary:?}");
    assert!((summary.readiness_seconds - 15.0).abs() < 0.1, "{summary:?}");
    let command = timeline.acts[1].moments.iter().flat_map(|moment| &moment.waits);
    let commands: Vec<_> = command.filter_map(|wait| wait.command.as_deref()).collect();
    assert_eq!(
        commands,
        [r#"kubectl patch rollouts.serin.dev web --type merge -p '{"spec":{"resume":{"step":1}}}'"#]
    );
}

#[test]
fn pods_that_must_be_ready_for_a_while_take_that_long() {
    let mut rollout = rollout("web").replicas(1).image("web:1").manifest();
    rollout["spec"]["minReadySeconds"] = json!(20);
    let timeline = timeline(scene(rollout)).unwrap();
    assert!((timeline.acts[0].summary.seconds - 25.0).abs() < 0.1, "{:?}", timeline.acts[0].summary);
}

#[test]
fn a_held_rollout_waits_for_a_person_and_goes_on() {
    let mut rollout = rollout("web").replicas(1).image("web:1").set_weight(50).manifest();
    rollout["spec"]["paused"] = json!(true);
    let timeline = timeline(scene(rollout)).unwrap();
    assert!(timeline.is_good());
    assert!(timeline.text().contains(r#"-p '{"spec":{"paused":false}}'"#));
}

#[test]
fn what_the_api_server_would_refuse_is_no_plan() {
    let mut wrong = rollout("web").manifest();
    wrong["spec"]["replicas"] = json!(-1);
    wrong["spec"]["strategy"]["canary"]["maxSurge"] = json!(1);
    let Err(Problem::Invalid(errors)) = timeline(scene(wrong)) else { panic!("it is planned") };
    let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["spec.strategy.canary.maxSurge", "spec.replicas"]);
}

#[test]
fn a_route_without_the_pair_is_a_plan_that_ends_badly() {
    let mut scene = scene(rollout("web").manifest());
    scene.others = vec![serin_testkit::http_route("route").rule(&[("other", None)]).manifest()];
    let timeline = timeline(scene).unwrap();
    assert!(!timeline.is_good());
    assert_eq!(timeline.acts[1].summary.end.phase, Some(Phase::Degraded));
    assert!(timeline.text().contains("InvalidSpec"));
}

/// The objects of a cluster in which a first deploy has come to rest.
fn deployed(rollout: &Value) -> Vec<Value> {
    let mut world = World::new();
    for name in ["stable", "canary"] {
        world.create(serin_testkit::service(name).manifest());
    }
    world.create(serin_testkit::http_route("route").rule(&[("stable", None), ("canary", None)]).manifest());
    world.create(rollout.clone());
    let mut operator = serin_sim::Operator::new(std::sync::Arc::default(), "web");
    let mut cluster = Controllers::default();
    for _ in 0..20 {
        operator.reconcile(&mut world, &mut serin_sim::Faithful, |_, _| {});
        cluster.settle(&mut world);
        world.advance(SignedDuration::from_secs(1));
    }
    let kinds =
        [Kind::Rollout, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::EndpointSlice, Kind::HttpRoute];
    kinds.iter().flat_map(|kind| world.all(*kind)).map(|object| Value::clone(&object)).collect()
}

#[test]
fn a_plan_from_a_cluster_goes_on_from_what_is_there() {
    let first = rollout("web").replicas(2).image("web:1").set_weight(50).manifest();
    let live = Live { objects: deployed(&first), now: "2030-01-01T01:00:00Z".parse().unwrap() };
    let from_live = |rollout: Value| Scene { live: Some(live.clone()), update: None, ..scene(rollout) };
    let unchanged = timeline(from_live(first.clone())).unwrap();
    assert!(unchanged.is_good());
    assert_eq!(unchanged.acts[0].summary.writes, 0, "{}", unchanged.text());
    let update = timeline(from_live(with_image(first, "web:2"))).unwrap();
    assert!(update.is_good());
    assert_eq!(weights(&update), ["50/50", "0/100", "100/0"]);
}

fn step() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..=100).prop_map(|weight| json!({"setWeight": weight})),
        (1..100).prop_map(|seconds| json!({"pause": {"duration": seconds}})),
        Just(json!({"pause": {}})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_ends_moves_traffic_once_a_moment_and_stays_below_its_peak(
        replicas in 0..7_i32,
        steps in prop::collection::vec(step(), 0..6),
        delay in 0..40_i32,
    ) {
        let mut rollout = rollout("web").replicas(replicas).image("web:1").manifest();
        rollout["spec"]["strategy"]["canary"]["steps"] = json!(steps);
        rollout["spec"]["strategy"]["canary"]["scaleDownDelaySeconds"] = json!(delay);
        let timeline = timeline(scene(rollout)).unwrap();
        prop_assert!(timeline.is_good(), "{}", timeline.text());
        for act in &timeline.acts {
            prop_assert!(act.summary.peak_pods <= usize::try_from(2 * replicas).unwrap());
            let times: Vec<f64> = act.moments.iter().map(|moment| moment.seconds).collect();
            prop_assert!(times.is_sorted());
            for moment in &act.moments {
                let moves = |what| matches!(what, What::Weights | What::Selector);
                prop_assert!(moment.writes.iter().filter(|write| moves(write.what)).count() <= 1);
            }
        }
    }
}
