//! Drift that is put back, and what the operator does when nothing happens.

use std::path::Path;
use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::operator::Operator;
use crate::world::World;
use crate::{audit, stats};

/// Rollouts whose weights are changed in turn: often, and each of them slowly enough not to count as a contest.
const NAMES: [&str; 4] = ["drift-0", "drift-1", "drift-2", "drift-3"];
const PERIOD: Duration = Duration::from_millis(120);

/// Writes foreign weights and measures how long they last.
pub async fn drift(world: &World, repeat: usize) -> anyhow::Result<()> {
    for name in NAMES {
        world.create(name).await?;
        world.phase(name, "Healthy").await?;
        world.update(name, "drift").await?;
        world.weight(name, 10).await?;
        world.phase(name, "Paused").await?;
    }
    let (mut durations, mut from_begin) = (Vec::new(), Vec::new());
    for name in NAMES.into_iter().cycle().take(repeat) {
        let foreign = json!([{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77}]);
        let patch: Patch<Value> = Patch::Json(serde_json::from_value(foreign)?);
        let begin = Instant::now();
        let answer = world.api("HTTPRoute").patch(name, &PatchParams::default(), &patch).await?;
        let written = Instant::now();
        let is_put_back = |route: &Value| {
            let backend = &route["spec"]["rules"][0]["backendRefs"][1];
            generation(route) > answer.metadata.generation && backend["weight"] == 10
        };
        let put_back = world.until("HTTPRoute", name, is_put_back).await?;
        // Before the answer has come it may be put back already.
        durations.push(put_back.saturating_duration_since(written));
        from_begin.push(put_back - begin);
        tokio::time::sleep(PERIOD.saturating_sub(begin.elapsed())).await;
    }
    println!("Drift, {repeat} foreign writes on {} Rollouts in turn:", NAMES.len());
    stats::print("foreign write answered -> put back", &mut durations);
    stats::print("foreign write sent -> put back", &mut from_begin);
    Ok(())
}

fn generation(route: &Value) -> Option<i64> {
    route["metadata"]["generation"].as_i64()
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
