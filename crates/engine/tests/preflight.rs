//! What preflight says of the sets of objects in `testdata/preflight`, word for word; its README tells what they are.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;
use serin_api::Names;
use serin_api::route::RouteKind;
use serin_engine::preflight::{Inputs, KINDS, Report, TemplateAnswer, judge, kinds};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/preflight")
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn objects(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    documents.map(|object| object.unwrap_or_else(|error| panic!("{}: {error}", file.display()))).collect()
}

/// The first Rollout of a file, in a cluster that holds the objects of the file and no others.
fn report(file: &Path) -> Report {
    let objects = objects(file);
    let rollout = objects.iter().find(|object| object["kind"] == "Rollout").unwrap();
    let mut inputs = Inputs::of_manifests(rollout, &objects, &Names::default(), None).unwrap();
    for answer in objects.iter().filter(|object| object["kind"] == "Status") {
        let words = answer["message"].as_str().unwrap().to_owned();
        match (answer["code"].as_i64().unwrap(), answer["details"]["kind"].as_str().unwrap()) {
            (404, _) => inputs.unserved_kinds.extend(RouteKind::ALL),
            (_, "replicasets") => inputs.template = TemplateAnswer::Refused(words),
            _ => inputs.refusals.push(words),
        }
    }
    judge(&inputs)
}

fn text(report: &Report) -> String {
    let findings = report.findings.iter().map(|finding| format!("{:?} {finding}\n", finding.severity));
    let unseen =
        report.unseen.iter().map(|unseen| format!("not checked: {} ({})\n", unseen.what, unseen.why));
    findings.chain(unseen).collect()
}

fn expected(file: &Path) -> String {
    std::fs::read_to_string(file.with_extension("txt")).unwrap_or_default()
}

#[test]
fn every_broken_set_is_found_out() {
    let files = manifests(&testdata());
    assert!(files.len() >= 60, "only {} sets", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let (told, expected) = (text(&report(&file)), expected(&file));
        if told != expected || told.is_empty() {
            wrong.push(format!("{}:\n{told}", file.file_name().unwrap().display()));
        }
    }
    assert!(wrong.is_empty(), "not as in the .txt files:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_found_in_a_good_set() {
    for file in manifests(&testdata().join("good")) {
        assert_eq!(text(&report(&file)), "", "{}", file.display());
    }
}

/// Whoever adds a kind adds a set of objects in which it is found.
#[test]
fn every_kind_is_found_in_some_set() {
    let reports = manifests(&testdata()).into_iter().map(|file| report(&file));
    let found: BTreeSet<&str> =
        reports.flat_map(|report| report.findings).map(|finding| finding.kind.name).collect();
    // No step needs a feature today; the function has a test of its own.
    let missing = KINDS.iter().filter(|kind| **kind != &kinds::FEATURE_UNSUPPORTED);
    let missing: Vec<&str> = missing.map(|kind| kind.name).filter(|name| !found.contains(name)).collect();
    assert!(missing.is_empty(), "in no set: {missing:?}");
}

/// A file that holds the Rollout alone shows nothing of the rest, neither good nor bad.
#[test]
fn what_no_file_holds_is_unseen() {
    let objects = objects(&testdata().join("good/at-rest.yaml"));
    let alone = &objects[..1];
    let inputs = Inputs::of_manifests(&alone[0], alone, &Names::default(), Some("no file holds it")).unwrap();
    let report = judge(&inputs);
    assert!(report.findings.is_empty(), "{}", text(&report));
    let unseen: Vec<&str> = report.unseen.iter().map(|unseen| unseen.what.as_str()).collect();
    assert_eq!(
        unseen,
        [
            "Service shop/web-stable",
            "Service shop/web-canary",
            "HTTPRoute shop/web",
            "the template by the API server",
            "Deployments of namespace shop",
            "PodDisruptionBudgets of namespace shop",
            "HorizontalPodAutoscalers of namespace shop",
        ]
    );
}
