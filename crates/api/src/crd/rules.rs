//! The CEL rules: how the fields of one spec must fit together.
//!
//! `required` is a rule here and not a keyword of the schema. The API server evaluates no rule at all when a required
//! field is missing, so a user who wrote `workloadRef` would hear that `template` is missing, and not why.
//!
//! `validate` judges the same again, for objects that were stored under an older CRD.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{JSONSchemaProps, ValidationRule};

use super::schema;
use crate::names::{GATEWAY_API_PLUGIN, POD_TEMPLATE_HASH};
use crate::route::RouteKind;
use crate::validate::DEFAULT_PROGRESS_DEADLINE_SECONDS;

/// Names for the metadata of one role: ours, then its alias.
const ROLES: [[&str; 2]; 2] = [["activeMetadata", "stableMetadata"], ["previewMetadata", "canaryMetadata"]];

const NAME_A_ROUTE: &str = "name an HTTPRoute, or a route of another kind";

/// Adds every rule to the schema that it judges.
pub(super) fn add(root: &mut JSONSchemaProps) {
    for (path, rules) in all() {
        if let Some(schema) = schema::at(root, &path) {
            schema.x_kubernetes_validations.get_or_insert_default().extend(rules);
        }
    }
}

fn all() -> Vec<(String, Vec<ValidationRule>)> {
    let canary = |path: &str| format!("spec.strategy.canary{path}");
    let mut rules = vec![
        ("spec".to_owned(), spec()),
        ("spec.selector".to_owned(), selector()),
        ("spec.selector.matchExpressions[]".to_owned(), vec![values_fit_operator()]),
        ("spec.strategy".to_owned(), vec![required("canary", "it is the only strategy that is served")]),
        (canary(""), canary_strategy()),
        (canary(".trafficRouting"), traffic_routing()),
        (canary(".trafficRouting.gatewayAPI"), vec![names_a_route("self", "")]),
        (canary(".trafficRouting.plugins"), plugins()),
        (canary(".steps[]"), vec![one_thing_per_step()]),
    ];
    for role in ROLES.as_flattened() {
        rules.push((canary(&format!(".{role}.labels")), vec![role_labels_without_hash()]));
    }
    rules
}

/// The API server tolerates an old mistake where nothing has changed, but not here: it does not compare the pod
/// template, whose content is open. A rule that is added here later would lock every stored object that breaks it, its
/// status and finalizers included; rules further down would not.
fn spec() -> Vec<ValidationRule> {
    let labels = "has(self.template.metadata) && has(self.template.metadata.labels)";
    let mut rules = vec![
        required("selector", "name labels that the template carries"),
        required("template", "describe the pods"),
        required("strategy", "say how a new template replaces the old one"),
        must_at(
            ".template.metadata.labels",
            format!(
                "!has(self.selector) || !has(self.selector.matchLabels) || !has(self.template) \
                 || ({labels} && self.selector.matchLabels.all(key, key in self.template.metadata.labels \
                 && self.template.metadata.labels[key] == self.selector.matchLabels[key]))"
            ),
            "must hold every label of spec.selector.matchLabels",
        ),
        must_at(
            ".template.metadata.labels",
            format!(
                "!has(self.selector) || !has(self.selector.matchExpressions) || !has(self.template) \
                 || self.selector.matchExpressions.all(e, \
                 {labels} && e.key in self.template.metadata.labels \
                 ? (e.operator == 'Exists' \
                 || (has(e.values) && e.operator == 'In' && self.template.metadata.labels[e.key] in e.values) \
                 || (has(e.values) && e.operator == 'NotIn' && !(self.template.metadata.labels[e.key] in e.values))) \
                 : (e.operator == 'NotIn' || e.operator == 'DoesNotExist'))"
            ),
            "must fit every entry of spec.selector.matchExpressions",
        ),
        must_at(
            ".progressDeadlineSeconds",
            format!(
                "(has(self.progressDeadlineSeconds) ? self.progressDeadlineSeconds \
                 : {DEFAULT_PROGRESS_DEADLINE_SECONDS}) > (has(self.minReadySeconds) ? self.minReadySeconds : 0)"
            ),
            format!(
                "must be greater than minReadySeconds; it is {DEFAULT_PROGRESS_DEADLINE_SECONDS} unless set"
            ),
        ),
    ];
    rules.extend(ROLES.as_flattened().iter().map(|role| role_labels_outside_selector(role)));
    rules
}

/// A label that selects pods cannot change with the role: the ReplicaSet would lose its pods.
fn role_labels_outside_selector(role: &str) -> ValidationRule {
    let labels = format!("self.strategy.canary.{role}.labels");
    must_at(
        &format!(".strategy.canary.{role}.labels"),
        format!(
            "!has(self.selector) || !has(self.strategy) || !has(self.strategy.canary) \
             || !has(self.strategy.canary.{role}) || !has({labels}) \
             || ((!has(self.selector.matchLabels) || self.selector.matchLabels.all(key, !(key in {labels}))) \
             && (!has(self.selector.matchExpressions) \
             || self.selector.matchExpressions.all(e, !(e.key in {labels}))))"
        ),
        "must not hold a label of spec.selector, which cannot change with the role: use another label",
    )
}

