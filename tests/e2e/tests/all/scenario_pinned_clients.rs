//! Scenario A, with the manifests of the documentation as they are.

use serde_json::{Value, json};
use serin_e2e::Space;

const NAME: &str = "static-rollouts-demo";
const ROUTE: &str = "canary-route";

#[test]
fn weights_walk_and_only_the_named_route_is_written() {
    let space = Space::new("pinned");
    // The examples name the namespace `default` nowhere, so they can be applied to any.
    for file in ["services", "routes", "rollout"] {
        space.apply_file(&format!("examples/pinned-clients/{file}.yaml"));
    }
    let v1 = space.until_phase(NAME, "Healthy")["status"]["stableRS"].as_str().unwrap().to_owned();
    assert_eq!(space.weights(ROUTE), (100, 0));
    let pinned = |space: &Space| {
        ["always-old-version", "always-new-version"].map(|name| {
            let mut route = space.get("httproute", name);
            route["status"] = Value::Null;
            route
        })
    };
    let (before, first_write) = (pinned(&space), space.writes().len());

    space.set_image(NAME, "kostiscodefresh/summer-of-k8s-app:v2");
    let paused = space.until_paused_at(NAME, 1);
    assert_eq!(space.weights(ROUTE), (90, 10));
    let v2 = paused["status"]["currentPodHash"].as_str().unwrap().to_owned();
    assert_eq!(space.selected("argo-rollouts-stable-service"), Some(v1.clone()));
    assert_eq!(space.selected("argo-rollouts-canary-service"), Some(v2.clone()));
    let command = paused["status"]["waitingFor"][0]["unblock"].as_str().unwrap();
    assert!(command.starts_with("kubectl patch rollouts.serin.dev static-rollouts-demo -n "), "{command}");

    space.patch(NAME, json!({"spec": {"resume": {"step": 1}}}));
    space.until_paused_at(NAME, 3);
    assert_eq!(space.weights(ROUTE), (50, 50));
    assert_eq!(space.rollout(NAME)["spec"]["resume"], json!(null), "the request is consumed");

    let promoted = space.until_phase(NAME, "Healthy");
    assert_eq!(promoted["status"]["stableRS"], json!(v2));
    assert_eq!(space.weights(ROUTE), (100, 0));
    for service in ["argo-rollouts-stable-service", "argo-rollouts-canary-service"] {
        assert_eq!(space.selected(service), Some(v2.clone()));
    }
    assert_eq!(before, pinned(&space), "the other routes are byte-identical");

    let writes = space.writes().split_off(first_write);
    let brief: Vec<String> = writes.iter().map(|write| write.brief()).collect();
    assert!(writes.iter().all(|write| write.resource != "httproutes" || write.name == ROUTE), "{brief:#?}");
    let weights: Vec<i64> = writes.iter().filter_map(|write| write.canary_weight()).collect();
    assert_eq!(weights, [10, 50, 100, 0]);
    for write in writes.iter().filter(|write| write.resource == "httproutes") {
        let changes = write.body.as_array().unwrap().iter().filter(|op| op["op"] != "test");
        assert!(
            changes.clone().count() == 2
                && changes.clone().all(|op| op["path"].as_str().unwrap().ends_with("/weight"))
        );
    }
    // The commit comes between weight 100 and the move of the stable Service; weight 0 only after that.
    let place =
        |what: &dyn Fn(&serin_e2e::audit::Write) -> bool| writes.iter().position(what).expect("is there");
    let all = place(&|write| write.canary_weight() == Some(100));
    let commit = place(&|write| write.object["metadata"]["annotations"]["serin.dev/stable"] == "2");
    let moved =
        place(&|write| write.name == "argo-rollouts-stable-service" && write.selected() == Some(&*v2));
    let back = place(&|write| write.canary_weight() == Some(0));
    assert!(all < commit && commit < moved && moved < back, "{brief:#?}");

    space.until("the old pods drain", || {
        space
            .list("replicasets")
            .iter()
            .any(|set| set["status"]["replicas"] == 0 && set["spec"]["replicas"] == 0)
    });
    let writes = space.writes().split_off(first_write);
    // On a busy machine pods take longer, and counters are told once a second: status comes on top.
    let without_status: Vec<String> = writes
        .iter()
        .filter(|write| write.resource != "rollouts/status")
        .map(|write| write.brief())
        .collect();
    assert_eq!(without_status.len(), 12, "{without_status:#?}");
    let events = space.events(NAME);
    let of_canary = events.iter().skip_while(|(_, note)| !note.contains("(revision 2)")).count();
    assert!(of_canary <= 12, "{events:#?}");
    space.judge();
}
