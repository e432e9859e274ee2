//! Merge patches and JSON patches, with the API server's answers to those that do not fit.

use json_patch::{AddOperation, Patch, PatchOperation};
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
    let is_list_of_operations = patch.as_array().is_some_and(|list| list.iter().all(Value::is_object));
    if !is_list_of_operations {
        return Err(Refusal::bad_request("error decoding patch: it must be a list of operations"));
    }
    let patch: Patch = serde_json::from_value(patch.clone()).map_err(|_| Refusal::patch_failed())?;
    for operation in patch.0 {
        apply(&mut object, operation).ok_or_else(Refusal::patch_failed)?;
    }
    Ok(object)
}

/// The RFC says that a test of null and a replacement both need the path to exist. The API server's library lets null
/// stand for "absent", and replaces what is not there, as long as the parent is a map that exists.
fn apply(object: &mut Value, operation: PatchOperation) -> Option<()> {
    match operation {
        PatchOperation::Test(test)
            if test.value.is_null() && parent(object, test.path.as_str())?.is_object() =>
        {
            object.pointer(test.path.as_str()).is_none_or(Value::is_null).then_some(())
        }
        PatchOperation::Replace(replace) if parent(object, replace.path.as_str())?.is_object() => {
            let add = AddOperation { path: replace.path, value: replace.value };
            json_patch::patch(object, &[PatchOperation::Add(add)]).ok()
        }
        operation => json_patch::patch(object, &[operation]).ok(),
    }
}

fn parent<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    object.pointer(path.rsplit_once('/')?.0)
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
            json!([{"op": "replace", "path": "/metadata/absent/deep", "value": 1}]),
            json!([{"op": "replace", "path": "/metadata/finalizers/1", "value": 1}]),
            json!([{"op": "invent", "path": "/a"}]),
            json!([{"op": "add", "path": "/metadata/annotations/a", "value": "b"}]),
            json!([{"op": "add", "path": "/metadata/finalizers/7", "value": "b"}]),
        ] {
            assert_eq!(code(object.clone(), patch.clone()), 422, "{patch}");
        }
        assert_eq!(code(object.clone(), json!({"op": "add"})), 400);
        assert_eq!(code(object, json!([{"op": "replace", "path": "/metadata/absent", "value": 1}])), 200);
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
