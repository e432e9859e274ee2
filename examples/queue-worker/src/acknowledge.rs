//! Tells Serin which role this pod works in.
//!
//! A label on a pod says what the pod should do. Whether its process has read that and acts on it, only the process
//! knows. It says so with an annotation on its own pod, written after the consumer on the new role's queue is up. A
//! Rollout with `roleAcknowledgement` waits for it.

use std::time::Duration;

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::broker;

pub const ANNOTATION: &str = "serin.dev/role-seen";

/// This pod, as the downward API names it in the environment.
#[derive(Clone, Debug)]
pub struct OwnPod {
    pub name: String,
    pub namespace: String,
}

/// Acknowledges each role that comes, until none can come any more. It never stands in the way of the work: an API
/// server that does not answer is asked again, later and later.
pub async fn each_role(
    mut roles: watch::Receiver<Option<String>>,
    pod: OwnPod,
    client: impl Fn() -> anyhow::Result<Client>,
) {
    while roles.changed().await.is_ok() {
        let mut waits = broker::waits();
        // Read anew for each attempt: only the latest role is worth acknowledging.
        loop {
            let latest = roles.borrow_and_update().clone();
            let Some(role) = latest else { break };
            let Err(error) = acknowledge(&client, &pod, &role).await else {
                info!(role, pod = pod.name, "acknowledged");
                break;
            };
            let wait = waits.next().unwrap_or(broker::LONGEST_WAIT);
            warn!(role, error = format!("{error:#}"), ?wait, "cannot acknowledge the role; trying again");
            // Ended early by a newer role.
            tokio::time::timeout(wait, roles.changed()).await.ok();
        }
    }
}

async fn acknowledge(
    client: impl Fn() -> anyhow::Result<Client>,
    pod: &OwnPod,
    role: &str,
) -> anyhow::Result<()> {
    let pods: Api<Pod> = Api::namespaced(client()?, &pod.namespace);
    let patch = Patch::Merge(serde_json::json!({ "metadata": { "annotations": { ANNOTATION: role } } }));
    let params = PatchParams::default();
    let patched = pods.patch_metadata(&pod.name, &params, &patch);
    // The client itself waits without a limit.
    match tokio::time::timeout(Duration::from_secs(5), patched).await.context("no answer in 5 s")? {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) => bail!("{}", status.message),
        Err(error) => Err(error.into()),
    }
}

/// A client as the pod's ServiceAccount. Made for each acknowledgement: there are one or two in a pod's life, and a
/// connection that is kept for weeks is one more thing that can be broken when it is needed.
pub fn client() -> anyhow::Result<Client> {
    let config = kube::Config::incluster().context("not in a pod, or without its ServiceAccount's token")?;
    Client::try_from(config).context("no client")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::http::{HeaderMap, StatusCode};
    use axum::routing::patch;
    use axum::{Json, Router};
    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::*;

    /// Answers the first request with an error, and tells what it was sent.
    async fn api_server() -> (String, mpsc::UnboundedReceiver<Value>) {
        let (seen, patches) = mpsc::unbounded_channel();
        let count = Arc::new(AtomicUsize::new(0));
        let answer = move |headers: HeaderMap, body: String| async move {
            assert_eq!(headers["content-type"], "application/merge-patch+json");
            seen.send(serde_json::from_str::<Value>(&body).unwrap()).unwrap();
            if count.fetch_add(1, Ordering::SeqCst) == 0 {
                return (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"kind": "Status", "code": 500})));
            }
            let metadata = json!({"name": "p", "namespace": "n"});
            let kind = "PartialObjectMetadata";
            (
                StatusCode::OK,
                Json(json!({"apiVersion": "meta.k8s.io/v1", "kind": kind, "metadata": metadata})),
            )
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/api/v1/namespaces/n/pods/p", patch(answer));
        tokio::spawn(axum::serve(listener, app).into_future());
        (url, patches)
    }

    #[tokio::test]
    async fn each_role_is_written_and_a_failure_is_tried_again() {
        let (url, mut patches) = api_server().await;
        let (roles, receiver) = watch::channel(None);
        let pod = OwnPod { name: "p".into(), namespace: "n".into() };
        let client = move || Ok(Client::try_from(kube::Config::new(url.parse()?))?);
        let task = tokio::spawn(each_role(receiver, pod, client));
        let expected = |role: &str| json!({"metadata": {"annotations": {"serin.dev/role-seen": role}}});

        roles.send_replace(Some("preview".into()));
        assert_eq!(patches.recv().await, Some(expected("preview")), "this one fails");
        assert_eq!(patches.recv().await, Some(expected("preview")), "so it is sent again");
        roles.send_replace(Some("active".into()));
        assert_eq!(patches.recv().await, Some(expected("active")));
        drop(roles);
        task.await.unwrap();
        assert!(patches.try_recv().is_err(), "and none more");
    }
}
