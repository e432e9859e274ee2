//! Carries out one API call and folds its answer into the caches.

use std::time::Duration;

use http::{Method, Request};
use kube::Client;
use serin_api::names::FIELD_MANAGER;
use serin_engine::ApiCall;
use serin_engine::api_call::Verb;
use serin_process::answer::{self, Answer, object_path};

use crate::lease::Claim;
use crate::metrics::Metrics;
use serin_process::caches::Caches;
use serin_process::error::{Category, brief, explains};

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
            kube::Error::Api(status) if explains(status.code) => status.message.clone(),
            _ => String::new(),
        };
        Self { category: Category::of(error), message: brief(error), explanation }
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
        let text = self.send(call).await?;
        answer::take_in(caches, call, &*text).map_err(|error| Failure::of(&kube::Error::SerdeError(error)))
    }

    /// Reads the object of a call afresh, because the caches were wrong about it.
    ///
    /// # Errors
    /// The object could not be read. That it does not exist is no error.
    pub async fn refresh(&self, caches: &Caches, call: &ApiCall) -> Result<(), Failure> {
        let path = object_path(call);
        match self.get(&path).await {
            Ok(text) => {
                let taken_in = answer::take_in_object(caches, call.target, &*text);
                taken_in.map_err(|error| Failure::of(&kube::Error::SerdeError(error)))
            }
            Err(failure) if failure.category == Category::NotFound => {
                answer::forget(caches, call);
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Whether a namespace is being deleted. What cannot be read counts as staying.
    pub async fn is_namespace_terminating(&self, namespace: &str) -> bool {
        let path = format!("/api/v1/namespaces/{namespace}");
        match self.get(&path).await {
            Ok(text) => serde_json::from_str::<serde_json::Value>(&text)
                .is_ok_and(|namespace| !namespace["metadata"]["deletionTimestamp"].is_null()),
            Err(failure) => failure.category == Category::NotFound,
        }
    }

    async fn get(&self, path: &str) -> Result<String, Failure> {
        self.request(Request::get(path).body(Vec::new())).await
    }

    async fn send(&self, call: &ApiCall) -> Result<String, Failure> {
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

    async fn request(&self, request: Result<Request<Vec<u8>>, http::Error>) -> Result<String, Failure> {
        let request = request.map_err(|error| Failure {
            category: Category::Other,
            message: error.to_string(),
            explanation: String::new(),
        })?;
        match tokio::time::timeout(CALL_TIMEOUT, self.client.request_text(request)).await {
            Ok(answer) => answer.map_err(|error| Failure::of(&error)),
            Err(_) => Err(Failure::timeout()),
        }
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
