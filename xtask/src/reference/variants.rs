//! The values of an enum and what they mean. The CRD keeps only the values.

use anyhow::{Context, Result};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// Every value of `T`, with its doc comment.
pub fn of<T: JsonSchema>() -> Result<Vec<(String, String)>> {
    let schema = schema_for!(T).to_value();
    let values = schema["oneOf"].as_array().context("every value of the enum needs a doc comment")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let pair = |value: &Value| Some((text(&value["const"])?, text(&value["description"])?));
    values.iter().map(|value| pair(value).context("a value of the enum has no doc comment")).collect()
}
