//! Latencies of one canary at a time, and what it writes.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;
use crate::{audit, stats};

const NAME: &str = "single";

/// How long after the last step the old pods are gone and everything is written.
const SETTLE: Duration = Duration::from_secs(4);

/// Runs whole canaries one after the other, then aborts.
pub async fn measure(world: &World, log: &Path, repeat: usize) -> anyhow::Result<()> {
    world.create(NAME).await?;
    world.phase(NAME, "Healthy").await?;
    let (mut to_ten, mut to_fifty, mut to_healthy, mut to_abort) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut writes = Default::default();
    for round in 0..repeat {
        let position = audit::position(log)?;
        let begin = Instant::now();
        world.update(NAME, &format!("promoted-{round}")).await?;
        to_ten.push(world.weight(NAME, 10).await? - begin);
        world.phase(NAME, "Paused").await?;
        let begin = Instant::now();
        world.resume(NAME, 1).await?;
        to_fifty.push(world.weight(NAME, 50).await? - begin);
        world.phase(NAME, "Paused").await?;
        let begin = Instant::now();
        world.resume(NAME, 3).await?;
        to_healthy.push(world.phase(NAME, "Healthy").await? - begin);
        tokio::time::sleep(SETTLE).await;
        writes = audit::requests_since(log, position)?;
    }
    for round in 0..repeat {
        world.update(NAME, &format!("aborted-{round}")).await?;
        world.weight(NAME, 10).await?;
        world.phase(NAME, "Paused").await?;
        let begin = Instant::now();
        let abort = json!({"metadata": {"annotations": {"serin.dev/abort": "current"}}});
        world.merge("Rollout", NAME, abort).await?;
        to_abort.push(world.weight(NAME, 0).await? - begin);
        world.phase(NAME, "Degraded").await?;
        tokio::time::sleep(SETTLE).await;
    }
    println!("One canary at a time, 2 replicas:");
    stats::print("template patch -> weight 10 written", &mut to_ten);
    stats::print("resume patch -> weight 50 written", &mut to_fifty);
    stats::print("resume patch -> Healthy", &mut to_healthy);
    stats::print("abort -> weight 0 written", &mut to_abort);
    let canary: usize =
        writes.iter().filter(|(what, _)| audit::is_canary_write(what)).map(|(_, count)| count).sum();
    let events = writes.get("create events").copied().unwrap_or(0);
    println!("Requests of the last whole canary: {canary} writes and {events} Events");
    for (what, count) in &writes {
        println!("  {count:>4} {what}");
    }
    Ok(())
}
