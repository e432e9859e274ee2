//! Scenario B, with the manifests of the documentation as they are, and the rules of roles around it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use serin_e2e::{Space, manifests};

const HASH: &str = "rollouts-pod-template-hash";

/// Labels of the live pods of one revision, by uid.
fn pods(space: &Space, hash: &Value) -> BTreeMap<String, Value> {
    let mut pods = space.list("pods");
    pods.retain(|pod| {
        pod["metadata"]["labels"][HASH] == *hash && pod["metadata"]["deletionTimestamp"].is_null()
    });
    pods.iter()
        .map(|pod| (pod["metadata"]["uid"].as_str().unwrap().to_owned(), pod["metadata"]["labels"].clone()))
        .collect()
}

fn condition(rollout: &Value, kind: &str) -> Value {
    let conditions = rollout["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}

#[test]
fn roles_switch_in_place_at_promotion() {
    let space = Space::new("aware");
    for file in ["services", "route", "rollout"] {
        space.apply_file(&format!("examples/canary-aware/{file}.yaml"));
    }
    const NAME: &str = "rollouts-demo";
    let v1 = space.until_phase(NAME, "Healthy")["status"]["stableRS"].clone();
    assert!(
        pods(&space, &v1)
            .values()
            .all(|labels| labels["role"] == "active" && labels["rabbitQueue"] == "myProductionQueue")
    );

    space.set_image(NAME, "argoproj/rollouts-demo:green");
    let v2 = space.until_paused_at(NAME, 1)["status"]["currentPodHash"].clone();
    let canaries = pods(&space, &v2);
    assert_eq!(canaries.len(), 1);
    assert!(
        canaries
            .values()
            .all(|labels| labels["role"] == "preview" && labels["rabbitQueue"] == "myPreviewQueue")
    );
    space.patch(NAME, json!({"spec": {"resume": {"step": 1}}}));
    space.until_paused_at(NAME, 3);
    let before = pods(&space, &v2);
    assert_eq!(before.len(), 5);
    assert!(before.values().all(|labels| labels["role"] == "preview"));

    space.patch(NAME, json!({"spec": {"resume": {"step": 3}}}));
    space.until_phase(NAME, "Healthy");
    space.until("every new pod is active", || {
        let now = pods(&space, &v2);
        now.values().all(|labels| labels["role"] == "active" && labels["rabbitQueue"] == "myProductionQueue")
    });
    assert!(before.keys().eq(pods(&space, &v2).keys()), "the same pods, none restarted");
    space.until("roles have converged", || {
        condition(&space.rollout(NAME), "RolesConverged")["status"] == "True"
    });
    assert!(
        pods(&space, &v1).values().all(|labels| labels["role"] == "active"),
        "drained pods keep their last role"
    );
    space.judge();
}

#[test]
fn the_templates_own_values_come_back_when_a_role_ends() {
    let space = Space::new("roles");
    let mut rollout = manifests::rollout();
    rollout["spec"]["template"]["metadata"]["labels"]["tier"] = json!("own");
    rollout["spec"]["strategy"]["canary"]["activeMetadata"] =
        json!({"labels": {"tier": "active", "extra": "yes"}});
    space.apply_all(&manifests::with(rollout));
    let hash = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    assert!(
        pods(&space, &hash).values().all(|labels| labels["tier"] == "active" && labels["extra"] == "yes")
    );
    space.kubectl(&[
        "patch",
        "rollouts.serin.dev",
        "web",
        "--type",
        "json",
        "--patch",
        r#"[{"op": "remove", "path": "/spec/strategy/canary/activeMetadata"}]"#,
    ]);
    space.until("the template's own label is back", || {
        pods(&space, &hash).values().all(|labels| labels["tier"] == "own" && labels["extra"].is_null())
    });
    assert_eq!(space.list("replicasets").len(), 1, "no new revision");
    space.judge();
}

#[test]
fn a_reused_replica_set_gets_the_preview_role_before_its_pods() {
    let space = Space::new("reuse");
    let mut rollout = manifests::rollout();
    let canary = &mut rollout["spec"]["strategy"]["canary"];
    canary["activeMetadata"] = json!({"labels": {"role": "active"}});
    canary["previewMetadata"] = json!({"labels": {"role": "preview"}});
    canary["steps"] = json!([]);
    space.apply_all(&manifests::with(rollout));
    let v1 = space.until_phase("web", "Healthy")["status"]["stableRS"].clone();
    space.set_image("web", "web:2");
    space.until("version 1 has drained", || {
        space.rollout("web")["status"]["phase"] == "Healthy"
            && space
                .list("replicasets")
                .iter()
                .any(|set| set["metadata"]["labels"][HASH] == v1 && set["spec"]["replicas"] == 0)
    });
    let before = space.writes().len();
    space.set_image("web", "web:1");
    space.until("version 1 is stable again", || space.rollout("web")["status"]["stableRS"] == v1);
    let writes = space.writes().split_off(before);
    let of_v1 = |write: &&serin_e2e::audit::Write| write.object["metadata"]["labels"][HASH] == v1;
    let roles: Vec<(Value, i64)> = writes
        .iter()
        .filter(|write| write.resource == "replicasets")
        .filter(of_v1)
        .map(|write| {
            let spec = &write.object["spec"];
            (spec["template"]["metadata"]["labels"]["role"].clone(), spec["replicas"].as_i64().unwrap_or(0))
        })
        .collect();
    let grown = roles.iter().position(|(_, replicas)| *replicas > 0).expect("it gets pods");
    assert_eq!(roles[grown].0, json!("preview"), "{roles:?}");
    assert_eq!(space.list("replicasets").len(), 2, "the retained ReplicaSet is used again");
    space.judge();
}
