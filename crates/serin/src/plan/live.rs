//! What a cluster holds, read and never written.

use std::time::Duration;

use anyhow::Context as _;
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use serin_process::error::brief;
use tokio::time::timeout;

/// How long one list may take.
const CALL: Duration = Duration::from_secs(30);

/// Everything in a namespace that a plan is made from.
///
/// # Errors
/// The API server cannot be reached, or refuses.
pub async fn read(client: &Client, group: &str, namespace: &str) -> anyhow::Result<Vec<Value>> {
    let rollouts = format!("{group}/{}", serin_api::rollout::VERSION);
    let mut objects = Vec::new();
    for (api_version, kind, plural) in [
        (rollouts.as_str(), "Rollout", "rollouts"),
        ("apps/v1", "ReplicaSet", "replicasets"),
        ("v1", "Pod", "pods"),
        ("v1", "Service", "services"),
        ("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
        // Only these are played.
        ("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
        ("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes"),
    ] {
        let root = if api_version.contains('/') { "apis" } else { "api" };
        let path = format!("/{root}/{api_version}/namespaces/{namespace}/{plural}");
        let mut items = list(client, &path).await.with_context(|| format!("cannot list {plural}"))?;
        for item in &mut items {
            // Lists of built-in kinds do not repeat it.
            item["apiVersion"] = json!(api_version);
            item["kind"] = json!(kind);
        }
        objects.extend(items.into_iter().filter(|object| kind != "Pod" || is_live(object)));
    }
    Ok(objects)
}

async fn list(client: &Client, path: &str) -> anyhow::Result<Vec<Value>> {
    let request = Request::get(path).body(Vec::new())?;
    match timeout(CALL, client.request::<Value>(request)).await.context("no answer")? {
        Ok(list) => Ok(list["items"].as_array().cloned().unwrap_or_default()),
        // The kind is not served: there are none.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => anyhow::bail!("{}", brief(&error)),
    }
}

/// Pods that have ended play no part any more.
fn is_live(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether it is a pod that is not ready.
pub fn is_unready_pod(object: &Value) -> bool {
    let mut conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    object["kind"] == "Pod" && !ready
}
