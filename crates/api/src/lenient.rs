//! A part of an object that may fail to parse without taking the rest of the object with it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

/// A field that is read as far as it can be read.
///
/// A typed watch drops an object whole when one field does not parse, and an object stored under an older CRD may
/// hold anything. A Rollout whose strategy is unreadable must still scale and abort, so the strategy is wrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lenient<T> {
    /// The field parsed.
    Valid(T),
    /// The field did not parse; the text says why.
    Invalid(String),
}

impl<T> Lenient<T> {
    /// The parsed value, if there is one.
    pub fn valid(&self) -> Option<&T> {
        match self {
            Self::Valid(value) => Some(value),
            Self::Invalid(_) => None,
        }
    }
}

impl<T: Default> Default for Lenient<T> {
    fn default() -> Self {
        Self::Valid(T::default())
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(match serde_json::from_value(value) {
            Ok(value) => Self::Valid(value),
            Err(error) => Self::Invalid(error.to_string()),
        })
    }
}

impl<T: Serialize> Serialize for Lenient<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Valid(value) => value.serialize(serializer),
            Self::Invalid(_) => serializer.serialize_none(),
        }
    }
}

impl<T: JsonSchema> JsonSchema for Lenient<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
