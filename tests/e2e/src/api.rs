//! The API server, asked directly: where something is written or read hundreds of times, a process of kubectl for each
//! would take all of the machine.

use std::path::Path;
use std::sync::LazyLock;

use http::Request;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    // Without it the first TLS connection would panic, or not, by the order of things.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Where the tests' own tasks run.
pub(crate) fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// What the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: u16,
    pub message: String,
}

/// How a patch is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Merge,
    Json,
}

/// A namespace of the API server. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl Api {
    /// As whom a kubeconfig names.
    pub fn of(kubeconfig: &Path, namespace: &str) -> Self {
        let client = RUNTIME.block_on(async {
            let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
            Client::try_from(config.expect("a usable kubeconfig")).expect("a client")
        });
        Self { client, namespace: namespace.to_owned() }
    }

    /// One object, if it is there.
    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        let request = Request::get(self.path(kind, name)).body(Vec::new());
        match RUNTIME.block_on(self.send(request.expect("a request"))) {
            Ok(object) => Some(object),
            Err(refusal) if refusal.code == 404 => None,
            Err(refusal) => panic!("get {kind} {name}: {refusal:?}"),
        }
    }

    /// The objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let path = self.path(kind, "");
        let request = Request::get(path.trim_end_matches('/')).body(Vec::new()).expect("a request");
        let mut list = RUNTIME.block_on(self.send(request)).expect("a list");
        list["items"].as_array_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Creates an object.
    ///
    /// # Errors
    /// The server refuses.
    pub fn create(&self, kind: &str, object: &Value) -> Result<Value, Refusal> {
        let path = self.path(kind, "");
        RUNTIME.block_on(self.send(written(Request::post(path.trim_end_matches('/')), "json", object)))
    }

    /// Writes a whole object in the place of the one with its name and version.
    ///
    /// # Errors
    /// The server refuses.
    pub fn update(&self, kind: &str, object: &Value) -> Result<Value, Refusal> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        RUNTIME.block_on(self.send(written(Request::put(self.path(kind, name)), "json", object)))
    }

    /// Patches an object; `name` may end in `/status`.
    ///
    /// # Errors
    /// The server refuses.
    pub fn patch(&self, kind: &str, name: &str, language: Language, patch: &Value) -> Result<Value, Refusal> {
        self.patch_at(&self.path(kind, name), language, patch)
    }

    /// Patches the object at a path.
    ///
    /// # Errors
    /// The server refuses.
    pub fn patch_at(&self, path: &str, language: Language, patch: &Value) -> Result<Value, Refusal> {
        RUNTIME.block_on(self.patched(path, language, patch))
    }

    pub(crate) async fn patched(
        &self,
        path: &str,
        language: Language,
        patch: &Value,
    ) -> Result<Value, Refusal> {
        let media = match language {
            Language::Merge => "merge-patch+json",
            Language::Json => "json-patch+json",
        };
        self.send(written(Request::patch(path), media, patch)).await
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Value, Refusal> {
        match self.client.request_text(request).await {
            Ok(text) => Ok(serde_json::from_str(&text).expect("JSON")),
            Err(kube::Error::Api(status)) => {
                Err(Refusal { code: status.code, message: status.message.clone() })
            }
            Err(error) => Err(Refusal { code: 0, message: error.to_string() }),
        }
    }

    pub(crate) fn path(&self, kind: &str, name: &str) -> String {
        let group = match kind {
            "rollouts" => "/apis/serin.dev/v1alpha1",
            "replicasets" => "/apis/apps/v1",
            "httproutes" | "gateways" => "/apis/gateway.networking.k8s.io/v1",
            "gatewayclasses" => return format!("/apis/gateway.networking.k8s.io/v1/gatewayclasses/{name}"),
            "endpointslices" => "/apis/discovery.k8s.io/v1",
            _ => "/api/v1",
        };
        format!("{group}/namespaces/{}/{kind}/{name}", self.namespace)
    }
}

fn written(request: http::request::Builder, media: &str, body: &Value) -> Request<Vec<u8>> {
    let body = body.to_string().into_bytes();
    request.header(http::header::CONTENT_TYPE, format!("application/{media}")).body(body).expect("a request")
}
