//! What is always true of the generated definition.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps,
};
use serde_json::Value;
use serin_api::crd::{at, crd};
use serin_api::unserved::UNSERVED;
use serin_api::{Rollout, RolloutApi};

fn root(definition: &CustomResourceDefinition) -> JSONSchemaProps {
    let schema = definition.spec.versions[0].schema.clone().expect("the version has a schema");
    schema.open_api_v3_schema.expect("the schema is there")
}

fn every_object(value: &Value, visit: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values().for_each(|value| every_object(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|item| every_object(item, visit)),
        _ => {}
    }
}

#[test]
fn it_fits_into_the_annotation_of_a_client_side_apply_twice() {
    let definition = crd(RolloutApi::default());
    let json = serde_json::to_string(&definition).unwrap();
    let yaml = serde_yaml::to_string(&definition).unwrap();
    assert!(json.len() < 131_072, "{} bytes of JSON", json.len());
    assert!(yaml.len() < 131_072, "{} bytes of YAML", yaml.len());
}

#[test]
fn formats_are_those_that_the_api_server_knows() {
    let schema = serde_json::to_value(root(&crd(RolloutApi::default()))).unwrap();
    every_object(&schema, &mut |object| {
        if let Some(Value::String(format)) = object.get("format") {
            assert!(["int32", "int64", "date-time"].contains(&format.as_str()), "{format}");
        }
    });
}

#[test]
fn nothing_is_nullable_and_only_replicas_has_a_default() {
    let mut root = root(&crd(RolloutApi::default()));
    let mut defaults = Vec::new();
    every_object(&serde_json::to_value(&root).unwrap(), &mut |object| {
        assert!(!object.contains_key("nullable"), "{object:?}");
        defaults.extend(object.get("default").cloned());
    });
    assert_eq!(defaults, [Value::from(1)]);
    assert!(at(&mut root, "spec.replicas").is_some_and(|replicas| replicas.default.is_some()));
}

#[test]
fn the_group_is_the_one_that_was_asked_for() {
    let definition = crd(RolloutApi::new("example.com"));
    assert_eq!(definition.metadata.name.as_deref(), Some("rollouts.example.com"));
    assert_eq!(definition.spec.group, "example.com");
}

#[test]
fn the_names_are_those_of_the_type() {
    use kube::Resource;
    let api = RolloutApi::default();
    let definition = crd(api);
    assert_eq!(definition.spec.names.kind, Rollout::kind(&api));
    assert_eq!(definition.spec.names.plural, Rollout::plural(&api));
    assert_eq!(definition.spec.versions[0].name, Rollout::version(&api));
    assert_eq!(definition.spec.names.short_names, None);
}

/// A path with a typing mistake would be passed over in silence, and what it names would be served as if it were.
#[test]
fn every_unserved_field_is_declared_and_refused_by_name() {
    let mut root = root(&crd(RolloutApi::default()));
    for group in UNSERVED {
        for field in group.fields {
            let path = format!("{}.{}", group.at, field.name);
            let schema = at(&mut root, &path).unwrap_or_else(|| panic!("{path} is not declared"));
            let rules = schema.x_kubernetes_validations.as_deref().unwrap_or_default();
            assert_eq!(rules.len(), 1, "{path}");
            assert_eq!(rules[0].rule, "false", "{path}");
            assert_eq!(rules[0].message.as_deref(), Some(field.message().as_str()), "{path}");
        }
    }
}

/// As above: a rule whose path is wrong would not be there.
#[test]
fn every_rule_has_arrived() {
    let mut root = root(&crd(RolloutApi::default()));
    let canary = "spec.strategy.canary";
    for (path, rules) in [
        ("spec".to_owned(), 10),
        ("spec.selector".to_owned(), 3),
        ("spec.selector.matchExpressions[]".to_owned(), 1),
        ("spec.strategy".to_owned(), 1),
        (canary.to_owned(), 7),
        (format!("{canary}.activeMetadata.labels"), 1),
        (format!("{canary}.stableMetadata.labels"), 1),
        (format!("{canary}.previewMetadata.labels"), 1),
        (format!("{canary}.canaryMetadata.labels"), 1),
        (format!("{canary}.trafficRouting"), 2),
        (format!("{canary}.trafficRouting.gatewayAPI"), 1),
        (format!("{canary}.trafficRouting.plugins"), 2),
        (format!("{canary}.steps[]"), 1),
    ] {
        let schema = at(&mut root, &path).unwrap_or_else(|| panic!("{path} is missing"));
        let found = schema.x_kubernetes_validations.as_deref().unwrap_or_default();
        assert_eq!(found.len(), rules, "{path}: {found:#?}");
    }
}

#[test]
fn messages_can_be_shown_on_one_line() {
    let schema = serde_json::to_value(root(&crd(RolloutApi::default()))).unwrap();
    every_object(&schema, &mut |object| {
        if object.get("rule").is_some_and(Value::is_string) {
            let message = object["message"].as_str().expect("every rule has a message");
            assert!(!message.contains('\n') && !message.contains("  ") && message.len() < 200, "{message:?}");
        }
    });
}