fn role_labels_without_hash() -> ValidationRule {
    must(
        format!("!('{POD_TEMPLATE_HASH}' in self)"),
        format!("must not hold {POD_TEMPLATE_HASH}: it tells the revisions apart"),
    )
}

fn selector() -> Vec<ValidationRule> {
    vec![
        must("self == oldSelf", "cannot be changed: create another Rollout"),
        must(
            "(has(self.matchLabels) && self.matchLabels.size() > 0) \
             || (has(self.matchExpressions) && self.matchExpressions.size() > 0)",
            "must not be empty: name a label that the template carries",
        ),
        must(
            format!(
                "(!has(self.matchLabels) || !('{POD_TEMPLATE_HASH}' in self.matchLabels)) \
                 && (!has(self.matchExpressions) || self.matchExpressions.all(e, e.key != '{POD_TEMPLATE_HASH}'))"
            ),
            format!("must not hold {POD_TEMPLATE_HASH}: Serin adds it"),
        ),
    ]
}

fn values_fit_operator() -> ValidationRule {
    must_at(
        ".values",
        "(self.operator == 'In' || self.operator == 'NotIn') == (has(self.values) && self.values.size() > 0)",
        "is required for In and NotIn, and must be empty for Exists and DoesNotExist",
    )
}

fn canary_strategy() -> Vec<ValidationRule> {
    let mut rules = vec![
        required("stableService", "name the Service of the stable revision"),
        required("canaryService", "name the Service of the canary"),
        required("trafficRouting", "name the route whose weights are written"),
        must_at(
            ".canaryService",
            "!has(self.stableService) || !has(self.canaryService) || self.stableService != self.canaryService",
            "must differ from stableService",
        ),
        must_at(
            ".roleAcknowledgement",
            "!has(self.roleAcknowledgement) || has(self.activeMetadata) || has(self.stableMetadata)",
            "has nothing to wait for without activeMetadata: add it, or remove this",
        ),
    ];
    rules.extend(ROLES.iter().map(|[role, alias]| {
        must_at(
            &format!(".{alias}"),
            format!("!has(self.{role}) || !has(self.{alias})"),
            format!("means the same as {role}: keep one of the two"),
        )
    }));
    rules
}

fn traffic_routing() -> Vec<ValidationRule> {
    let plugin = format!("has(self.plugins) && '{GATEWAY_API_PLUGIN}' in self.plugins");
    vec![
        ValidationRule {
            rule: format!("has(self.gatewayAPI) || ({plugin})"),
            ..required("gatewayAPI", "name the route whose weights are written, here or under plugins")
        },
        must_at(
            ".gatewayAPI",
            format!("!has(self.gatewayAPI) || !({plugin})"),
            format!("means the same as plugins[{GATEWAY_API_PLUGIN:?}]: keep one of the two"),
        ),
    ]
}

fn plugins() -> Vec<ValidationRule> {
    let ours = format!("['{GATEWAY_API_PLUGIN}']");
    vec![
        must(
            format!("self.all(name, name == '{GATEWAY_API_PLUGIN}')"),
            format!("only {GATEWAY_API_PLUGIN} is served by this version: remove the others"),
        ),
        // Not asked of the others: a route's name would not help them.
        ValidationRule {
            rule: format!(
                "!('{GATEWAY_API_PLUGIN}' in self) || {}",
                names_a_route(&format!("self{ours}"), &ours).rule
            ),
            ..names_a_route("self", &ours)
        },
    ]
}

/// The routing that stands at `at`, and that CEL calls `routing`, names a route of any kind.
fn names_a_route(routing: &str, at: &str) -> ValidationRule {
    let fields = RouteKind::ALL.map(|kind| {
        let field = kind.field();
        format!("has({routing}.{field}) || (has({routing}.{field}s) && size({routing}.{field}s) > 0)")
    });
    ValidationRule {
        reason: Some("FieldValueRequired".to_owned()),
        ..must_at(&format!("{at}.httpRoute"), format!("({})", fields.join(" || ")), NAME_A_ROUTE)
    }
}

fn one_thing_per_step() -> ValidationRule {
    must("has(self.setWeight) != has(self.pause)", "must be exactly one of setWeight and pause")
}

fn required(field: &str, what_to_do: &str) -> ValidationRule {
    ValidationRule {
        reason: Some("FieldValueRequired".to_owned()),
        ..must_at(&format!(".{field}"), format!("has(self.{field})"), what_to_do)
    }
}

fn must_at(field: &str, rule: impl Into<String>, message: impl Into<String>) -> ValidationRule {
    ValidationRule { field_path: Some(field.to_owned()), ..must(rule, message) }
}

fn must(rule: impl Into<String>, message: impl Into<String>) -> ValidationRule {
    ValidationRule { rule: rule.into(), message: Some(message.into()), ..Default::default() }
}
