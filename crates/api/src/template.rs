//! The pod template, kept as the text that the user wrote.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub mod frozen;

use frozen::FrozenUse;

/// A pod template as canonical JSON text.
///
/// Typed structs would drop the fields that are newer than this build, and a parsed [`Value`] takes twenty times the
/// memory of its text. The text has sorted keys, so equal templates have equal text. What every plan asks about, the
/// labels and annotations, is kept parsed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RawTemplate {
    text: Arc<str>,
    outline: Arc<Value>,
    frozen: Arc<[FrozenUse]>,
}

impl RawTemplate {
    /// Keeps `value` as text.
    pub fn new(value: &Value) -> Self {
        Self {
            text: value.to_string().into(),
            outline: Arc::new(outline(value)),
            frozen: frozen::uses(value).into(),
        }
    }

    /// The template as a JSON value. Parses the whole text.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The template without what is below `spec` and below most of `metadata`: only labels, annotations, and whether
    /// there is a spec at all.
    pub fn outline(&self) -> &Value {
        &self.outline
    }

    /// Uses of the pod's own metadata that never see it change.
    pub fn frozen(&self) -> &[FrozenUse] {
        &self.frozen
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn outline(template: &Value) -> Value {
    if !template.is_object() {
        return template.clone();
    }
    let metadata = &template["metadata"];
    let mut outline = serde_json::json!({
        "metadata": { "labels": metadata["labels"], "annotations": metadata["annotations"] },
    });
    if template["spec"].is_object() {
        outline["spec"] = serde_json::json!({});
    }
    outline
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
