//! Services.

use serde_json::{Value, json};

use super::{APP, NAMESPACE};

/// A Service under construction.
#[derive(Clone, Debug)]
pub struct ServiceBuilder(Value);

/// A Service with the port 80 that selects the pods of the default Rollout.
pub fn service(name: &str) -> ServiceBuilder {
    ServiceBuilder(json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "selector": { "app": APP }, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }] },
    }))
}

impl ServiceBuilder {
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.0["metadata"]["namespace"] = json!(namespace);
        self
    }

    /// Selects pods by another value of the label `app`.
    #[must_use]
    pub fn app(self, app: &str) -> Self {
        self.selector("app", app)
    }

    /// Selects by one more label.
    #[must_use]
    pub fn selector(mut self, label: &str, value: &str) -> Self {
        self.0["spec"]["selector"][label] = json!(value);
        self
    }

    /// What a user would apply.
    pub fn manifest(self) -> Value {
        self.0
    }
}
