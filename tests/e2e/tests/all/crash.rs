//! An operator that is killed at any moment always gets where it would have got.
//!
//! `SERIN_SEED=NUMBER` asks for the moments of an earlier run.

use serde_json::{Value, json};
use serin_e2e::{Chance, Space, space};

const HASH: &str = "rollouts-pod-template-hash";

/// How often it is killed in each phase of a canary, and how often after the last one, while the old pods drain.
const KILLS: usize = 6;
const LAST_KILLS: usize = 3;

/// How long it lives at most, in milliseconds: long enough to come to write, and on most occasions not to finish.
const LIFETIME: u64 = 700;

struct Example {
    folder: &'static str,
    /// Services and routes.
    others: &'static [&'static str],
    name: &'static str,
    route: &'static str,
    /// Stable, canary.
    services: [&'static str; 2],
    /// The steps that pause until a person resumes.
    pauses: &'static [i64],
}

const PINNED_CLIENTS: Example = Example {
    folder: "examples/pinned-clients",
    others: &["services", "routes"],
    name: "static-rollouts-demo",
    route: "canary-route",
    services: ["argo-rollouts-stable-service", "argo-rollouts-canary-service"],
    pauses: &[1],
};

const CANARY_AWARE: Example = Example {
    folder: "examples/canary-aware",
    others: &["services", "route"],
    name: "rollouts-demo",
    route: "argo-rollouts-http-route",
    services: ["rollouts-demo-stable", "rollouts-demo-canary"],
    pauses: &[1, 3],
};

impl Example {
    /// The Rollout of the documentation, with pauses that do not take longer than a second.
    fn rollout(&self) -> Value {
        let file = space::root().join(self.folder).join("rollout.yaml");
        let text = std::fs::read_to_string(file).unwrap();
        let mut rollout: Value = serde_yaml::from_str(&text).unwrap();
        for step in rollout["spec"]["strategy"]["canary"]["steps"].as_array_mut().unwrap() {
            if !step["pause"]["duration"].is_null() {
                step["pause"]["duration"] = json!("1s");
            }
        }
        rollout
    }

    fn completes_however_often_it_is_killed(&self, space_name: &str) {
        let mut chance = Chance::from_environment();
        let mut space = Space::new(space_name);
        for file in self.others {
            space.apply_file(&format!("{}/{file}.yaml", self.folder));
        }
        space.apply_all(&[self.rollout()]);
        let v1 = space.until_phase(self.name, "Healthy")["status"]["stableRS"].clone();

        space.set_image(self.name, "example/another:version");
        kill(&mut space, &mut chance, KILLS);
        for pause in self.pauses {
            space.until_paused_at(self.name, *pause);
            space.patch(self.name, json!({"spec": {"resume": {"step": pause}}}));
            kill(&mut space, &mut chance, KILLS);
        }
        space.until("the new version is stable", || {
            let status = &space.rollout(self.name)["status"];
            status["phase"] == "Healthy"
                && status["stableRS"] == status["currentPodHash"]
                && status["stableRS"] != v1
        });
        kill(&mut space, &mut chance, LAST_KILLS);
        self.is_where_it_belongs(&space);
        space.judge();
    }

    fn is_where_it_belongs(&self, space: &Space) {
        let rollout = space.until_phase(self.name, "Healthy");
        let stable = &rollout["status"]["stableRS"];
        assert_eq!(space.weights(self.route), (100, 0));
        for service in self.services {
            assert_eq!(space.selected(service).as_deref(), stable.as_str());
        }
        let active = &rollout["spec"]["strategy"]["canary"]["activeMetadata"]["labels"];
        space.until("every new pod has its role", || {
            let pods = space.list("pods");
            let labels: Vec<&Value> = pods
                .iter()
                .map(|pod| &pod["metadata"]["labels"])
                .filter(|labels| labels[HASH] == *stable)
                .collect();
            let carries = |labels: &&Value| {
                active.as_object().into_iter().flatten().all(|(name, value)| labels[name] == *value)
            };
            labels.len() == 5 && labels.iter().all(carries)
        });
    }
}

/// Kills the operator so many times, each time at a random moment of its life.
fn kill(space: &mut Space, chance: &mut Chance, times: usize) {
    for _ in 0..times {
        chance.sleep_below(LIFETIME);
        space.crash();
    }
}

#[test]
fn pinned_clients_complete_however_often_the_operator_is_killed() {
    PINNED_CLIENTS.completes_however_often_it_is_killed("crash-pinned");
}

#[test]
fn canary_aware_pods_complete_however_often_the_operator_is_killed() {
    CANARY_AWARE.completes_however_often_it_is_killed("crash-aware");
}
