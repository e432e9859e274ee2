//! What the operator says and when: the tables of rules, waits, conditions and Events that the engine itself uses.

use anyhow::Result;
use serin_api::conditions::{ConditionStatus, ConditionType};
use serin_engine::events::{REASONS, Severity};
use serin_engine::status::conditions::{Beside, CONDITIONS, Presence};
use serin_engine::status::rules::{RULES, Rule};
use serin_engine::waits::Wait;

use super::tables::Table;
use super::variants;

/// All sections.
pub fn sections() -> Result<String> {
    Ok([rules(), waits(), conditions()?, events()].concat())
}

fn rules() -> String {
    let decide = RULES.iter().enumerate().map(|(index, rule)| {
        vec![
            (index + 1).to_string(),
            format!("`{:?}`", rule.phase),
            code(rule.message),
            rule.when.to_owned(),
            rule.advice.to_owned(),
        ]
    });
    let beside = RULES.iter().enumerate().map(|(index, rule)| {
        vec![
            (index + 1).to_string(),
            code(rule.name),
            progressing(rule),
            rule.waits.iter().map(|wait| code(wait.name())).collect::<Vec<_>>().join(" or "),
            rule.event.as_ref().map_or(String::new(), |event| code(event.reason.name)),
        ]
    });
    format!(
        "\n## Phase and message\n\n{RULES_INTRODUCTION}\n{}\nWhat goes with it:\n\n{}",
        Table::new(&["#", "Phase", "Message", "When", "What to do"], decide.collect()).render(),
        Table::new(&["#", "Rule", "Condition `Progressing`", "Waits for", "Event"], beside.collect())
            .render(),
    )
}

fn progressing(rule: &Rule) -> String {
    let said = |(status, reason): (ConditionStatus, &str)| format!("{status:?} `{reason}`");
    rule.progressing.map_or_else(|| "by the next rule that applies".to_owned(), said)
}

fn waits() -> String {
    let rows = Wait::ALL
        .iter()
        .map(|wait| vec![code(wait.name()), wait.meaning().to_owned(), wait.advice().to_owned()]);
    let table = Table::new(&["`what`", "Meaning", "What to do"], rows.collect()).render();
    format!("\n## What it waits for\n\n{WAITS_INTRODUCTION}\n{table}")
}

fn conditions() -> Result<String> {
    let rows = variants::of::<ConditionType>()?.into_iter().map(|(name, meaning)| {
        match CONDITIONS.iter().find(|beside| format!("{:?}", beside.kind) == name) {
            Some(beside) => vec![code(&name), presence(beside), beside.meaning.to_owned(), event(beside)],
            None => vec![code(&name), "by the rule".to_owned(), meaning, "by the rule".to_owned()],
        }
    });
    let table = Table::new(&["Type", "Status and reason", "Meaning", "Event"], rows.collect()).render();
    Ok(format!("\n## Conditions\n\n{CONDITIONS_INTRODUCTION}\n{table}"))
}

fn presence(beside: &Beside) -> String {
    match beside.presence {
        Presence::Always => format!("True or False `{}`", beside.reason),
        Presence::WhileTrue => format!("True `{}`; absent otherwise", beside.reason),
    }
}

fn event(beside: &Beside) -> String {
    beside.event.map_or(String::new(), |event| code(event.name))
}

fn events() -> String {
    let kind = |severity| match severity {
        Severity::Normal => "Normal",
        Severity::Warning => "Warning",
    };
    let rows = REASONS.iter().map(|r| vec![code(r.name), kind(r.severity).to_owned(), r.meaning.to_owned()]);
    let table = Table::new(&["Reason", "Type", "Meaning"], rows.collect()).render();
    format!("\n## Events\n\n{EVENTS_INTRODUCTION}\n{table}")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

const RULES_INTRODUCTION: &str = "\
One list of rules, asked from top to bottom each time that the operator plans. The first that applies decides `phase` and
`message`; `…` stands for details. The first that applies and speaks of the condition `Progressing` decides that.
";

const WAITS_INTRODUCTION: &str = "\
`status.waitingFor[].what`. The message has the numbers and names; `since` tells how long it has lasted. Several may
stand side by side.
";

const CONDITIONS_INTRODUCTION: &str = "\
An Event is sent when the condition becomes true, or has a new message. `lastUpdateTime` of `Progressing` is when
progress was last made; the deadline counts from there.
";

const EVENTS_INTRODUCTION: &str = "\
`kubectl describe rollouts.serin.dev NAME`. They are sent after what they tell of has succeeded, and never hold it up.
";
