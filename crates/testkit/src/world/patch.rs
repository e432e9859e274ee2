//! Merge patches and JSON patches, with the API server's answers to those that do not fit.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

use super::refusal::Refusal;

/// Applies a merge patch.
pub(crate) fn merge(mut object: Value, patch: &Value) -> Result<Value, Refusal> {
    if !patch.is_object() {
        return Err(Refusal::bad_request("a merge patch must be an object"));
    }
    json_patch::merge(&mut object, patch);
    Ok(object)
}

/// Applies a JSON patch, all of it or nothing.
pub(crate) fn json(mut object: Value, patch: &Value) -> Result<Value, Refusal> {
    let patch: Patch =
        serde_json::from_value(patch.clone()).map_err(|error| Refusal::bad_request(&error.to_string()))?;
    for operation in patch.0 {
        apply(&mut object, operation).map_err(|problem| Refusal::patch_failed(&problem))?;
    }
    Ok(object)
}

fn apply(object: &mut Value, operation: PatchOperation) -> Result<(), String> {
    match &operation {
        // The RFC says that a test of an absent path fails. The API server lets null stand for "absent".
        PatchOperation::Test(test) if test.value.is_null() => test_null(object, test.path.as_str()),
        _ => json_patch::patch(object, &[operation]).map_err(|error| error.to_string()),
    }
}

fn test_null(object: &Value, path: &str) -> Result<(), String> {
    let Some((parent, token)) = path.rsplit_once('/') else {
        return Err("a test of the whole object for null fails".to_owned());
    };
    let missing = || format!("test operation for path failed: {path}: missing path");
    let passes = match object.pointer(parent).ok_or_else(missing)? {
        Value::Object(map) => {
            map.get(&token.replace("~1", "/").replace("~0", "~")).is_none_or(Value::is_null)
        }
        Value::Array(items) => {
            let item = token.parse::<usize>().ok().and_then(|index| items.get(index));
            item.ok_or_else(missing)?.is_null()
        }
        _ => return Err(missing()),
    };
    if passes { Ok(()) } else { Err(format!("testing value {path} failed: test failed")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(object: Value, patch: Value) -> u16 {
        json(object, &patch).map_or_else(|refusal| refusal.code, |_| 200)
    }

    #[test]
    fn a_test_of_null_means_absent_below_a_parent_that_exists() {
        let object = json!({"metadata": {"labels": {"a/b": "1"}}, "list": [1]});
        for (path, expected) in [
            ("/metadata/annotations", 200),
            ("/metadata/labels/absent", 200),
            ("/metadata/labels/a~1b", 422),
            ("/metadata/annotations/x", 422),
            ("/list/1", 422),
            ("/absent/deep/path", 422),
        ] {
            let patch = json!([{"op": "test", "path": path, "value": null}]);
            assert_eq!(code(object.clone(), patch), expected, "{path}");
        }
    }

    #[test]
    fn what_does_not_fit_is_unprocessable() {
        let object = json!({"metadata": {"name": "a", "finalizers": ["x"]}});
        for patch in [
            json!([{"op": "test", "path": "/metadata/name", "value": "b"}]),
            json!([{"op": "test", "path": "/metadata/absent", "value": "b"}]),
            json!([{"op": "remove", "path": "/metadata/absent"}]),
            json!([{"op": "remove", "path": "/metadata/finalizers/1"}]),
            json!([{"op": "replace", "path": "/metadata/absent", "value": 1}]),
            json!([{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]),
            json!([{"op": "add", "path": "/metadata/finalizers/7", "value": "b"}]),
        ] {
            assert_eq!(code(object.clone(), patch.clone()), 422, "{patch}");
        }
        assert_eq!(code(object.clone(), json!({"op": "add"})), 400);
        assert_eq!(code(object, json!([{"op": "invent", "path": "/a"}])), 400);
    }

    #[test]
    fn operations_see_the_results_of_earlier_ones() {
        let patch = json!([
            {"op": "test", "path": "/metadata/annotations", "value": null},
            {"op": "add", "path": "/metadata/annotations", "value": {}},
            {"op": "add", "path": "/metadata/annotations/a~1b", "value": "1"},
            {"op": "add", "path": "/metadata/finalizers/-", "value": "y"},
        ]);
        let patched = json(json!({"metadata": {"finalizers": ["x"]}}), &patch);
        let expected = json!({"metadata": {"annotations": {"a/b": "1"}, "finalizers": ["x", "y"]}});
        assert_eq!(patched, Ok(expected));
    }
}
