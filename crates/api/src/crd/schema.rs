//! Ways through a schema.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

/// The schema at `path`, where there is one.
///
/// A path names properties, as in `spec.strategy.canary.steps[].pause`: `[]` means the items of a list, and `{}` the
/// values of a map.
pub fn at<'a>(root: &'a mut JSONSchemaProps, path: &str) -> Option<&'a mut JSONSchemaProps> {
    path.split('.').try_fold(root, |schema, segment| {
        let name = segment.trim_end_matches(['[', ']', '{', '}']);
        let field = schema.properties.as_mut()?.get_mut(name)?;
        match &segment[name.len()..] {
            "[]" => items(field),
            "{}" => values(field),
            _ => Some(field),
        }
    })
}

fn items(schema: &mut JSONSchemaProps) -> Option<&mut JSONSchemaProps> {
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => Some(items),
        _ => None,
    }
}

fn values(schema: &mut JSONSchemaProps) -> Option<&mut JSONSchemaProps> {
    match &mut schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        _ => None,
    }
}

/// Drops what the derive adds because Rust reads leniently.
///
/// A field that is not nullable has its null pruned, so that nothing in the cluster ever tells null from absent. A
/// default of Rust's, such as an empty strategy, would hide from the rules that the user wrote none.
pub(super) fn drop_reading_aids(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.default = None;
    schema.title = None;
    let properties = schema.properties.iter_mut().flat_map(|properties| properties.values_mut());
    properties.for_each(drop_reading_aids);
    items(schema).into_iter().for_each(drop_reading_aids);
    values(schema).into_iter().for_each(drop_reading_aids);
}
