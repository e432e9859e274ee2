//! Schemas of values that have no type of their own.
//!
//! Everything that a CEL rule visits is bounded: the API server refuses a CRD whose rules might cost too much.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The name of a Service or a namespace.
pub const DNS_LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

/// The name of most other objects.
pub const DNS_SUBDOMAIN: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// The value of a label; it may be empty.
pub const LABEL_VALUE: &str = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

/// Labels by name.
pub(crate) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 63, "pattern": LABEL_VALUE },
    })
}

/// Annotations by name.
pub(crate) fn annotations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": { "type": "string", "maxLength": 262_144 },
    })
}

/// A label selector as in other Kubernetes objects.
pub(crate) fn label_selector(generator: &mut SchemaGenerator) -> Schema {
    let mut match_labels = labels(generator);
    match_labels.insert("description".to_owned(), "Labels that a pod must have, by name.".into());
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": match_labels,
            "matchExpressions": {
                "description": "Further conditions, all of which must hold.",
                "type": "array",
                "maxItems": 32,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {
                            "description": "The name of the label.",
                            "type": "string", "minLength": 1, "maxLength": 317,
                        },
                        "operator": {
                            "description": "How the label's value relates to `values`.",
                            "type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "Required for In and NotIn; must be empty for Exists and DoesNotExist.",
                            "type": "array",
                            "maxItems": 64,
                            "items": { "type": "string", "maxLength": 63, "pattern": LABEL_VALUE },
                        },
                    },
                },
            },
        },
    })
}
