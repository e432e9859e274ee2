//! Whatever a Rollout says when something is wrong has an entry in the documentation.

use std::collections::BTreeSet;

use serin_api::status::Phase;
use serin_engine::events::{REASONS, Severity};
use serin_engine::status::conditions::{CONDITIONS, Presence};
use serin_engine::status::rules::RULES;
use serin_engine::waits::Wait;

const PAGE: &str = include_str!("../../../../docs/troubleshooting.md");

#[test]
fn every_name_that_tells_of_trouble_is_found_in_the_documentation() {
    let mut names: BTreeSet<&str> = Wait::ALL.iter().map(|wait| wait.name()).collect();
    names.extend(REASONS.iter().filter(|reason| reason.severity == Severity::Warning).map(|r| r.name));
    let failing = RULES.iter().filter(|rule| rule.phase == Phase::Degraded);
    names.extend(failing.filter_map(|rule| rule.progressing).map(|(_, reason)| reason));
    let troubles = CONDITIONS.iter().filter(|condition| condition.presence == Presence::WhileTrue);
    names.extend(troubles.map(|condition| condition.reason));
    let entries: Vec<&str> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("### `"))
        .filter_map(|line| line.strip_suffix('`'))
        .collect();
    let missing: Vec<_> = names.iter().filter(|name| !entries.contains(*name)).collect();
    assert!(missing.is_empty(), "no entry for {missing:?}");
    let twice: Vec<_> =
        entries.iter().filter(|name| entries.iter().filter(|other| other == name).count() > 1).collect();
    assert!(twice.is_empty(), "more than one entry for {twice:?}");
}
