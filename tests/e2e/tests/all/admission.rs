//! The CRD on a real API server: every file of the API's test data is accepted or refused as it says.

use std::path::{Path, PathBuf};

use serin_e2e::Space;
use serin_e2e::space::root;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = root().join("crates/api/testdata").join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no files in {}", folder.display());
    files
}

fn dry_run(space: &Space, file: &Path) -> anyhow::Result<String> {
    // A strict kubectl would refuse misspelt names itself, before the server prunes them.
    space.try_cluster_kubectl(&[
        "apply",
        "--dry-run=server",
        "--validate=ignore",
        "--filename",
        &file.to_string_lossy(),
    ])
}

#[test]
fn valid_rollouts_are_accepted() {
    let space = Space::without_operator("valid");
    for file in files("valid") {
        dry_run(&space, &file).unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
    }
}

#[test]
fn invalid_rollouts_are_refused_with_their_field() {
    let space = Space::without_operator("invalid");
    for file in files("invalid") {
        let refusal =
            dry_run(&space, &file).err().unwrap_or_else(|| panic!("{} was accepted", file.display()));
        let refusal = format!("{refusal:#}");
        let expected = std::fs::read_to_string(file.with_extension("err")).expect("an .err file");
        for line in expected.lines().filter(|line| !line.trim().is_empty()) {
            assert!(refusal.contains(line), "{}: expected {line:?} in\n{refusal}", file.display());
        }
    }
}

#[test]
fn changes_that_are_not_allowed_are_refused_with_their_field() {
    let space = Space::without_operator("updates");
    for before in
        files("invalid-updates").iter().filter(|file| file.to_string_lossy().ends_with(".before.yaml"))
    {
        let sibling = |ending: &str| PathBuf::from(before.to_string_lossy().replace(".before.yaml", ending));
        let (before, after) = (before.to_string_lossy().into_owned(), sibling(".after.yaml"));
        space
            .try_cluster_kubectl(&["create", "--validate=ignore", "--filename", &before])
            .expect("it is valid");
        let refusal =
            dry_run(&space, &after).err().unwrap_or_else(|| panic!("{} was accepted", after.display()));
        space.try_cluster_kubectl(&["delete", "--filename", &before]).expect("it goes");
        let expected = std::fs::read_to_string(sibling(".err")).expect("an .err file");
        for line in expected.lines().filter(|line| !line.trim().is_empty()) {
            assert!(format!("{refusal:#}").contains(line), "expected {line:?} in\n{refusal:#}");
        }
    }
}
