//! Rollouts to measure, and when which of them was seen where.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Config, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

const NAMESPACE: &str = "default";
const PATIENCE: Duration = Duration::from_secs(180);

/// The objects of the cluster as its watches tell them.
pub struct World {
    pub client: Client,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    objects: Mutex<BTreeMap<(String, String), Value>>,
    changed: Notify,
}

/// The kinds that are measured.
pub fn resource(kind: &str) -> ApiResource {
    let (group, version, plural) = match kind {
        "Rollout" => ("serin.dev", "v1alpha1", "rollouts"),
        "HTTPRoute" => ("gateway.networking.k8s.io", "v1", "httproutes"),
        "ReplicaSet" => ("apps", "v1", "replicasets"),
        "EndpointSlice" => ("discovery.k8s.io", "v1", "endpointslices"),
        _ => ("", "v1", "services"),
    };
    let api_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    ApiResource {
        group: group.into(),
        version: version.into(),
        api_version,
        kind: kind.into(),
        plural: plural.into(),
    }
}

impl World {
    /// Connects, and watches routes, Rollouts, ReplicaSets and EndpointSlices.
    pub async fn connect(kubeconfig: &Path) -> anyhow::Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;
        let seen = Arc::new(Seen::default());
        for kind in ["Rollout", "HTTPRoute", "ReplicaSet", "EndpointSlice"] {
            tokio::spawn(follow(client.clone(), kind, Arc::clone(&seen)));
        }
        Ok(Self { client, seen })
    }

    /// The objects of one kind.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), NAMESPACE, &resource(kind))
    }

    /// Creates a Rollout of two replicas with its Services and route; steps 10, pause, 50, pause.
    pub async fn create(&self, name: &str) -> anyhow::Result<()> {
        self.create_with(name, rollout_spec(name)).await
    }

    /// Creates a Rollout with its Services and route.
    pub async fn create_with(&self, name: &str, spec: Value) -> anyhow::Result<()> {
        for service in ["stable", "canary"] {
            let spec = json!({"selector": {"app": name}, "ports": [{"port": 80}]});
            self.post("Service", &format!("{name}-{service}"), spec).await?;
        }
        let backend = |service: &str| json!({"name": format!("{name}-{service}"), "port": 80});
        let route = json!({"rules": [{"backendRefs": [backend("stable"), backend("canary")]}]});
        self.post("HTTPRoute", name, route).await?;
        self.post("Rollout", name, spec).await
    }

    /// Creates one object.
    pub async fn post(&self, kind: &str, name: &str, spec: Value) -> anyhow::Result<()> {
        let mut object = DynamicObject::new(name, &resource(kind));
        object.data = json!({"spec": spec});
        self.api(kind)
            .create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("create {kind} {name}"))?;
        Ok(())
    }

    /// Merges a patch into one object.
    pub async fn merge(&self, kind: &str, name: &str, patch: Value) -> anyhow::Result<()> {
        self.api(kind).patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    /// Wants another version.
    pub async fn update(&self, name: &str, version: &str) -> anyhow::Result<()> {
        self.merge("Rollout", name, json!({"spec": {"template": template(name, version)}})).await
    }

    /// Passes the pause at a step.
    pub async fn resume(&self, name: &str, step: i32) -> anyhow::Result<()> {
        self.merge("Rollout", name, json!({"spec": {"resume": {"step": step}}})).await
    }

    /// Waits until the canary Service's weight is this.
    pub async fn weight(&self, name: &str, weight: i64) -> anyhow::Result<Instant> {
        self.until("HTTPRoute", name, |route| {
            route["spec"]["rules"][0]["backendRefs"][1]["weight"] == json!(weight)
        })
        .await
    }

    /// Waits until the Rollout's phase is this for the version that is wanted.
    pub async fn phase(&self, name: &str, phase: &str) -> anyhow::Result<Instant> {
        let observed =
            |rollout: &Value| rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"];
        self.until("Rollout", name, |rollout| observed(rollout) && rollout["status"]["phase"] == json!(phase))
            .await
    }

    /// Waits until an object is seen as wanted, and tells when that was.
    pub async fn until(
        &self,
        kind: &str,
        name: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> anyhow::Result<Instant> {
        let key = (kind.to_owned(), name.to_owned());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let changed = self.seen.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            if self.seen.lock().get(&key).is_some_and(&wanted) {
                return Ok(now);
            }
            if tokio::time::timeout_at(deadline.into(), changed).await.is_err() {
                let last = self.seen.lock().get(&key).cloned().unwrap_or_default();
                anyhow::bail!("{kind} {name} did not become as wanted: {last:#}");
            }
        }
    }
}

impl Seen {
    // Only whole values are moved under the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Value>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn follow(client: Client, kind: &'static str, seen: Arc<Seen>) {
    let api: Api<DynamicObject> = Api::namespaced_with(client, NAMESPACE, &resource(kind));
    let mut events = watcher::watcher(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        if let Ok(Event::Apply(object) | Event::InitApply(object)) = event {
            let name = object.name_any();
            let value = serde_json::to_value(&object).unwrap_or_default();
            seen.lock().insert((kind.to_owned(), name), value);
            seen.changed.notify_waiters();
        }
    }
}

/// A pod template of one small container.
pub fn template(name: &str, version: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "web", "image": format!("web:{version}")}]},
    })
}

/// What [`World::create`] creates.
pub fn rollout_spec(name: &str) -> Value {
    json!({
        "replicas": 2,
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": {"app": name}},
        "template": template(name, "v1"),
        "strategy": {"canary": {
            "stableService": format!("{name}-stable"),
            "canaryService": format!("{name}-canary"),
            "scaleDownDelaySeconds": 1,
            "abortScaleDownDelaySeconds": 1,
            "trafficRouting": {"gatewayAPI": {"httpRoute": name}},
            "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}],
        }},
    })
}
