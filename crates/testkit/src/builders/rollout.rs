//! Rollouts.

use serde_json::{Value, json};
use serin_api::names::DEFAULT_GROUP;
use serin_api::{Names, Rollout};

use super::{APP, CANARY, NAMESPACE, ROUTE, STABLE, pod_template, stored};

/// A Rollout under construction.
#[derive(Clone, Debug)]
pub struct RolloutBuilder {
    manifest: Value,
    steps: Vec<Value>,
}

/// A Rollout of the image `web:1` with one replica and no steps.
pub fn rollout(name: &str) -> RolloutBuilder {
    let manifest = json!({
        "apiVersion": Names::for_group(DEFAULT_GROUP).api_version(),
        "kind": "Rollout",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": APP } },
            "template": pod_template(APP, "web:1"),
            "strategy": { "canary": {
                "stableService": STABLE,
                "canaryService": CANARY,
                "trafficRouting": { "gatewayAPI": { "httpRoute": ROUTE } },
            } },
        },
    });
    RolloutBuilder { manifest, steps: Vec::new() }
}

impl RolloutBuilder {
    /// Sets any field by its JSON pointer; parents that are absent are made.
    ///
    /// # Panics
    /// The pointer leads through something that is no object.
    #[must_use]
    pub fn set(mut self, pointer: &str, value: Value) -> Self {
        let names = pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~"));
        let field = names.fold(&mut self.manifest, |parent, name| &mut parent[name]);
        *field = value;
        self
    }

    fn canary(self, field: &str, value: Value) -> Self {
        self.set(&format!("/spec/strategy/canary/{field}"), value)
    }

    #[must_use]
    pub fn namespace(self, namespace: &str) -> Self {
        self.set("/metadata/namespace", json!(namespace))
    }

    #[must_use]
    pub fn group(self, group: &str) -> Self {
        self.set("/apiVersion", json!(Names::for_group(group).api_version()))
    }

    #[must_use]
    pub fn label(self, name: &str, value: &str) -> Self {
        self.set(&format!("/metadata/labels/{}", escape(name)), json!(value))
    }

    #[must_use]
    pub fn annotation(self, name: &str, value: &str) -> Self {
        self.set(&format!("/metadata/annotations/{}", escape(name)), json!(value))
    }

    #[must_use]
    pub fn finalizers(self, finalizers: &[&str]) -> Self {
        self.set("/metadata/finalizers", json!(finalizers))
    }

    #[must_use]
    pub fn uid(self, uid: &str) -> Self {
        self.set("/metadata/uid", json!(uid))
    }

    #[must_use]
    pub fn generation(self, generation: i64) -> Self {
        self.set("/metadata/generation", json!(generation))
    }

    #[must_use]
    pub fn replicas(self, replicas: i32) -> Self {
        self.set("/spec/replicas", json!(replicas))
    }

    /// Selects pods by another value of the label `app`, and gives it to them.
    #[must_use]
    pub fn app(self, app: &str) -> Self {
        self.set("/spec/selector/matchLabels/app", json!(app))
            .set("/spec/template/metadata/labels/app", json!(app))
    }

    /// Sets the image of the only container.
    #[must_use]
    pub fn image(mut self, image: &str) -> Self {
        self.manifest["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        self
    }

    #[must_use]
    pub fn template(self, template: Value) -> Self {
        self.set("/spec/template", template)
    }

    #[must_use]
    pub fn paused(self, paused: bool) -> Self {
        self.set("/spec/paused", json!(paused))
    }

    #[must_use]
    pub fn min_ready_seconds(self, seconds: i32) -> Self {
        self.set("/spec/minReadySeconds", json!(seconds))
    }

    #[must_use]
    pub fn progress_deadline_seconds(self, seconds: i32) -> Self {
        self.set("/spec/progressDeadlineSeconds", json!(seconds))
    }

    #[must_use]
    pub fn revision_history_limit(self, limit: i32) -> Self {
        self.set("/spec/revisionHistoryLimit", json!(limit))
    }

    #[must_use]
    pub fn scale_down_delay_seconds(self, seconds: i32) -> Self {
        self.canary("scaleDownDelaySeconds", json!(seconds))
    }

    #[must_use]
    pub fn abort_scale_down_delay_seconds(self, seconds: i32) -> Self {
        self.canary("abortScaleDownDelaySeconds", json!(seconds))
    }

    #[must_use]
    pub fn services(self, stable: &str, canary: &str) -> Self {
        self.canary("stableService", json!(stable)).canary("canaryService", json!(canary))
    }

    #[must_use]
    pub fn route(self, name: &str) -> Self {
        self.canary("trafficRouting/gatewayAPI/httpRoute", json!(name))
    }

    /// Labels of stable pods.
    #[must_use]
    pub fn active_labels(self, labels: &[(&str, &str)]) -> Self {
        self.canary("activeMetadata/labels", map(labels))
    }

    /// Labels of canary pods.
    #[must_use]
    pub fn preview_labels(self, labels: &[(&str, &str)]) -> Self {
        self.canary("previewMetadata/labels", map(labels))
    }

    /// Annotations of stable pods.
    #[must_use]
    pub fn active_annotations(self, annotations: &[(&str, &str)]) -> Self {
        self.canary("activeMetadata/annotations", map(annotations))
    }

    /// Annotations of canary pods.
    #[must_use]
    pub fn preview_annotations(self, annotations: &[(&str, &str)]) -> Self {
        self.canary("previewMetadata/annotations", map(annotations))
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Value) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a step that gives the canary so many percent.
    #[must_use]
    pub fn set_weight(self, percent: i32) -> Self {
        self.step(json!({ "setWeight": percent }))
    }

    /// Adds a step that waits for a person.
    #[must_use]
    pub fn pause(self) -> Self {
        self.step(json!({ "pause": {} }))
    }

    /// Adds a step that waits for so many seconds.
    #[must_use]
    pub fn pause_for(self, seconds: i64) -> Self {
        self.step(json!({ "pause": { "duration": seconds } }))
    }

    #[must_use]
    pub fn status(self, status: Value) -> Self {
        self.set("/status", status)
    }

    /// What a user would apply.
    pub fn manifest(self) -> Value {
        let Self { mut manifest, steps } = self;
        if !steps.is_empty() {
            manifest["spec"]["strategy"]["canary"]["steps"] = json!(steps);
        }
        manifest
    }

    /// The object as it would be read from a server that has just stored it.
    ///
    /// # Panics
    /// It is no Rollout.
    pub fn build(self) -> Rollout {
        let manifest = stored(self.manifest());
        serde_json::from_value(manifest).unwrap_or_else(|error| panic!("no Rollout: {error}"))
    }
}

fn map(entries: &[(&str, &str)]) -> Value {
    entries.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
