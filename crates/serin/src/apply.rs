//! Carries out one API call and folds its answer into the caches.

use std::time::Duration;

use http::{Method, Request};
use kube::Client;
use serde::de::DeserializeOwned;
use serin_api::Rollout;
use serin_api::names::FIELD_MANAGER;
use serin_engine::ApiCall;
use serin_engine::api_call::{Target, Verb};
use serin_engine::objects::{ReplicaSet, TemplateProjection};

use crate::caches::Caches;
use crate::error::Category;
use crate::lease::Claim;
use crate::metrics::Metrics;

/// How long one call may take: less than the five seconds that lie between the end of a claim and the next leader.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// Writes to the API server, and reads what a write needs to know.
pub struct Applier {
    pub client: Client,
    pub claim: Claim,
    pub metrics: Metrics,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", category.label())]
pub struct Failure {
    pub category: Category,
    /// For logs; names addresses and versions.
    pub message: String,
    /// The server's words about the object, fit for users; empty where it said nothing.
    pub explanation: String,
}

impl Failure {
    fn of(error: &kube::Error) -> Self {
        let explanation = match error {
            kube::Error::Api(status) if matches!(status.code, 403 | 422 | 400) => status.message.clone(),
            _ => String::new(),
        };
        Self { category: Category::of(error), message: crate::error::brief(error), explanation }
    }

    fn timeout() -> Self {
        Self {
            category: Category::Timeout,
            message: format!("no answer within {} s", CALL_TIMEOUT.as_secs()),
            explanation: String::new(),
        }
    }

    /// What users are told.
    pub fn sentence(&self) -> String {
        if self.explanation.is_empty() {
            self.category.sentence().to_owned()
        } else {
            self.explanation.clone()
        }
    }
}

/// What a call brought to light beyond the caches.
#[derive(Debug, Default)]
pub struct Answer {
    /// The template as the server defaults it, for a dry run.
    pub defaulted: Option<TemplateProjection>,
}

impl Applier {
    /// Makes the call and folds the answer into the caches.
    ///
    /// # Errors
    /// The call failed, or this process no longer leads and so made none.
    pub async fn call(&self, caches: &Caches, call: &ApiCall) -> Result<Answer, Failure> {
        if !self.claim.is_current() {
            let message = "the lease is not held".to_owned();
            return Err(Failure { category: Category::NotLeading, message, explanation: String::new() });
        }
        self.metrics.count_write(verb(call), call.target.resource());
        if call.verb == Verb::Delete {
            self.send::<serde_json::Value>(call).await?;
            forget(caches, call);
            return Ok(Answer::default());
        }
        match call.target {
            Target::Rollout | Target::RolloutStatus => {
                let rollout = self.send::<Rollout>(call).await?;
                let metadata = &rollout.metadata;
                // The last finalizer is gone: the server has deleted the object with this very call.
                let gone = metadata.deletion_timestamp.is_some()
                    && metadata.finalizers.as_ref().is_none_or(Vec::is_empty);
                if gone {
                    let (namespace, name) = (metadata.namespace.as_deref(), metadata.name.as_deref());
                    let uid = metadata.uid.as_deref().unwrap_or_default();
                    caches.rollouts.deleted(namespace.unwrap_or_default(), name.unwrap_or_default(), uid);
                } else {
                    caches.rollouts.written(rollout);
                }
            }
            Target::ReplicaSet if call.dry_run => {
                let defaulted = self.send::<ReplicaSet>(call).await?.template;
                return Ok(Answer { defaulted: Some(defaulted) });
            }
            Target::ReplicaSet => drop(caches.replica_sets.written(self.send(call).await?)),
            Target::Service => drop(caches.services.written(self.send(call).await?)),
            Target::HttpRoute => drop(caches.routes.written(self.send(call).await?)),
            Target::Pod => drop(caches.pods.written(self.send(call).await?)),
        }
        Ok(Answer::default())
    }

