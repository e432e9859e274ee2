//! HTTPRoutes.

use serde_json::{Value, json};

use super::NAMESPACE;

/// An HTTPRoute under construction.
#[derive(Clone, Debug)]
pub struct HttpRouteBuilder(Value);

/// An HTTPRoute of the Gateway `gateway` without rules.
pub fn http_route(name: &str) -> HttpRouteBuilder {
    HttpRouteBuilder(json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": { "name": name, "namespace": NAMESPACE },
        "spec": { "parentRefs": [{ "name": "gateway" }] },
    }))
}

impl HttpRouteBuilder {
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.0["metadata"]["namespace"] = json!(namespace);
        self
    }

    /// Adds a rule with these Services, each with a weight or with the API's default.
    #[must_use]
    pub fn rule(self, backends: &[(&str, Option<i32>)]) -> Self {
        let backends = backends.iter().map(|(service, weight)| match weight {
            Some(weight) => json!({ "name": service, "port": 80, "weight": weight }),
            None => json!({ "name": service, "port": 80 }),
        });
        let backends: Vec<Value> = backends.collect();
        self.raw_rule(json!({ "backendRefs": backends }))
    }

    /// Adds a rule as it is.
    #[must_use]
    pub fn raw_rule(mut self, rule: Value) -> Self {
        let mut rules = self.0["spec"]["rules"].as_array().cloned().unwrap_or_default();
        rules.push(rule);
        self.0["spec"]["rules"] = json!(rules);
        self
    }

    /// What a user would apply.
    pub fn manifest(self) -> Value {
        self.0
    }
}
