//! One Rollout of a test, in short words.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Site;

/// The variable that tells pods of the example the version to answer with.
pub const VERSION: &str = "APP_VERSION";

/// A Rollout in the namespace `default`.
pub struct Rollout<'s> {
    pub site: &'s Site,
    pub name: &'static str,
}

impl<'s> Rollout<'s> {
    /// The example of pinned clients, healthy, with an image that this machine has.
    pub fn pinned_clients(site: &'s Site) -> Self {
        Self::pinned_clients_of(site, "localhost/web-app:v1")
    }

    /// The same, and pods answer with a version that [`Self::set_version`] can change.
    pub fn pinned_clients_of_version(site: &'s Site, version: u32) -> Self {
        let variable = format!("{{name: {VERSION}, value: \"{version}\"}}");
        Self::pinned_clients_of(site, &format!("localhost/web-app:v1\n          env: [{variable}]"))
    }

    fn pinned_clients_of(site: &'s Site, image: &str) -> Self {
        for file in ["services", "routes"] {
            site.apply_example(&format!("pinned-clients/{file}.yaml"), &[]);
        }
        let image = ("kostiscodefresh/summer-of-k8s-app:v1", image);
        site.apply_example("pinned-clients/rollout.yaml", &[image]);
        let rollout = Self { site, name: "static-rollouts-demo" };
        rollout.until_healthy();
        rollout
    }

    /// The example of a queue worker, healthy.
    pub fn queue_worker(site: &'s Site) -> Self {
        for file in ["rbac", "services", "route", "rollout"] {
            site.apply_example(&format!("queue-worker/{file}.yaml"), &[]);
        }
        let rollout = Self { site, name: "queue-worker" };
        rollout.until_healthy();
        rollout
    }

    pub fn object(&self) -> Value {
        self.site.get("rollouts.serin.dev", self.name)
    }

    pub fn status(&self) -> Value {
        self.object()["status"].clone()
    }

    pub fn patch(&self, patch: &Value) {
        let patch = patch.to_string();
        self.site.must(&["patch", "rollouts.serin.dev", self.name, "--type=merge", "--patch", &patch]);
    }

    /// Changes the image of the one container.
    pub fn set_image(&self, image: &str) {
        let path = "/spec/template/spec/containers/0/image";
        let patch = json!([{"op": "replace", "path": path, "value": image}]).to_string();
        self.site.must(&["patch", "rollouts.serin.dev", self.name, "--type=json", "--patch", &patch]);
    }

    /// Changes the one variable of the one container: another template, whose pods answer with that version.
    pub fn set_version(&self, version: u32) {
        let path = "/spec/template/spec/containers/0/env/0/value";
        let patch = json!([{"op": "replace", "path": path, "value": version.to_string()}]).to_string();
        self.site.must(&["patch", "rollouts.serin.dev", self.name, "--type=json", "--patch", &patch]);
    }

    /// The command that changes the image of the one container.
    pub fn image_command(&self, image: &str) -> String {
        let patch =
            json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}]);
        format!("kubectl patch rollouts.serin.dev {} --type json -p '{patch}'", self.name)
    }

    /// Passes the pause at a step, as people do it.
    pub fn resume(&self, step: i64) {
        self.patch(&json!({"spec": {"resume": {"step": step}}}));
    }

    pub fn abort(&self) {
        self.site.must(&["annotate", "rollouts.serin.dev", self.name, "serin.dev/abort=current"]);
    }

    pub fn until_healthy(&self) -> Value {
        self.site.until(&format!("{} is healthy", self.name), || {
            let rollout = self.object();
            let status = &rollout["status"];
            status["phase"] == "Healthy"
                && status["observedGeneration"] == rollout["metadata"]["generation"]
                && status["stableRS"] == status["currentPodHash"]
        });
        self.status()
    }

    pub fn until_paused_at(&self, step: i64) -> Value {
        self.site.until(&format!("{} pauses at step {step}", self.name), || {
            let status = self.status();
            status["phase"] == "Paused" && status["currentStepIndex"] == step
        });
        self.status()
    }

    pub fn until_aborted(&self) {
        self.site.until(&format!("{} is aborted", self.name), || {
            let status = self.status();
            status["phase"] == "Degraded" && status["abort"] == true
        });
    }

    /// Waits until a revision has no pod left, terminating ones included.
    pub fn until_gone(&self, hash: &str) {
        let selector = format!("rollouts-pod-template-hash={hash}");
        self.site
            .until(&format!("no pod of {hash} is left"), || self.site.list("pods", &selector).is_empty());
    }

    pub fn pods_of(&self, hash: &str) -> Vec<Value> {
        self.site.list("pods", &format!("rollouts-pod-template-hash={hash}"))
    }

    /// The weights of the stable and the canary Service on a route with one rule.
    pub fn weights(&self, route: &str) -> (i64, i64) {
        let route = self.site.get("httproute", route);
        let weight =
            |index: usize| route["spec"]["rules"][0]["backendRefs"][index]["weight"].as_i64().unwrap_or(1);
        (weight(0), weight(1))
    }
}

/// What restarts or replacements would change: each pod's uid and how often its containers were restarted.
pub fn identities(pods: &[Value]) -> Vec<(String, i64)> {
    let restarts = |pod: &Value| {
        let statuses = pod["status"]["containerStatuses"].as_array();
        statuses.into_iter().flatten().filter_map(|status| status["restartCount"].as_i64()).sum()
    };
    let uid = |pod: &Value| pod["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let mut identities: Vec<_> = pods.iter().map(|pod| (uid(pod), restarts(pod))).collect();
    identities.sort();
    identities
}

/// Pods in short: how many of which version, with a word of `more` about each, as in `4 v1 active, 1 v2 preview`.
pub fn counted(pods: &[Value], more: impl Fn(&Value) -> String) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for pod in pods {
        let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
        let version = image.rsplit_once(':').map_or(image, |(_, version)| version);
        *counts.entry(format!("{version} {}", more(pod)).trim().to_owned()).or_default() += 1;
    }
    counts.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}
