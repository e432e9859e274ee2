//! Every defect on purpose is found: a judge that finds nothing proves nothing.

#![allow(clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use serin_stories::Story;
use serin_stories::defects::{all, find, find_among, of_requests};
use serin_stories::setting::Setting;

/// In how many stories each is looked for, and how many things happen in one, at most.
const STORIES: u64 = 4000;
const TURNS: u32 = 40;

#[test]
fn every_defect_on_purpose_is_found() {
    let missed: Vec<&str> =
        all().filter(|defect| find(*defect, STORIES, TURNS).is_none()).map(|defect| defect.name).collect();
    assert!(missed.is_empty(), "not found in {STORIES} stories each: {missed:#?}");
}

#[test]
fn what_fails_requests_alone_is_found_only_behind_a_gateway() {
    let without_gateway = |seed| {
        let story = Story::of(seed, TURNS);
        Story { setting: Setting { gateway: None, ..story.setting }, turns: story.turns }
    };
    for defect in of_requests() {
        let found = find_among(defect, 100, without_gateway);
        assert!(found.is_none(), "{}: {found:?}", defect.name);
    }
}

#[test]
fn every_rule_has_two_defects() {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for defect in all() {
        *counts.entry(defect.breaks).or_default() += 1;
    }
    for rule in 1..=12 {
        assert!(counts.get(&rule).copied().unwrap_or(0) >= 2, "rule {rule}: {counts:?}");
    }
}

/// Quoted names in the page of defects that others have shipped.
#[test]
fn the_defects_that_the_documentation_names_exist() {
    let page = include_str!("../../../docs/design/known-defects.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ")).collect();
    let quoted: Vec<&str> = rows.iter().flat_map(|row| row.split('"').skip(1).step_by(2)).collect();
    assert!(quoted.len() > 20, "{quoted:?}");
    for name in quoted {
        assert!(all().any(|defect| defect.name == name), "no defect is called {name:?}");
    }
}
