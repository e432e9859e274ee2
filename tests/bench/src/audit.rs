//! What the operator wrote, by the API server's audit log.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// How many lines the log has now: what comes later belongs to the next measurement.
pub fn position(log: &Path) -> anyhow::Result<usize> {
    Ok(std::fs::read_to_string(log)?.lines().count())
}

/// Requests of the operator since `position`, counted by verb and resource. Watches that are merely open do not count.
pub fn requests_since(log: &Path, position: usize) -> anyhow::Result<BTreeMap<String, usize>> {
    let text = std::fs::read_to_string(log)?;
    let mut counts = BTreeMap::new();
    for line in text.lines().skip(position) {
        let Ok(entry) = serde_json::from_str::<Value>(line) else { continue };
        if !entry["userAgent"].as_str().unwrap_or_default().starts_with("serin/") {
            continue;
        }
        let object = &entry["objectRef"];
        let mut resource = object["resource"].as_str().unwrap_or_default().to_owned();
        if let Some(subresource) = object["subresource"].as_str() {
            resource = format!("{resource}/{subresource}");
        }
        *counts.entry(format!("{} {resource}", entry["verb"].as_str().unwrap_or_default())).or_default() += 1;
    }
    Ok(counts)
}

/// Whether a kind of request, as counted above, is a write that belongs to a canary itself.
pub fn is_canary_write(request: &str) -> bool {
    let (verb, resource) = request.split_once(' ').unwrap_or_default();
    matches!(verb, "create" | "patch" | "update" | "delete") && !matches!(resource, "events" | "leases")
}
