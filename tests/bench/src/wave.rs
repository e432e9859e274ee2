//! Many Rollouts that get a new template at the same time.

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};

use crate::operator::Operator;
use crate::stats;
use crate::world::World;

/// How many requests the bench makes at once.
const PARALLEL: usize = 16;

/// Patches `count` Rollouts at once, walks all of them to the end, and prints latencies, CPU and memory.
pub async fn measure(world: &World, operator: &Operator, count: usize) -> anyhow::Result<()> {
    let names: Vec<String> = (0..count).map(|number| format!("wave-{number}")).collect();
    each(&names, |name| world.create(name)).await?;
    for name in &names {
        world.phase(name, "Healthy").await?;
    }
    let cpu = operator.cpu()?;
    let begin = Instant::now();
    // Waits begin before the patches, so that no early weight is seen late.
    let waits = names.iter().map(|name| async move { anyhow::Ok(world.weight(name, 10).await? - begin) });
    let waits = futures::future::try_join_all(waits);
    let (_, written) = tokio::try_join!(each(&names, |name| world.update(name, "v2")), waits)?;
    let mut to_ten = written;
    for name in &names {
        world.phase(name, "Paused").await?;
    }
    for step in [1, 3] {
        each(&names, |name| world.resume(name, step)).await?;
        for name in &names {
            world.phase(name, if step == 1 { "Paused" } else { "Healthy" }).await?;
        }
        if step == 1 {
            for name in &names {
                world.weight(name, 50).await?;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("A wave of {count} Rollouts, all patched at once:");
    stats::print("patch -> weight 10 written", &mut to_ten);
    let per_cycle = (operator.cpu()? - cpu) / u32::try_from(count.max(1))?;
    let (now, peak) = operator.memory()?;
    println!("  operator CPU per Rollout and whole cycle     {}", stats::millis(per_cycle));
    println!(
        "  operator memory                              {now:.1} MiB resident, {peak:.1} MiB at its highest"
    );
    Ok(())
}

/// Does something for each name, some at once.
pub async fn each<'n, F>(names: &'n [String], work: impl Fn(&'n str) -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    stream::iter(names).map(|name| work(name)).buffer_unordered(PARALLEL).try_collect::<Vec<()>>().await?;
    Ok(())
}
