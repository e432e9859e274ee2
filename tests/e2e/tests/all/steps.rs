//! The walk of a canary where only a real control plane can show it.

use std::time::Duration;

use serde_json::{Value, json};
use serin_e2e::{Space, manifests};

const HASH: &str = "rollouts-pod-template-hash";

fn canary_pod(space: &Space, hash: &Value) -> String {
    let pods = space.list("pods");
    let pod = pods.iter().find(|pod| pod["metadata"]["labels"][HASH] == *hash).expect("a canary pod");
    pod["metadata"]["name"].as_str().unwrap().to_owned()
}

fn stepping(name: &str, image: &str) -> Space {
    let space = Space::new(name);
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    space.set_image("web", image);
    space
}

#[test]
fn a_rollout_without_steps_goes_straight_to_the_hand_over() {
    let space = Space::new("nosteps");
    let mut rollout = manifests::rollout();
    rollout["spec"]["strategy"]["canary"]["steps"] = json!([]);
    space.apply_all(&manifests::with(rollout));
    let v1 = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    space.set_image("web", "web:2");
    space.until("version 2 is stable", || {
        let status = &space.rollout("web")["status"];
        status["phase"] == "Healthy" && status["stableRS"] != v1
    });
    let weights: Vec<i64> = space.writes().iter().filter_map(|write| write.canary_weight()).collect();
    assert_eq!(weights, [0, 100, 0]);
    space.judge();
}

#[test]
fn a_weight_waits_for_slow_pods() {
    let space = Space::new("slow");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let patch = json!({"spec": {"template": {
        "metadata": {"annotations": {"kwok.test/behaviour": "slow", "kwok.test/delay": "3"}},
        "spec": {"containers": [{"name": "web", "image": "web:2"}]},
    }}});
    space.patch("web", patch);
    space.until("the canary's pod exists", || space.list("pods").len() == 3);
    assert_eq!(space.weights("route"), (100, 0));
    space.until("it tells what it waits for", || {
        space.rollout("web")["status"]["waitingFor"][0]["what"] == "AvailablePods"
    });
    space.until_paused_at("web", 1);
    assert_eq!(space.weights("route"), (90, 10));
    space.judge();
}

#[test]
fn a_timed_pause_survives_a_restart_of_the_operator() {
    let mut space = Space::new("timer");
    let mut rollout = manifests::rollout();
    rollout["spec"]["strategy"]["canary"]["steps"] =
        json!([{"setWeight": 10}, {"pause": {"duration": "6s"}}]);
    space.apply_all(&manifests::with(rollout));
    let v1 = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    space.set_image("web", "web:2");
    let paused = space.until_paused_at("web", 1);
    space.operator.take().unwrap().kill();
    space.kubectl(&["delete", "lease", "serin"]);
    space.start();
    space.until("it goes on", || {
        let status = &space.rollout("web")["status"];
        status["phase"] == "Healthy" && status["stableRS"] != v1
    });
    let began = &paused["status"]["pauseConditions"][0]["startTime"];
    let completed = space.rollout("web")["status"]["conditions"].clone();
    let completed = completed
        .as_array()
        .unwrap()
        .iter()
        .find(|condition| condition["type"] == "Completed")
        .unwrap()
        .clone();
    let seconds = |time: &Value| {
        let clock = time.as_str().unwrap().rsplit('T').next().unwrap().trim_end_matches('Z').to_owned();
        clock.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().unwrap())
    };
    let lasted = (seconds(&completed["lastTransitionTime"]) - seconds(began)).rem_euclid(86_400);
    assert!((6..30).contains(&lasted), "the pause lasted {lasted} s");
    space.judge();
}

#[test]
fn a_canary_that_loses_its_pods_loses_its_share_while_paused_and_gets_it_back() {
    let space = stepping("lost", "web:2");
    let hash = space.until_paused_at("web", 1)["status"]["currentPodHash"].clone();
    let pod = canary_pod(&space, &hash);
    space.kubectl(&["label", "pod", &pod, "kwok.test/ready=false"]);
    space.until_weights("route", 100, 0);
    assert_eq!(space.rollout("web")["status"]["currentStepIndex"], json!(1));
    space.kubectl(&["label", "pod", &pod, "kwok.test/ready-"]);
    space.until_weights("route", 90, 10);
    assert_eq!(space.rollout("web")["status"]["currentStepIndex"], json!(1));
    space.judge();
}

