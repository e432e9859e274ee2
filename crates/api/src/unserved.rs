//! The fields of Argo Rollouts that this version does not serve.
//!
//! A CRD prunes names that it does not know, and only strict clients tell their users. A canary without the analysis
//! that its author wrote would be worse than none, so every such field is declared, with open content, and refused by
//! name. To serve one: take it out of this table and give it a type.
//!
//! Open content has a price after a downgrade from a version that serves such a field: the API server does not compare
//! it, so it refuses every update of an object that still has the field, and not only changes of the field.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, ValidationRule,
};

use serde_json::Value;

use crate::crd;
use crate::validate::FieldError;

/// Fields of one object that are not served.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Where they would be, as [`crd::at`] reads it.
    pub at: &'static str,
    /// The fields.
    pub fields: &'static [Field],
}

/// A field that is not served.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What Argo Rollouts accepts there.
    pub shape: Shape,
    /// What to do instead, as the end of a sentence.
    pub instead: &'static str,
}

/// What may be written in a field before it is refused. Without a type, no CEL rule could see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// Text.
    Text,
    /// A whole number, or text such as `25%`.
    IntegerOrText,
    /// An object of any content.
    Object,
    /// A list of objects of any content.
    Objects,
}

impl Field {
    /// What the user is told.
    pub fn message(&self) -> String {
        format!("{} is not served by this version: {}", self.name, self.instead)
    }
}

const fn field(name: &'static str, shape: Shape, instead: &'static str) -> Field {
    Field { name, shape, instead }
}

use Shape::{Boolean, Integer, IntegerOrText, Object, Objects, Text};

const REMOVE: &str = "remove it";
const USE_GATEWAY_API: &str = "use gatewayAPI with a route of the Gateway API";
const NAME_THE_ROUTES: &str = "name the routes themselves";
const NO_ROUTE_LABEL: &str = "remove it; no label is put on the route";
const NO_ANALYSIS: &str = "remove it, and let a person judge in a pause step";

/// Under `gatewayAPI` and under the plugin's key alike.
const OF_A_ROUTE: &[Field] = &[
    field("configMap", Text, REMOVE),
    field("disableInProgressLabel", Boolean, NO_ROUTE_LABEL),
    field("grpcRouteSelector", Object, NAME_THE_ROUTES),
    field("httpRouteSelector", Object, NAME_THE_ROUTES),
    field("inProgressLabelKey", Text, NO_ROUTE_LABEL),
    field("inProgressLabelValue", Text, NO_ROUTE_LABEL),
    field("tcpRouteSelector", Object, NAME_THE_ROUTES),
    field("tlsRouteSelector", Object, NAME_THE_ROUTES),
    field("udpRouteSelector", Object, NAME_THE_ROUTES),
    field("useHeaderRoutes", Boolean, "write header matches into the route yourself"),
];

/// Every field that is refused, in the order of the spec.
pub const UNSERVED: &[Group] = &[
    Group {
        at: "spec",
        fields: &[
            field("analysis", Object, "remove it; no analysis is run"),
            field(
                "progressDeadlineAbort",
                Boolean,
                "remove it, and abort by hand when the Rollout is Degraded",
            ),
            field("rollbackWindow", Object, "remove it; a return to an older template is a canary too"),
            field("workloadRef", Object, "write the pods into spec.template"),
        ],
    },
    Group { at: "spec.strategy", fields: &[field("blueGreen", Object, "use canary")] },
    Group {
        at: "spec.strategy.canary",
        fields: &[
            field("analysis", Object, NO_ANALYSIS),
            field("antiAffinity", Object, "write the affinity into spec.template"),
            field("dynamicStableScale", Boolean, "remove it; the stable revision keeps all its pods"),
            field("maxSurge", IntegerOrText, "remove it; the canary's pods come on top of the stable ones"),
            field("maxUnavailable", IntegerOrText, "remove it; no stable pod leaves before its traffic has"),
            field(
                "minPodsPerReplicaSet",
                Integer,
                "remove it; the canary has the pods that its weight needs",
            ),
            field("pingPong", Object, "name stableService and canaryService"),
            field("replicaProgressThreshold", Object, "remove it; a step waits for all its pods"),
            field("scaleDownDelayRevisionLimit", Integer, REMOVE),
        ],
    },
    Group {
        at: "spec.strategy.canary.trafficRouting",
        fields: &[
            field("alb", Object, USE_GATEWAY_API),
            field("ambassador", Object, USE_GATEWAY_API),
            field("apisix", Object, USE_GATEWAY_API),
            field("appMesh", Object, USE_GATEWAY_API),
            field("istio", Object, USE_GATEWAY_API),
            field("managedRoutes", Objects, "write header and mirror rules into the route yourself"),
            field("maxTrafficWeight", Integer, "write weights in percent"),
            field("nginx", Object, USE_GATEWAY_API),
            field("smi", Object, USE_GATEWAY_API),
            field("traefik", Object, USE_GATEWAY_API),
        ],
    },
    Group { at: "spec.strategy.canary.trafficRouting.gatewayAPI", fields: OF_A_ROUTE },
    Group { at: "spec.strategy.canary.trafficRouting.plugins{}", fields: OF_A_ROUTE },
    Group {
        at: "spec.strategy.canary.steps[]",
        fields: &[
            field("analysis", Object, NO_ANALYSIS),
            field("experiment", Object, NO_ANALYSIS),
            field("plugin", Object, "use setWeight and pause"),
            field("setCanaryScale", Object, "remove it; the canary has the pods that its weight needs"),
            field("setHeaderRoute", Object, "write header matches into the route yourself"),
            field("setMirrorRoute", Object, "write mirror filters into the route yourself"),
        ],
    },
];

