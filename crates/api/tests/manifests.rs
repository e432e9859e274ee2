//! The manifests in `testdata`, as far as this crate alone can judge them; its README tells what they are.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::path::{Path, PathBuf};

use serde_json::Value;
use serin_api::Rollout;
use serin_api::unserved::{self, Group, UNSERVED};
use serin_api::validate::validate;

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn manifests(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(testdata().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    files
}

/// A manifest as it would be stored: the API server prunes a null, because no field is nullable.
fn value(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    let value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    without_nulls(value)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(_, value)| !value.is_null());
            kept.map(|(key, value)| (key, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// What the operator would say of a manifest; `None` where it cannot read it.
fn verdict(file: &Path) -> Option<String> {
    let mut rollout: Rollout = serde_json::from_value(value(file)).ok()?;
    rollout.metadata.namespace.get_or_insert("default".to_owned());
    let errors = validate(&rollout).err().unwrap_or_default();
    Some(errors.iter().map(|error| format!("{error}\n")).collect())
}

fn expected(file: &Path) -> String {
    std::fs::read_to_string(file.with_extension("validate")).unwrap_or_default()
}

#[test]
fn valid_manifests_are_valid() {
    for file in manifests("valid") {
        assert_eq!(verdict(&file).as_deref(), Some(""), "{}", file.display());
    }
}

#[test]
fn reading_and_writing_a_manifest_changes_nothing() {
    for file in manifests("valid") {
        let mut written = value(&file);
        let rollout: Rollout = serde_json::from_value(written.clone()).unwrap();
        // The type says which kind it is.
        written.as_object_mut().unwrap().retain(|field, _| field != "apiVersion" && field != "kind");
        assert_eq!(serde_json::to_value(&rollout).unwrap(), written, "{}", file.display());
    }
}

/// Without a `.validate` file, the mistake is one that only the API server can see, or that makes a Rollout unreadable.
#[test]
fn the_operator_sees_the_mistakes_too() {
    for file in manifests("invalid").into_iter().chain(manifests("judged-by-operator")) {
        assert_eq!(verdict(&file).unwrap_or_default(), expected(&file), "{}", file.display());
    }
}

#[test]
fn every_invalid_manifest_says_what_the_api_server_answers() {
    for file in manifests("invalid") {
        let answer = std::fs::read_to_string(file.with_extension("err")).unwrap_or_default();
        assert!(!answer.trim().is_empty(), "{}: there is no .err file", file.display());
    }
    assert!(manifests("judged-by-operator").iter().all(|file| !file.with_extension("err").exists()));
}

#[test]
fn every_unserved_field_is_written_in_some_invalid_manifest() {
    let manifests: Vec<_> = manifests("invalid").iter().map(|file| (value(file), answer(file))).collect();
    for group in UNSERVED {
        for field in group.fields {
            let refused = manifests.iter().any(|(manifest, answer)| {
                objects_at(manifest, group).iter().any(|object| object.get(field.name).is_some())
                    && answer.contains(&field.message())
            });
            assert!(refused, "{}.{} is in no invalid manifest", group.at, field.name);
        }
    }
}

/// So that a plan refuses what the API server would, and does not pass over it in silence.
#[test]
fn what_is_not_served_is_told_as_the_api_server_tells_it() {
    for file in manifests("invalid") {
        let answer = answer(&file);
        let told: Vec<_> = unserved::held(&value(&file)).iter().map(ToString::to_string).collect();
        let mut refused: Vec<_> = answer.lines().filter(|line| line.contains(": Forbidden: ")).collect();
        let mut told: Vec<&str> = told.iter().map(String::as_str).collect();
        told.sort_unstable();
        refused.sort_unstable();
        assert_eq!(told, refused, "{}", file.display());
    }
    assert!(manifests("valid").iter().all(|file| unserved::held(&value(file)).is_empty()));
}

fn answer(file: &Path) -> String {
    std::fs::read_to_string(file.with_extension("err")).unwrap_or_default()
}

fn objects_at<'a>(manifest: &'a Value, group: &Group) -> Vec<&'a Value> {
    group.at.split('.').fold(vec![manifest], |objects, segment| {
        let name = segment.trim_end_matches(['[', ']', '{', '}']);
        let found = objects.into_iter().filter_map(|object| object.get(name));
        match &segment[name.len()..] {
            "[]" => found.filter_map(Value::as_array).flatten().collect(),
            "{}" => found.filter_map(Value::as_object).flat_map(serde_json::Map::values).collect(),
            _ => found.collect(),
        }
    })
}
