//! The defaults of a pod spec.

use serde_json::{Value, json};

use super::{each, set};

pub(super) fn fill(spec: &mut Value) {
    for (name, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("securityContext", json!({})),
        ("terminationGracePeriodSeconds", json!(30)),
    ] {
        set(spec, name, value);
    }
    for list in ["initContainers", "containers"] {
        each(spec, list).for_each(fill_container);
    }
    each(spec, "volumes").for_each(fill_volume);
}

fn fill_container(container: &mut Value) {
    let policy = pull_policy(container["image"].as_str().unwrap_or_default());
    for (name, value) in [
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("imagePullPolicy", json!(policy)),
        ("resources", json!({})),
    ] {
        set(container, name, value);
    }
    for port in each(container, "ports") {
        set(port, "protocol", json!("TCP"));
    }
    for variable in each(container, "env") {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            set(field, "apiVersion", json!("v1"));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            fill_probe(probe);
        }
    }
}

fn fill_probe(probe: &mut Value) {
    for (name, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        set(probe, name, json!(value));
    }
    if let Some(http) = probe.get_mut("httpGet") {
        set(http, "path", json!("/"));
        set(http, "scheme", json!("HTTP"));
    }
}

fn fill_volume(volume: &mut Value) {
    for source in ["configMap", "secret", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source) {
            set(source, "defaultMode", json!(0o644));
        }
    }
}

/// Images without a tag, or with the tag `latest`, are pulled every time.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let has_digest = name.contains('@');
    match name.split('@').next().and_then(|name| name.split_once(':')) {
        Some((_, "latest")) => "Always",
        None if !has_digest => "Always",
        _ => "IfNotPresent",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_policy_follows_the_tag() {
        for (image, policy) in [
            ("web", "Always"),
            ("web:latest", "Always"),
            ("registry:5000/web", "Always"),
            ("web:1", "IfNotPresent"),
            ("registry:5000/web:1", "IfNotPresent"),
            ("web@sha256:abc", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
