//! `serin plan`: what a Rollout will do, played by the real engine in a cluster in memory.

pub mod files;
mod image;
mod live;
#[cfg(test)]
mod tests;

use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_sim::timeline::{Live, Scene, Timeline, timeline};

use self::files::Manifests;
use crate::args::{PlanArgs, PlanFrom, PlanOutput};
use crate::client;
use crate::clock::Clock;

/// Runs `serin plan`.
///
/// # Errors
/// The files cannot be read or hold no Rollout that can be carried out, the cluster cannot be read, or the Rollout would
/// not become healthy.
pub async fn run(args: PlanArgs) -> anyhow::Result<()> {
    let manifests = files::read(&args.files)?;
    let group = args.api.api_group.clone();
    let scene = match args.from {
        PlanFrom::Empty => from_empty(&args, &group, manifests)?,
        PlanFrom::Live => from_live(&args, &group, manifests).await?,
    };
    let timeline = timeline(scene)?;
    print(&timeline, args.output)?;
    if !timeline.is_good() {
        bail!("the Rollout {:?} would not become healthy", timeline.rollout);
    }
    Ok(())
}

fn from_empty(args: &PlanArgs, group: &str, manifests: Manifests) -> anyhow::Result<Scene> {
    if args.files.is_empty() {
        bail!("name a file with -f, or plan from the cluster as it is with NAME --from live");
    }
    let found = manifests.rollout(group, args.name.as_deref())?;
    let rollout = found.context("no file holds a Rollout")?;
    let namespace = namespace(args, &rollout, "default")?;
    let mut update = rollout.clone();
    let mut assumed = Vec::new();
    let title = match &args.image {
        Some(wanted) => {
            image::set(&mut update, wanted)?;
            format!("Update to {}", wanted.rsplit('=').next().unwrap_or(wanted))
        }
        None => {
            assumed.push(
                "the update is made up: an annotation of the pod template changes (--image names a real one)"
                    .to_owned(),
            );
            update["spec"]["template"]["metadata"]["annotations"]["example.com/made-up"] =
                json!("by serin plan");
            "Update of the pod template".to_owned()
        }
    };
    Ok(Scene {
        others: manifests.others(&namespace),
        group: group.to_owned(),
        namespace,
        rollout,
        update: Some((title, update)),
        live: None,
        pod_ready: SignedDuration::from_secs(args.pod_ready_seconds.into()),
        assumed,
    })
}

async fn from_live(args: &PlanArgs, group: &str, manifests: Manifests) -> anyhow::Result<Scene> {
    let clients = client::connect().await?;
    let given = manifests.rollout(group, args.name.as_deref())?;
    let namespace = namespace(args, given.as_ref().unwrap_or(&Value::Null), &clients.namespace)?;
    let objects = live::read(&clients.main, group, &namespace).await?;
    let mut rollout = match (given, &args.name) {
        (Some(given), _) => given,
        (None, Some(name)) => {
            let is_it = |object: &&Value| object["kind"] == "Rollout" && object["metadata"]["name"] == **name;
            let found = objects.iter().find(is_it).cloned();
            found.with_context(|| format!("there is no Rollout {name:?} in the namespace {namespace:?}"))?
        }
        (None, None) => bail!("name a Rollout, or a file with -f"),
    };
    if let Some(wanted) = &args.image {
        image::set(&mut rollout, wanted)?;
    }
    let mut assumed = vec!["Services and routes that are in the cluster stay as they are".to_owned()];
    if objects.iter().any(live::is_unready_pod) {
        assumed.push("pods that are not ready now become ready".to_owned());
    }
    Ok(Scene {
        others: manifests.others(&namespace),
        group: group.to_owned(),
        namespace,
        rollout,
        update: None,
        live: Some(Live { objects, now: Clock::system().now() }),
        pod_ready: SignedDuration::from_secs(args.pod_ready_seconds.into()),
        assumed,
    })
}

/// The namespace: the one asked for, else the Rollout's own, else `default`.
fn namespace(args: &PlanArgs, rollout: &Value, default: &str) -> anyhow::Result<String> {
    let own = rollout["metadata"]["namespace"].as_str().filter(|own| !own.is_empty());
    match (args.namespace.as_deref().filter(|asked| !asked.is_empty()), own) {
        (Some(asked), Some(own)) if asked != own => {
            bail!("the Rollout names the namespace {own:?}, not {asked:?}: change one of the two")
        }
        (asked, own) => Ok(asked.or(own).unwrap_or(default).to_owned()),
    }
}

fn print(timeline: &Timeline, output: PlanOutput) -> anyhow::Result<()> {
    let text = match output {
        PlanOutput::Text => timeline.text(),
        PlanOutput::Json => format!("{}\n", serde_json::to_string_pretty(timeline)?),
    };
    match io::stdout().write_all(text.as_bytes()) {
        // The reader has read enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
