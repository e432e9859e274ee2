//! `serin preflight`: what in the objects around a Rollout will not work, from a cluster or from files.

pub mod desk;
pub mod read;

mod ask;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde::Serialize;
use serin_api::Names;
use serin_engine::preflight::{Finding, Inputs, Report, Severity, Unseen, Visible, judge};
use serin_engine::{Recall, observe};

use crate::args::{PreflightArgs, PrintForm};
use crate::plan::files;
use crate::{client, live, run};

/// Runs `serin preflight`.
///
/// # Errors
/// The files or the cluster cannot be read, they hold no such Rollout, or something was found that will not work.
pub async fn run(args: PreflightArgs) -> anyhow::Result<()> {
    let names = Names::for_group(&args.api.api_group);
    let inputs = match (args.files.is_empty(), &args.name) {
        (false, _) => from_files(&args, &names)?,
        (true, Some(name)) => from_cluster(&args, name, names).await?,
        (true, None) => bail!("name a Rollout, or a file with -f"),
    };
    let checked = Checked::of(&inputs, judge(&inputs));
    match args.output {
        PrintForm::Text => run::print(&checked.text())?,
        PrintForm::Json => run::print(&(serde_json::to_string_pretty(&checked)? + "\n"))?,
    }
    if checked.errors > 0 {
        bail!("{} that will not work", text::counted(checked.errors, "thing"));
    }
    Ok(())
}

/// What was found of one Rollout.
#[derive(Debug, Serialize)]
struct Checked {
    namespace: String,
    name: String,
    errors: usize,
    warnings: usize,
    findings: Vec<Finding>,
    /// What could not be looked at, and why.
    unseen: Vec<Unseen>,
}

impl Checked {
    fn of(inputs: &Inputs, report: Report) -> Self {
        let metadata = &inputs.rollout.metadata;
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            errors: report.count(Severity::Error),
            warnings: report.count(Severity::Warning),
            findings: report.findings,
            unseen: report.unseen,
        }
    }
}

fn from_files(args: &PreflightArgs, names: &Names) -> anyhow::Result<Inputs> {
    let manifests = files::read(&args.files)?;
    let found = manifests.rollout(&names.group, args.name.as_deref())?;
    let mut rollout = found.context("no file holds a Rollout")?;
    if let Some(asked) = args.namespace.as_deref().filter(|asked| !asked.is_empty()) {
        match rollout["metadata"]["namespace"].as_str() {
            Some(own) if own != asked => {
                bail!("the Rollout names the namespace {own:?}, not {asked:?}: change one of the two")
            }
            _ => rollout["metadata"]["namespace"] = asked.into(),
        }
    }
    let inputs = Inputs::of_manifests(&rollout, manifests.objects(), names, Some("no file holds it"));
    inputs.context("the Rollout cannot be read")
}

async fn from_cluster(args: &PreflightArgs, name: &str, names: Names) -> anyhow::Result<Inputs> {
    let clients = client::connect().await?;
    let asked = args.namespace.as_deref().filter(|asked| !asked.is_empty());
    let namespace = asked.unwrap_or(&clients.namespace);
    let (objects, others) =
        live::read_with_others(clients.main.clone(), args.api.api(), namespace, name).await?;
    let names = Arc::new(names);
    let world = observe(&objects, &names, &Recall::default());
    let answer = ask::template(&clients.main, &world).await;
    let visible = Visible::of(&objects, answer, Vec::new());
    let wanted = visible.wanted(&objects.rollout);
    let (beyond, _) = read::beyond(&clients.main, &wanted, "you").await;
    Ok(visible.inputs(&objects.rollout, &names, &others, Arc::new(beyond)))
}