    /// Reads the object of a call afresh, because the caches were wrong about it.
    ///
    /// # Errors
    /// The object could not be read. That it does not exist is no error.
    pub async fn refresh(&self, caches: &Caches, call: &ApiCall) -> Result<(), Failure> {
        let path = object_path(call);
        match self.refresh_at(caches, call.target, &path).await {
            Err(failure) if failure.category == Category::NotFound => {
                forget(caches, call);
                Ok(())
            }
            other => other,
        }
    }

    async fn refresh_at(&self, caches: &Caches, target: Target, path: &str) -> Result<(), Failure> {
        match target {
            Target::Rollout | Target::RolloutStatus => drop(caches.rollouts.written(self.get(path).await?)),
            Target::ReplicaSet => drop(caches.replica_sets.written(self.get(path).await?)),
            Target::Service => drop(caches.services.written(self.get(path).await?)),
            Target::HttpRoute => drop(caches.routes.written(self.get(path).await?)),
            Target::Pod => drop(caches.pods.written(self.get(path).await?)),
        }
        Ok(())
    }

    /// Whether a namespace is being deleted. What cannot be read counts as staying.
    pub async fn is_namespace_terminating(&self, namespace: &str) -> bool {
        let path = format!("/api/v1/namespaces/{namespace}");
        match self.get::<serde_json::Value>(&path).await {
            Ok(namespace) => !namespace["metadata"]["deletionTimestamp"].is_null(),
            Err(failure) => failure.category == Category::NotFound,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.request(Request::get(path).body(Vec::new())).await
    }

    async fn send<T: DeserializeOwned>(&self, call: &ApiCall) -> Result<T, Failure> {
        let dry_run = if call.dry_run { "&dryRun=All" } else { "" };
        let (method, query) = match call.verb {
            Verb::Create => (Method::POST, format!("?fieldManager={FIELD_MANAGER}{dry_run}")),
            Verb::Patch => (Method::PATCH, format!("?fieldManager={FIELD_MANAGER}")),
            Verb::Delete => (Method::DELETE, String::new()),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{query}", call.path))
            .header(http::header::CONTENT_TYPE, call.body.content_type());
        self.request(request.body(call.body.json().to_string().into_bytes())).await
    }

    async fn request<T: DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, http::Error>,
    ) -> Result<T, Failure> {
        let request = request.map_err(|error| Failure {
            category: Category::Other,
            message: error.to_string(),
            explanation: String::new(),
        })?;
        match tokio::time::timeout(CALL_TIMEOUT, self.client.request(request)).await {
            Ok(answer) => answer.map_err(|error| Failure::of(&error)),
            Err(_) => Err(Failure::timeout()),
        }
    }
}

/// Takes out of the caches what the server says does not exist.
fn forget(caches: &Caches, call: &ApiCall) {
    let path = object_path(call);
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let namespace =
        path.split("/namespaces/").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    macro_rules! forget_in {
        ($cache:expr) => {
            if let Some(object) = $cache.get(namespace, name) {
                $cache.deleted(namespace, name, object.metadata.uid.as_deref().unwrap_or_default());
            }
        };
    }
    match call.target {
        Target::Rollout | Target::RolloutStatus => forget_in!(caches.rollouts),
        Target::ReplicaSet => forget_in!(caches.replica_sets),
        Target::Service => forget_in!(caches.services),
        Target::HttpRoute => forget_in!(caches.routes),
        Target::Pod => forget_in!(caches.pods),
    }
}

/// The path of the object that a call is about; for a create, of the one that it would have created.
fn object_path(call: &ApiCall) -> String {
    match call.verb {
        Verb::Create => {
            let body = call.body.json();
            format!("{}/{}", call.path, body["metadata"]["name"].as_str().unwrap_or_default())
        }
        _ => call.path.trim_end_matches("/status").to_owned(),
    }
}

fn verb(call: &ApiCall) -> &'static str {
    match call.verb {
        Verb::Create if call.dry_run => "dry-run",
        Verb::Create => "create",
        Verb::Patch => "patch",
        Verb::Delete => "delete",
    }
}
