//! Lives of Rollouts behind a gateway that lags: promotions, aborts, newer templates and ways back, side by side.
//!
//! Each Rollout has three routes: one with the weights, and two for clients that are pinned to one Service. Requests go
//! through all three, all the time.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{FakeGateway, Manner, Tally};
use crate::api::{Api, Language};
use crate::space::Space;

/// Requests that are sent each second.
const RATE: u32 = 2000;
/// Requests by which the split of a step is judged, and by how much it may differ from the weight, in percent.
const SAMPLE: u64 = 600;
const TOLERANCE: f64 = 3.0;
/// How long anything may take, beside the lags.
const PATIENCE: Duration = Duration::from_secs(90);
const HASH: &str = "rollouts-pod-template-hash";

/// How late requests are, and for how long pods stay that traffic has left.
#[derive(Clone, Copy, Debug)]
pub struct Lags {
    pub routes: SignedDuration,
    pub endpoints: SignedDuration,
    /// In seconds; what Serin does by default where it is not given.
    pub scale_down_delay: Option<u32>,
}

/// Plays all lives in a namespace of its own and expects that no request fails.
pub fn play(name: &str, lags: Lags) {
    let began = Instant::now();
    let space = Space::new(name);
    let manner = Manner {
        reports_after: lags.routes,
        routes_after: lags.routes,
        endpoints_after: lags.endpoints,
        ..Manner::default()
    };
    let gateway = FakeGateway::start(&space, manner);
    let names = ["promoted", "aborted", "superseded", "returned"];
    let lives = names.map(|name| Life::deploy(&space, &gateway, name, lags.scale_down_delay));
    lives.iter().for_each(Life::until_served);
    gateway.send(RATE);
    let began_sending = Instant::now();
    let [promoted, aborted, superseded, returned] = &lives;
    std::thread::scope(|scope| {
        scope.spawn(|| promoted.is_promoted_twice());
        scope.spawn(|| aborted.is_aborted_and_retried_and_promoted());
        scope.spawn(|| superseded.is_superseded_and_promoted());
        scope.spawn(|| returned.goes_back_before_and_after_a_promotion());
    });
    let seconds = began_sending.elapsed().as_secs();
    eprintln!("{name}: {seconds} s of requests, {} s in all, {lags:?}", began.elapsed().as_secs());
    gateway.expect_no_failure(&space, seconds.saturating_sub(1) * u64::from(RATE));
    space.judge();
}

/// One Rollout, its Services `NAME-stable` and `NAME-canary`, and its routes `NAME`, `NAME-old` and `NAME-new`.
struct Life<'s> {
    space: &'s Space,
    gateway: &'s FakeGateway,
    api: Api,
    name: &'static str,
}

impl<'s> Life<'s> {
    fn deploy(
        space: &'s Space,
        gateway: &'s FakeGateway,
        name: &'static str,
        scale_down_delay: Option<u32>,
    ) -> Self {
        space.apply_all(&manifests(name, scale_down_delay));
        Self { space, gateway, api: space.api(), name }
    }

    fn is_promoted_twice(&self) {
        for version in ["web:2", "web:3"] {
            let before = self.gateway.tally(&self.pinned("old"));
            self.update(version);
            self.until_paused_at(1);
            self.until_split(20, version);
            self.resume(1);
            self.until_paused_at(3);
            self.until_split(60, version);
            let old = self.gateway.tally(&self.pinned("old")).since(&before);
            if old.share(version) > 0.0 || old.sent == 0 {
                self.space.fail(&format!("{}-old sees {version} before its promotion: {old:?}", self.name));
            }
            self.resume(3);
            self.until_alone(version);
        }
    }

    fn is_aborted_and_retried_and_promoted(&self) {
        self.update("web:2");
        self.until_paused_at(1);
        // At once: requests do not follow the first weight yet.
        self.abort();
        self.until_alone("web:1");
        self.update("web:3");
        self.until_paused_at(1);
        self.resume(1);
        self.until_paused_at(3);
        self.until_split(60, "web:3");
        self.abort();
        // At once: its pods do not even drain yet.
        self.retry();
        self.until_paused_at(1);
        self.abort();
        self.until_alone("web:1");
        self.walk("web:4");
        self.until_alone("web:4");
    }

    fn is_superseded_and_promoted(&self) {
        for (first, newer) in [("web:2", "web:3"), ("web:4", "web:5")] {
            self.update(first);
            self.until_paused_at(1);
            self.resume(1);
            self.until_paused_at(3);
            self.walk(newer);
            self.until_alone(newer);
        }
    }

    fn goes_back_before_and_after_a_promotion(&self) {
        self.update("web:2");
        self.until_paused_at(1);
        self.resume(1);
        self.until_paused_at(3);
        self.update("web:1");
        self.until_healthy();
        self.walk("web:3");
        // At once: its pods still drain.
        self.walk("web:1");
        self.until_alone("web:1");
    }

    /// Promotes a version without looking at anything but the steps.
    fn walk(&self, version: &str) {
        self.update(version);
        self.until_paused_at(1);
        self.resume(1);
        self.until_paused_at(3);
        self.resume(3);
        self.until_healthy();
    }

    fn pinned(&self, to: &str) -> String {
        format!("{}-{to}", self.name)
    }

    fn update(&self, image: &str) {
        let path = "/spec/template/spec/containers/0/image";
        self.patch(self.name, Language::Json, &json!([{"op": "replace", "path": path, "value": image}]));
        // Until the operator has seen it, status speaks of the template before.
        self.until("the template is seen", is_observed);
    }

    fn resume(&self, step: i64) {
        self.patch(self.name, Language::Merge, &json!({"spec": {"resume": {"step": step}}}));
        self.until("the request is judged", |rollout| rollout["spec"]["resume"].is_null());
    }

