//! Plans.

use jiff::SignedDuration;
use serde_json::json;
use serin_sim::timeline::{Scene, timeline};
use serin_testkit::rollout;

#[test]
fn see() {
    let first = rollout("web").replicas(3).image("web:1").set_weight(10).pause().set_weight(50).manifest();
    let mut second = first.clone();
    second["spec"]["template"]["spec"]["containers"][0]["image"] = json!("web:2");
    let scene = Scene {
        group: "serin.dev".to_owned(),
        namespace: "default".to_owned(),
        rollout: first,
        update: Some(("Update to web:2".to_owned(), second)),
        others: vec![],
        live: None,
        pod_ready: SignedDuration::from_secs(5),
        assumed: vec![],
    };
    let timeline = timeline(scene).unwrap();
    println!("{}", timeline.text());
    println!("{}", serde_json::to_string_pretty(&timeline).unwrap());
}
