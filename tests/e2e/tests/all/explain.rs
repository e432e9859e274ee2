//! What the commands for people say of a live Rollout, with the rights that the chart gives the operator's pod.

use serde_json::{Value, json};
use serin_e2e::Space;

#[test]
fn a_paused_canary_is_explained_bundled_and_replayed_without_its_secrets() {
    let space = Space::new("explained");
    space.apply_all(&serin_e2e::manifests::all());
    space.until_phase("web", "Healthy");
    let container = "/spec/template/spec/containers/0";
    let patch = json!([
        {"op": "replace", "path": format!("{container}/image"), "value": "web:2"},
        {"op": "add", "path": format!("{container}/env"), "value": [{"name": "PASSWORD", "value": "confidential"}]},
    ]);
    space.kubectl(&["patch", "rollouts.serin.dev", "web", "--type", "json", "--patch", &patch.to_string()]);
    space.until_paused_at("web", 1);
    // The record of the pause is the last that is written for now.
    space.until("nothing is left to do", || {
        explain(&space, &["--output", "json"])["next"]["writes"] == json!([])
    });

    let namespace: &str = &space.namespace;
    let text = space.serin(&["explain", "web", "-n", namespace], "");
    assert!(text.starts_with(&format!("Rollout {namespace}/web: Paused (CanaryPauseStep)\n")), "{text}");
    assert!(text.contains("Canary's share of HTTPRoute route: 10 %"), "{text}");
    let command = space.rollout("web")["status"]["waitingFor"][0]["unblock"].as_str().unwrap().to_owned();
    assert!(text.contains(&format!("    to go on: {command}\n")), "{text}");
    assert_eq!(explain(&space, &["-o", "json"])["state"], "paused");

    let bundle = space.serin(&["bundle", "web", "-n", namespace], "");
    assert!(!bundle.contains("confidential"), "{bundle}");
    let replayed = space.serin(&["replay", "-"], &bundle);
    assert!(replayed.contains("\nThe plan is the one that the bundle recorded.\n"), "{replayed}");
    assert!(replayed.contains(&command), "{replayed}");

    let missing = space.refused_serin(&["explain", "wep", "-n", namespace]);
    assert!(
        missing.contains(&format!("there is no Rollout wep in namespace {namespace}; there are web")),
        "{missing}"
    );
    let forbidden = space.refused_serin(&["explain", "web", "-n", "kube-system"]);
    assert!(
        forbidden.contains("you may not read rollouts.serin.dev in namespace kube-system"),
        "{forbidden}"
    );
    space.judge();
}

fn explain(space: &Space, flags: &[&str]) -> Value {
    let args = [&["explain", "web", "--namespace", &space.namespace], flags].concat();
    serde_json::from_str(&space.serin(&args, "")).unwrap()
}