    fn abort(&self) {
        let annotations = json!({"serin.dev/abort": "current"});
        self.patch(self.name, Language::Merge, &json!({"metadata": {"annotations": annotations}}));
        self.until("it is aborted", |rollout| rollout["status"]["phase"] == "Degraded");
    }

    fn retry(&self) {
        let status = json!({"status": {"abort": false}});
        self.patch(&format!("{}/status", self.name), Language::Merge, &status);
    }

    fn patch(&self, name: &str, language: Language, patch: &Value) {
        if let Err(refusal) = self.api.patch("rollouts", name, language, patch) {
            self.space.fail(&format!("{patch} of {name}: {refusal:?}"));
        }
    }

    fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.api.get("rollouts", self.name).is_some_and(|rollout| wanted(&rollout)) {
            if Instant::now() > deadline {
                self.space.fail(&format!("{}: never: {what}", self.name));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn until_healthy(&self) {
        self.until("it is healthy", |rollout| {
            let status = &rollout["status"];
            is_observed(rollout)
                && status["phase"] == "Healthy"
                && status["stableRS"] == status["currentPodHash"]
        });
    }

    fn until_paused_at(&self, step: i64) {
        self.until(&format!("it pauses at step {step}"), |rollout| {
            let status = &rollout["status"];
            is_observed(rollout) && status["phase"] == "Paused" && status["currentStepIndex"] == json!(step)
        });
    }

    /// Waits until requests through all three routes are answered.
    fn until_served(&self) {
        self.until_healthy();
        self.until("requests follow", |_| {
            let services = ["stable", "canary"].map(|service| self.gateway.pods(&self.pinned(service)));
            self.gateway.weights(self.name) == [[100, 0]] && services == [REPLICAS, REPLICAS]
        });
    }

    /// Waits until requests follow a weight, and expects that they are split by it.
    fn until_split(&self, weight: i64, image: &str) {
        let has_canary = |tally: &Tally| tally.share(image) > 0.0;
        self.until(&format!("requests follow weight {weight}"), |_| {
            self.gateway.weights(self.name) == [[100 - weight, weight]]
        });
        let pinned = self.gateway.tally(&self.pinned("new"));
        self.until("requests reach the new pods", |_| {
            has_canary(&self.gateway.tally(&self.pinned("new")).since(&pinned))
        });
        let before = self.gateway.tally(self.name);
        let mut seen = Tally::default();
        let deadline = Instant::now() + PATIENCE;
        while seen.sent < SAMPLE && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
            seen = self.gateway.tally(self.name).since(&before);
        }
        let share = seen.share(image);
        if seen.sent < SAMPLE || (share - weight as f64).abs() > TOLERANCE {
            self.space.fail(&format!(
                "{}: {share:.1} percent of {} requests at weight {weight}",
                self.name, seen.sent
            ));
        }
    }

    /// Waits until a version is the only one that has pods, and requests follow that.
    fn until_alone(&self, image: &str) {
        let is_of_version = |set: &Value| set["spec"]["template"]["spec"]["containers"][0]["image"] == image;
        self.until(&format!("only {image} has pods"), |rollout| {
            let mut sets = self.api.list("replicasets");
            sets.retain(|set| set["metadata"]["ownerReferences"][0]["uid"] == rollout["metadata"]["uid"]);
            let wanted = |set: &Value| if is_of_version(set) { REPLICAS } else { 0 };
            let is_there = |set: &Value| set["status"]["replicas"].as_u64() == Some(wanted(set) as u64);
            sets.iter().all(is_there) && sets.iter().any(is_of_version)
        });
        let hash = |service: &str| {
            self.api
                .get("services", &self.pinned(service))
                .map(|found| found["spec"]["selector"][HASH].clone())
        };
        self.until("requests follow", |_| {
            hash("stable") == hash("canary")
                && self.gateway.weights(self.name) == [[100, 0]]
                && self.gateway.pods(&self.pinned("canary")) == REPLICAS
        });
    }
}

const REPLICAS: usize = 3;

fn is_observed(rollout: &Value) -> bool {
    rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"]
}

fn manifests(name: &str, scale_down_delay: Option<u32>) -> Vec<Value> {
    let (stable, canary) = (format!("{name}-stable"), format!("{name}-canary"));
    let service = |service: &str| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": service},
            "spec": {"selector": {"app": name}, "ports": [{"port": 80}]},
        })
    };
    let route = |route: &str, host: &str, services: &[&String]| {
        let backends: Vec<Value> =
            services.iter().map(|service| json!({"name": service, "port": 80})).collect();
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": route},
            "spec": {
                "parentRefs": [{"name": super::NAME}], "hostnames": [format!("{host}.{name}.example.com")],
                "rules": [{"backendRefs": backends}],
            },
        })
    };
    let mut strategy = json!({
        "stableService": stable, "canaryService": canary,
        "trafficRouting": {"gatewayAPI": {"httpRoute": name}},
        "steps": [{"setWeight": 20}, {"pause": {}}, {"setWeight": 60}, {"pause": {}}],
    });
    if let Some(delay) = scale_down_delay {
        strategy["scaleDownDelaySeconds"] = json!(delay);
        strategy["abortScaleDownDelaySeconds"] = json!(delay);
    }
    let rollout = json!({
        "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
        "spec": {
            "replicas": REPLICAS, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": strategy},
        },
    });
    vec![
        service(&stable),
        service(&canary),
        route(name, "app", &[&stable, &canary]),
        route(&format!("{name}-old"), "old", &[&stable]),
        route(&format!("{name}-new"), "new", &[&canary]),
        rollout,
    ]
}