/// The unserved fields that a manifest holds, in the order of the table and with the API server's paths.
pub fn held(manifest: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for group in UNSERVED {
        for (path, object) in objects_at(manifest, group.at) {
            let held = group.fields.iter().filter(|field| !object[field.name].is_null());
            errors.extend(held.map(|field| {
                FieldError::new(format!("{path}.{}", field.name), format!("Forbidden: {}", field.message()))
            }));
        }
    }
    errors
}

/// The values at a path as [`crd::at`] reads it, each with its own path.
fn objects_at<'a>(manifest: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    at.split('.').fold(vec![(String::new(), manifest)], |found, segment| {
        let name = segment.trim_end_matches(['[', ']', '{', '}']);
        let below = found.into_iter().map(|(path, object)| {
            let separator = if path.is_empty() { "" } else { "." };
            (format!("{path}{separator}{name}"), &object[name])
        });
        let entries = |(path, value): (String, &'a Value)| -> Vec<(String, &'a Value)> {
            match (&segment[name.len()..], value) {
                ("[]", Value::Array(items)) => {
                    items.iter().enumerate().map(|(index, item)| (format!("{path}[{index}]"), item)).collect()
                }
                ("{}", Value::Object(fields)) => {
                    fields.iter().map(|(key, field)| (format!("{path}[{key}]"), field)).collect()
                }
                ("", value) => vec![(path, value)],
                _ => Vec::new(),
            }
        };
        below.flat_map(entries).collect()
    })
}

/// Declares every unserved field in the schema, with a rule that refuses it.
pub(crate) fn refuse(root: &mut JSONSchemaProps) {
    for group in UNSERVED {
        if let Some(parent) = crd::at(root, group.at) {
            let refusals = group.fields.iter().map(|field| (field.name.to_owned(), refusal(field)));
            parent.properties.get_or_insert_default().extend(refusals);
        }
    }
}

/// The rule is the field's own, so the API server reports the field's path.
fn refusal(field: &Field) -> JSONSchemaProps {
    JSONSchemaProps {
        description: Some(format!("Not served by this version: {}.", field.instead)),
        x_kubernetes_validations: Some(vec![ValidationRule {
            rule: "false".to_owned(),
            message: Some(field.message()),
            reason: Some("FieldValueForbidden".to_owned()),
            ..Default::default()
        }]),
        ..open_content(field.shape)
    }
}

fn open_content(shape: Shape) -> JSONSchemaProps {
    let typed = |name: &str| JSONSchemaProps { type_: Some(name.to_owned()), ..Default::default() };
    match shape {
        Shape::Boolean => typed("boolean"),
        Shape::Integer => typed("integer"),
        Shape::Text => typed("string"),
        Shape::IntegerOrText => {
            JSONSchemaProps { x_kubernetes_int_or_string: Some(true), ..Default::default() }
        }
        Shape::Object => {
            JSONSchemaProps { x_kubernetes_preserve_unknown_fields: Some(true), ..typed("object") }
        }
        Shape::Objects => JSONSchemaProps {
            items: Some(JSONSchemaPropsOrArray::Schema(Box::new(open_content(Shape::Object)))),
            ..typed("array")
        },
    }
}
