//! The file every client reads: where the API server is, which authority it trusts and who it is.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

/// The name of its only context, cluster and user.
pub(crate) const CONTEXT: &str = "serin-test";

pub(crate) struct Kubeconfig<'a> {
    pub url: &'a str,
    pub ca_file: &'a Path,
    pub token: &'a str,
    pub namespace: &'a str,
}

impl Kubeconfig<'_> {
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{
                "name": CONTEXT,
                "cluster": {"server": self.url, "certificate-authority": self.ca_file},
            }],
            "users": [{"name": CONTEXT, "user": {"token": self.token}}],
            "contexts": [{
                "name": CONTEXT,
                "context": {"cluster": CONTEXT, "user": CONTEXT, "namespace": self.namespace},
            }],
            "current-context": CONTEXT,
        });
        // JSON is YAML: no client tells them apart.
        std::fs::write(path, format!("{config:#}\n")).with_context(|| format!("writing {}", path.display()))
    }
}
