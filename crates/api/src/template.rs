//! The pod template, kept as the text that the user wrote.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A pod template as canonical JSON text.
///
/// Typed structs would drop the fields that are newer than this build, and a parsed [`Value`] takes twenty times the
/// memory of its text. The text has sorted keys, so equal templates have equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct RawTemplate(Arc<str>);

impl RawTemplate {
    /// Keeps `value` as text.
    pub fn new(value: &Value) -> Self {
        Self(value.to_string().into())
    }

    /// The template as a JSON value.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::Null)
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for RawTemplate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self::new(&value))
    }
}

impl Serialize for RawTemplate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl JsonSchema for RawTemplate {
    fn schema_name() -> Cow<'static, str> {
        "PodTemplate".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// Only what the rules of the CRD read is typed; the API server validates the rest when a ReplicaSet is created.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text_map = serde_json::json!({
            "type": "object", "maxProperties": 256,
            "additionalProperties": { "type": "string", "maxLength": 262144 },
        });
        json_schema!({
            "type": "object",
            "required": ["spec"],
            "x-kubernetes-preserve-unknown-fields": true,
            "properties": {
                "metadata": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                    "properties": { "labels": text_map, "annotations": text_map },
                },
                "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            },
        })
    }
}
