//! What the API server says of the pod template, by a dry run: nothing is stored.

use std::time::Duration;

use http::Request;
use kube::Client;
use serde_json::Value;
use serin_engine::Snapshot;
use serin_engine::preflight::TemplateAnswer;
use serin_engine::preflight::rights::missing_right;
use serin_engine::revision::question;
use serin_process::error::{Category, brief, explains};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Asks with the rights of whoever asks: one who may not create ReplicaSets learns nothing.
pub async fn template(client: &Client, world: &Snapshot) -> TemplateAnswer {
    let mut body = question(world);
    // Owners that wait for their own need one more right, which has nothing to do with the template.
    if let Some(metadata) = body["metadata"].as_object_mut() {
        metadata.remove("ownerReferences");
    }
    let namespace = &world.rollout.namespace;
    let path = format!("/apis/apps/v1/namespaces/{namespace}/replicasets?dryRun=All");
    let request = Request::post(path).header(http::header::CONTENT_TYPE, "application/json");
    let Ok(request) = request.body(body.to_string().into_bytes()) else {
        return TemplateAnswer::Unseen("the question cannot be sent".to_owned());
    };
    match timeout(PATIENCE, client.request::<Value>(request)).await {
        Err(_) => TemplateAnswer::Unseen(Category::Timeout.sentence().to_owned()),
        Ok(Ok(_)) => TemplateAnswer::Taken,
        Ok(Err(kube::Error::Api(status))) if explains(status.code) && status.code != 429 => {
            match missing_right(&status.message) {
                Some(right) => TemplateAnswer::Unseen(format!(
                    "you may not {} {} in namespace {namespace}",
                    right.verb, right.resource
                )),
                None => TemplateAnswer::Refused(status.message.clone()),
            }
        }
        Ok(Err(error)) => TemplateAnswer::Unseen(brief(&error)),
    }
}
