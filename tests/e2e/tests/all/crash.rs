//! An operator that is killed at any moment always gets where it would have got.

use std::time::Duration;

use serde_json::json;
use serin_e2e::{Space, manifests};

/// Moments after a change at which it is killed: before, within and after every phase of a canary on this machine.
const MOMENTS: [u64; 8] = [0, 15, 30, 45, 60, 90, 140, 250];

#[test]
fn killed_at_any_moment_it_converges() {
    let mut space = Space::new("crash");
    let mut rollout = manifests::rollout();
    let canary = &mut rollout["spec"]["strategy"]["canary"];
    canary["activeMetadata"] = json!({"labels": {"role": "active"}});
    canary["previewMetadata"] = json!({"labels": {"role": "preview", "queue": "preview"}});
    canary["steps"] = json!([{"setWeight": 10}, {"pause": {"duration": "1s"}}, {"setWeight": 50}]);
    space.apply_all(&manifests::with(rollout));
    space.until_phase("web", "Healthy");
    for (version, moment) in MOMENTS.into_iter().enumerate() {
        let image = format!("web:{}", version + 2);
        space.set_image("web", &image);
        std::thread::sleep(Duration::from_millis(moment));
        restart(&mut space);
        // And once more somewhere in the second half, when weights are on their way to 100 and back.
        std::thread::sleep(Duration::from_millis(900 + moment));
        restart(&mut space);
        space.until("the new version is stable", || {
            let rollout = space.rollout("web");
            let status = &rollout["status"];
            status["phase"] == "Healthy"
                && status["observedGeneration"] == rollout["metadata"]["generation"]
                && status["stableRS"] == status["currentPodHash"]
        });
        assert_eq!(space.weights("route"), (100, 0));
        let stable = space.rollout("web")["status"]["stableRS"].as_str().unwrap().to_owned();
        assert_eq!(space.selected("stable"), Some(stable.clone()));
        assert_eq!(space.selected("canary"), Some(stable.clone()));
        space.until("every stable pod is active", || {
            let pods = space.list("pods");
            let mut ours = pods.iter().map(|pod| &pod["metadata"]["labels"]);
            ours.clone().filter(|labels| labels["rollouts-pod-template-hash"] == json!(stable)).count() == 2
                && ours.all(|labels| {
                    labels["rollouts-pod-template-hash"] != json!(stable)
                        || labels["role"] == "active" && labels["queue"].is_null()
                })
        });
    }
}

/// SIGKILL, and a new process that need not wait for the old one's lease to run out.
fn restart(space: &mut Space) {
    space.operator.take().unwrap().kill();
    space.kubectl(&["delete", "lease", "serin", "--ignore-not-found"]);
    space.start();
}
