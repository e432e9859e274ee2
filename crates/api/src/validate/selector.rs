//! `spec.selector`: what it may say, and whether the template fits it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::Value;

use super::{FieldError, labels};
use crate::names::POD_TEMPLATE_HASH;

const SELECTOR: &str = "spec.selector";

/// Judges the selector by itself and against the pod template.
pub(super) fn judge(selector: &LabelSelector, template: &Value, errors: &mut Vec<FieldError>) {
    let match_labels: Vec<_> = selector.match_labels.iter().flatten().collect();
    let expressions = selector.match_expressions.as_deref().unwrap_or_default();
    if match_labels.is_empty() && expressions.is_empty() {
        errors.push(FieldError::new(SELECTOR, "must not be empty: name a label that the template carries"));
    }
    for (key, value) in &match_labels {
        let path = || format!("{SELECTOR}.matchLabels[{key:?}]");
        if !labels::is_name(key) {
            errors.push(FieldError::new(path(), labels::NAME));
        }
        if !labels::is_value(value) {
            errors.push(FieldError::new(path(), format!("{value:?} {}", labels::VALUE)));
        }
    }
    for (index, expression) in expressions.iter().enumerate() {
        errors.extend(malformed(index, expression));
    }
    let mut keys = match_labels.iter().map(|(key, _)| *key).chain(expressions.iter().map(|e| &e.key));
    if keys.any(|key| key == POD_TEMPLATE_HASH) {
        errors.push(FieldError::new(SELECTOR, format!("must not hold {POD_TEMPLATE_HASH}: Serin adds it")));
    }
    if template["spec"].is_object() {
        errors.extend(misfits(&match_labels, expressions, &template["metadata"]["labels"]));
    }
}

/// Whether the selector asks for anything about the label `key`.
pub(super) fn mentions(selector: &LabelSelector, key: &str) -> bool {
    selector.match_labels.as_ref().is_some_and(|labels| labels.contains_key(key))
        || selector.match_expressions.iter().flatten().any(|expression| expression.key == key)
}

fn malformed(index: usize, expression: &LabelSelectorRequirement) -> Option<FieldError> {
    let path = |field: &str| format!("{SELECTOR}.matchExpressions[{index}].{field}");
    let operator = &expression.operator;
    if !labels::is_name(&expression.key) {
        return Some(FieldError::new(path("key"), format!("{:?} {}", expression.key, labels::NAME)));
    }
    let has_values = expression.values.as_ref().is_some_and(|values| !values.is_empty());
    match (operator.as_str(), has_values) {
        ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => None,
        ("In" | "NotIn", false) => {
            Some(FieldError::new(path("values"), format!("is required for {operator}")))
        }
        ("Exists" | "DoesNotExist", true) => {
            Some(FieldError::new(path("values"), format!("must be empty for {operator}")))
        }
        _ => Some(FieldError::new(
            path("operator"),
            format!("must be In, NotIn, Exists or DoesNotExist, not {operator:?}"),
        )),
    }
}

/// What the selector asks for and the template's labels do not give: no ReplicaSet could be created.
fn misfits(
    match_labels: &[(&String, &String)],
    expressions: &[LabelSelectorRequirement],
    template_labels: &Value,
) -> Vec<FieldError> {
    let label = |key: &str| template_labels[key].as_str();
    let missing = match_labels
        .iter()
        .filter(|(key, value)| label(key) != Some(value))
        .map(|(key, value)| format!("must hold `{key}: {value}`, because spec.selector asks for it"));
    let unfit = expressions
        .iter()
        .filter(|expression| !fits(expression, label(&expression.key)))
        .map(|expression| format!("must fit spec.selector, which asks for {}", in_words(expression)));
    missing.chain(unfit).map(|problem| FieldError::new("spec.template.metadata.labels", problem)).collect()
}

/// Malformed expressions have an error of their own; one more about the template would only confuse.
fn fits(expression: &LabelSelectorRequirement, label: Option<&str>) -> bool {
    let is_listed = |values: &Vec<String>| values.iter().any(|value| Some(value.as_str()) == label);
    match (expression.operator.as_str(), &expression.values) {
        _ if !labels::is_name(&expression.key) => true,
        ("In", Some(values)) => is_listed(values),
        ("NotIn", Some(values)) => !is_listed(values),
        ("Exists", _) => label.is_some(),
        ("DoesNotExist", _) => label.is_none(),
        _ => true,
    }
}

fn in_words(expression: &LabelSelectorRequirement) -> String {
    let key = &expression.key;
    let values = expression.values.as_deref().unwrap_or_default().join(", ");
    match expression.operator.as_str() {
        "In" => format!("`{key}` to be one of [{values}]"),
        "NotIn" => format!("`{key}` not to be one of [{values}]"),
        "Exists" => format!("`{key}` to be set"),
        _ => format!("`{key}` to be absent"),
    }
}
