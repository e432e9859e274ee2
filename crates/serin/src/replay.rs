//! `serin replay`: the decision of a bundle made again, without a cluster.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;
use serin_api::status::WaitingFor;
use serin_engine::bundle::{Bundle, Record};

use crate::args::{PrintForm, ReplayArgs};
use crate::{run, words};

/// Runs `serin replay`. A plan that differs from the recorded one is no error: another version may decide otherwise.
///
/// # Errors
/// The file cannot be read, or is no bundle that this build knows.
pub fn run(args: ReplayArgs) -> anyhow::Result<()> {
    let text = read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))?;
    let report =
        Report::of(&text, args.at).with_context(|| format!("cannot replay {}", args.file.display()))?;
    match args.print.output {
        PrintForm::Text => run::print(&report.text()),
        PrintForm::Json => run::print(&(serde_json::to_string_pretty(&report)? + "\n")),
    }
}

fn read(file: &Path) -> io::Result<String> {
    if file.as_os_str() != "-" {
        return fs::read_to_string(file);
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map(|_| text)
}

/// A replayed decision, to be printed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    namespace: String,
    name: String,
    at: Timestamp,
    written_by: String,
    /// Whether it is the plan that the bundle recorded; not asked at another time.
    same: Option<bool>,
    /// The parts in which it differs.
    differences: Vec<&'static str>,
    /// The writes in plain words.
    writes: Vec<String>,
    waits: Vec<WaitingFor>,
    plan: Record,
}

impl Report {
    fn of(text: &str, at: Option<Timestamp>) -> anyhow::Result<Self> {
        let bundle = Bundle::read(text)?;
        let replayed = bundle.replay(at)?;
        let (world, plan) = (&replayed.world, &replayed.plan);
        let is_same_time = at.is_none_or(|at| at == bundle.at);
        let differences = if is_same_time { replayed.record.differences(&bundle.plan) } else { Vec::new() };
        let program = &bundle.written_by;
        let commit = program.commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
        Ok(Self {
            namespace: world.rollout.namespace.clone(),
            name: world.rollout.name.clone(),
            at: at.unwrap_or(bundle.at),
            written_by: format!("serin {}{commit}", program.version),
            same: is_same_time.then_some(differences.is_empty()),
            differences,
            writes: plan.actions.iter().map(|action| words::action(world, action)).collect(),
            waits: plan.report.waiting_for.clone(),
            plan: replayed.record,
        })
    }

    fn text(&self) -> String {
        let Self { namespace, name, at, written_by, .. } = self;
        let mut text = format!("Rollout {namespace}/{name} at {at}, from a bundle of {written_by}\n\n");
        text += &match self.same {
            Some(true) => "The plan is the one that the bundle recorded.\n".to_owned(),
            Some(false) => {
                format!(
                    "The plan DIFFERS from the one that the bundle recorded: {}.\n",
                    self.differences.join(", ")
                )
            }
            None => "The bundle recorded a plan for another time: not compared.\n".to_owned(),
        };
        text += "\nWrites\n";
        text += &words::list(&self.writes);
        text += "\nStatus\n";
        text += &match (&self.plan.status, self.plan.status_pending) {
            (Some(changes), _) => words::indented(&serde_json::to_string_pretty(changes).unwrap_or_default()),
            (None, true) => "  changes, and is written with what follows\n".to_owned(),
            (None, false) => "  as recorded\n".to_owned(),
        };
        text += "\nIt waits for\n";
        text += &words::waits(&self.waits);
        let wake = self.plan.wake_at.map_or("when something changes".to_owned(), |at| format!("at {at}"));
        text + &format!("\nThe next look is {wake}.\n")
    }
}

#[cfg(test)]
mod tests;
