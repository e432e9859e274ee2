//! `serin bundle`: everything that a decision about one Rollout is made from, in a file to hand on.

use std::fs;
use std::sync::Arc;

use anyhow::Context as _;
use serin_api::Names;
use serin_engine::bundle::{Bundle, Program};

use crate::args::BundleArgs;
use crate::clock::Clock;
use crate::{client, live, run};

/// Runs `serin bundle`.
///
/// # Errors
/// The objects cannot be read, or the file cannot be written.
pub async fn run(args: BundleArgs) -> anyhow::Result<()> {
    let clients = client::connect().await?;
    let (api, namespace) = (args.api.api(), args.rollout.namespace(&clients.namespace));
    let objects = live::read(clients.main, api, namespace, &args.rollout.name).await?;
    let names = Arc::new(Names::for_group(api.group));
    let text = text(&Bundle::of(&objects, &names, program(), Clock::system().now()))?;
    match args.file.filter(|file| file.as_os_str() != "-") {
        Some(file) => fs::write(&file, text).with_context(|| format!("cannot write {}", file.display())),
        None => run::print(&text),
    }
}

fn text(bundle: &Bundle) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(bundle)? + "\n")
}

/// This program. A build that is told a commit by `SERIN_COMMIT` names it.
fn program() -> Program {
    Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("SERIN_COMMIT").map(str::to_owned),
    }
}
