//! Drift that is put back, and what the operator does when nothing happens.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::operator::Operator;
use crate::world::World;
use crate::{audit, stats};

const NAME: &str = "single";

/// Writes foreign weights and measures how long they last.
pub async fn drift(world: &World, repeat: usize) -> anyhow::Result<()> {
    world.update(NAME, "drift").await?;
    world.weight(NAME, 10).await?;
    world.phase(NAME, "Paused").await?;
    let mut durations = Vec::new();
    for _ in 0..repeat {
        let foreign = json!([{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77}]);
        let patch: Patch<Value> = Patch::Json(serde_json::from_value(foreign)?);
        let begin = Instant::now();
        world.api("HTTPRoute").patch(NAME, &PatchParams::default(), &patch).await?;
        let written = Instant::now();
        world.weight(NAME, 77).await?;
        durations.push(world.weight(NAME, 10).await? - written);
        // Slow enough not to count as a contest.
        tokio::time::sleep(Duration::from_millis(400).saturating_sub(begin.elapsed())).await;
    }
    println!("Drift:");
    stats::print("foreign weight -> put back", &mut durations);
    Ok(())
}

/// Counts the requests and the CPU of an operator that has nothing to do.
pub async fn idle(operator: &Operator, log: &Path, seconds: u64) -> anyhow::Result<()> {
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (position, cpu) = (audit::position(log)?, operator.cpu()?);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let requests = audit::requests_since(log, position)?;
    println!("At rest for {seconds} s: {} of CPU, requests:", stats::millis(operator.cpu()? - cpu));
    for (what, count) in &requests {
        println!("  {count:>4} {what}");
    }
    Ok(())
}