#[test]
fn a_newer_template_takes_the_older_canarys_traffic_but_not_its_pods_until_it_is_ready() {
    let space = stepping("supersede", "web:2");
    let v2 = space.until_paused_at("web", 1)["status"]["currentPodHash"].clone();
    let patch = json!({"spec": {"template": {
        "metadata": {"annotations": {"kwok.test/behaviour": "never-ready"}},
        "spec": {"containers": [{"name": "web", "image": "web:3"}]},
    }}});
    space.patch("web", patch);
    space.until_weights("route", 100, 0);
    space.until("version 3 has its pod", || space.list("pods").len() == 4);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(
        space.selected("canary"),
        v2.as_str().map(str::to_owned),
        "the canary Service stays on version 2"
    );
    assert!(!canary_pod(&space, &v2).is_empty());
    let fixed = json!({"spec": {"template": {
        "metadata": {"annotations": null}, "spec": {"containers": [{"name": "web", "image": "web:4"}]},
    }}});
    space.patch("web", fixed);
    let v4 = space.until_paused_at("web", 1)["status"]["currentPodHash"].clone();
    assert_eq!(space.selected("canary"), v4.as_str().map(str::to_owned));
    space.until("the older canaries drain", || space.list("pods").len() == 3);
    space.judge();
}

#[test]
fn returning_to_the_stable_template_takes_the_canary_back() {
    let space = stepping("back", "web:2");
    space.until_paused_at("web", 1);
    space.set_image("web", "web:1");
    space.until_phase("web", "Healthy");
    assert_eq!(space.weights("route"), (100, 0));
    space.until("the canary drains", || space.list("pods").len() == 2);
    space.judge();
}

#[test]
fn scaling_works_while_paused_and_at_zero_a_template_needs_no_steps() {
    let space = stepping("scale", "web:2");
    space.until_paused_at("web", 1);
    space.kubectl(&["scale", "rollouts.serin.dev", "web", "--replicas=11"]);
    space.until("eleven stable and two canary pods", || space.list("pods").len() == 13);
    assert_eq!(space.weights("route"), (90, 10));
    space.kubectl(&["scale", "rollouts.serin.dev", "web", "--replicas=0"]);
    space.until("no pods", || space.list("pods").is_empty());
    assert_eq!(space.rollout("web")["status"]["phase"], "Paused", "scaling opens no gate");
    space.set_image("web", "web:3");
    let image_of_stable = || {
        let stable = space.rollout("web")["status"]["stableRS"].clone();
        let sets = space.list("replicasets");
        let set = sets.iter().find(|set| set["metadata"]["labels"][HASH] == stable).cloned();
        set.unwrap_or_default()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
    };
    space.until("version 3 is stable", || image_of_stable() == "web:3");
    space.kubectl(&["scale", "rollouts.serin.dev", "web", "--replicas=1"]);
    space.until("one pod of version 3", || {
        let pods = space.list("pods");
        pods.len() == 1 && pods[0]["spec"]["containers"][0]["image"] == "web:3"
    });
    space.judge();
}

#[test]
fn a_quota_ends_in_a_verdict_that_names_it() {
    let space = Space::new("quota");
    let mut rollout = manifests::rollout();
    rollout["spec"]["progressDeadlineSeconds"] = json!(3);
    space.apply_all(&manifests::with(rollout));
    space.until_phase("web", "Healthy");
    space.kubectl(&["create", "quota", "no-more", "--hard=pods=2"]);
    space.until("the quota counts", || space.get("quota", "no-more")["status"]["used"]["pods"] == "2");
    space.set_image("web", "web:2");
    let degraded = space.until_phase("web", "Degraded");
    let message = degraded["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("ProgressDeadlineExceeded") && message.contains("exceeded quota"),
        "{message}"
    );
    assert_eq!(space.weights("route"), (100, 0));
    space.kubectl(&["delete", "quota", "no-more"]);
    space.until_paused_at("web", 1);
    space.judge();
}

#[test]
fn old_replica_sets_beyond_the_history_limit_are_deleted() {
    let space = Space::new("history");
    let mut rollout = manifests::rollout();
    rollout["spec"]["revisionHistoryLimit"] = json!(1);
    rollout["spec"]["strategy"]["canary"]["steps"] = json!([]);
    space.apply_all(&manifests::with(rollout));
    for version in 2..5 {
        space.until_phase("web", "Healthy");
        space.set_image("web", &format!("web:{version}"));
        space.until("it is stable", || {
            let rollout = space.rollout("web");
            let set = space.list("replicasets").into_iter().find(|set| {
                set["spec"]["template"]["spec"]["containers"][0]["image"] == json!(format!("web:{version}"))
            });
            set.is_some_and(|set| set["metadata"]["labels"][HASH] == rollout["status"]["stableRS"])
        });
    }
    space.until("two ReplicaSets are left", || space.list("replicasets").len() == 2);
    space.judge();
}
