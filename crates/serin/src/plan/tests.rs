//! What the documentation shows of plans is what they are.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Parser as _;
use serde_json::Value;
use serin_sim::timeline::{Timeline, timeline};

use super::{files, from_empty};
use crate::args::{Cli, Command};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What a command line of the documentation comes to, run in the checkout.
fn planned(command: &str) -> anyhow::Result<Timeline> {
    let Command::Plan(mut args) = Cli::try_parse_from(command.split(' '))?.command else {
        panic!("{command}")
    };
    for file in &mut args.files {
        *file = root().join(&file);
    }
    let group = args.api.api_group.clone();
    Ok(timeline(from_empty(&args, &group, files::read(&args.files)?)?)?)
}

/// Each `$ serin plan …` that a page shows, and what it shows below.
fn shown(page: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let blocks = text.split("```text\n$ serin plan").skip(1);
    let blocks = blocks.map(|block| block.split_once("\n```").unwrap().0.split_once('\n').unwrap());
    blocks.map(|(flags, output)| (format!("serin plan{flags}"), output.to_owned())).collect()
}

#[test]
fn the_documentation_shows_what_is_printed() {
    for page in ["README.md", "docs/plan.md"] {
        let shown = shown(page);
        assert!(!shown.is_empty(), "{page}");
        for (command, output) in shown {
            let printed = planned(&command).unwrap().text();
            assert_eq!(output.trim_end(), printed.trim_end(), "{page}: {command} prints\n{printed}");
        }
    }
}

#[test]
fn every_example_can_be_planned() {
    for folder in ["minimal", "several-routes", "pinned-clients", "canary-aware", "queue-worker"] {
        let timeline = planned(&format!("serin plan -f examples/{folder}")).unwrap();
        assert!(timeline.is_good(), "{folder}: {}", timeline.text());
        assert!(timeline.assumed.iter().all(|sentence| !sentence.starts_with("there is")), "{folder}");
    }
}

fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, field)| {
            found.insert(name.clone());
            names(field, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_json_is_documented() {
    let timeline = planned("serin plan -f examples/canary-aware").unwrap();
    let mut found = BTreeSet::new();
    names(&serde_json::to_value(&timeline).unwrap(), &mut found);
    let page = std::fs::read_to_string(root().join("docs/plan.md")).unwrap();
    let missing: Vec<_> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn services_and_routes_that_no_file_holds_are_assumed_and_told() {
    let timeline = planned("serin plan -f crates/api/testdata/valid/minimal.yaml").unwrap();
    let told = timeline.assumed.iter().filter(|sentence| sentence.starts_with("there is"));
    assert_eq!(told.count(), 3, "{:?}", timeline.assumed);
}

#[test]
fn every_invalid_manifest_is_told_as_the_operator_tells_it() {
    let folder = root().join("crates/api/testdata/invalid");
    let mut judged = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let Ok(expected) = std::fs::read_to_string(file.with_extension("validate")) else { continue };
        if file.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let told = planned(&format!("serin plan -f {}", file.display())).unwrap_err().to_string();
        for line in expected.lines() {
            assert!(told.lines().any(|found| found == line), "{}: {told}", file.display());
        }
        judged += 1;
    }
    assert!(judged > 50, "{judged}");
}
