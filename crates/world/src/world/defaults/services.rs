//! The defaults of a Service.

use serde_json::{Value, json};

use super::{each, set};

pub(super) fn fill(spec: &mut Value) {
    for (name, value) in [
        ("type", json!("ClusterIP")),
        ("sessionAffinity", json!("None")),
        ("internalTrafficPolicy", json!("Cluster")),
    ] {
        set(spec, name, value);
    }
    for port in each(spec, "ports") {
        set(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        set(port, "targetPort", number);
    }
}
