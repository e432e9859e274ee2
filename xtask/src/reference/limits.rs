//! Which values a schema accepts, in words.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::JSONSchemaProps;
use serin_api::crd::shapes;
use serin_api::duration;

/// Nothing where every value of the type is accepted.
pub fn of(schema: &JSONSchemaProps) -> String {
    let words =
        [range(schema), length(schema), count(schema), schema.pattern.as_deref().map(shape), values(schema)];
    words.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn range(schema: &JSONSchemaProps) -> Option<String> {
    match (schema.minimum, schema.maximum) {
        (Some(minimum), Some(maximum)) => Some(format!("{minimum} to {maximum}")),
        (Some(minimum), None) => Some(format!("at least {minimum}")),
        (None, Some(maximum)) => Some(format!("at most {maximum}")),
        (None, None) => None,
    }
}

fn length(schema: &JSONSchemaProps) -> Option<String> {
    match (schema.min_length, schema.max_length) {
        (Some(shortest), Some(longest)) => Some(format!("{shortest} to {longest} characters")),
        (None, Some(longest)) => Some(format!("at most {longest} characters")),
        (Some(shortest), None) => Some(format!("at least {shortest} characters")),
        (None, None) => None,
    }
}

fn count(schema: &JSONSchemaProps) -> Option<String> {
    schema.max_items.or(schema.max_properties).map(|most| format!("at most {most} entries"))
}

fn values(schema: &JSONSchemaProps) -> Option<String> {
    let values: Vec<_> = schema.enum_.as_ref()?.iter().filter_map(|value| value.0.as_str()).collect();
    Some(format!("`{}`", values.join("`, `")))
}

fn shape(pattern: &str) -> String {
    match pattern {
        shapes::DNS_LABEL => "lower-case letters, digits and `-`".to_owned(),
        shapes::DNS_SUBDOMAIN => "lower-case letters, digits, `-` and `.`".to_owned(),
        shapes::LABEL_VALUE => "letters, digits, `-`, `_` and `.`".to_owned(),
        duration::PATTERN => "as text: whole seconds, or numbers with `h`, `m`, `s` or `ms`".to_owned(),
        other => format!("must match `{other}`"),
    }
}
