//! Two operators: one leads, and a change of leaders breaks nothing.

use std::time::Duration;

use serde_json::json;
use serin_e2e::{Space, manifests};

#[test]
fn a_standby_takes_over_at_once_from_a_leader_that_ends() {
    let mut space = Space::new("standby");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let standby = space.another_operator();
    assert!(space.operator.take().unwrap().end().success(), "a clean end has exit code 0");
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    space.judge();
    drop(standby);
}

#[test]
fn a_stopped_leader_does_no_harm_when_it_continues() {
    let mut space = Space::new("stopped");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let standby = space.another_operator();
    let old = space.operator.as_mut().unwrap();
    old.signal("STOP");
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    let writes = space.writes().len();
    let mut old = space.operator.take().unwrap();
    old.signal("CONT");
    let status = old.ended_within(Duration::from_secs(10));
    assert!(!status.success(), "a leader that lost its lease ends itself");
    space.patch("web", json!({"spec": {"resume": {"step": 1}}}));
    space.until_paused_at("web", 3);
    assert_eq!(space.weights("route"), (50, 50));
    let weights: Vec<i64> = space.writes().iter().filter_map(|write| write.canary_weight()).collect();
    assert_eq!(weights, [0, 10, 50], "after {writes} writes");
    space.judge();
    drop(standby);
}
