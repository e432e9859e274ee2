//! A restart: real evictions, with a real budget in their way.

use std::collections::BTreeSet;

use serde_json::json;
use serin_e2e::{Space, manifests};

#[test]
fn pods_are_replaced_one_by_one_as_far_as_a_budget_allows_and_never_fewer_are_ready() {
    let space = Space::new("restart");
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
    });
    space.apply_all(&manifests::all());
    space.apply(&budget.to_string());
    let healthy = space.until_phase("web", "Healthy");
    let replicas = usize::try_from(healthy["spec"]["replicas"].as_u64().unwrap()).unwrap();
    let uids = || -> BTreeSet<String> {
        let live = |pod: &&serde_json::Value| pod["metadata"]["deletionTimestamp"].is_null();
        let pods = space.list("pods");
        pods.iter().filter(live).map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned()).collect()
    };
    let before = uids();
    // The API counts whole seconds: one after the youngest pod, every pod is older.
    let pods = space.list("pods");
    let youngest = pods.iter().filter_map(|pod| pod["metadata"]["creationTimestamp"].as_str()).max().unwrap();
    let at = youngest.parse::<jiff::Timestamp>().unwrap() + jiff::SignedDuration::from_secs(1);
    let at = at.to_string();
    space.patch("web", json!({"spec": {"restartAt": at}}));
    space.until("the budget is told", || {
        let waits = space.rollout("web")["status"]["waitingFor"].to_string();
        waits.contains("RefusedWrite") && waits.contains("disruption budget")
    });
    assert!(before.is_subset(&uids()), "one pod more, and none less");
    assert_eq!(space.rollout("web")["status"]["message"], "rollout is restarting");
    space.kubectl(&["delete", "poddisruptionbudget", "web"]);
    let restarted = space.until_phase("web", "Healthy");
    assert_eq!(restarted["status"]["restartedAt"], *at);
    space.until("the last extra pod is gone", || uids().len() == replicas);
    assert!(before.is_disjoint(&uids()), "all pods are new");
    space.judge();
}
