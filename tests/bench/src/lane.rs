//! Aborts while everything else is busy: a canary that is taken back must not wait behind hundreds that go on.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::operator::Operator;
use crate::wave::each;
use crate::world::{World, rollout_spec};
use crate::{audit, floor, stats};

/// Every so often one is aborted.
const PERIOD: Duration = Duration::from_millis(200);

/// How busy it is.
pub struct Load {
    /// Rollouts that go from step to step.
    pub rollouts: usize,
    /// So many of them are aborted.
    pub aborts: usize,
    /// How long each pauses after a step, in seconds.
    pub pause: u64,
}

/// Lets many canaries go on and aborts some of them, one at a time.
pub async fn measure(world: &World, operator: &Operator, log: &Path, load: Load) -> anyhow::Result<()> {
    let names: Vec<String> = (0..load.rollouts).map(|number| format!("busy-{number}")).collect();
    each(&names, |name| world.create_with(name, spec(name, load.pause))).await?;
    for name in &names {
        world.phase(name, "Healthy").await?;
    }
    each(&names, |name| world.update(name, "v2")).await?;
    for name in &names {
        let is_under_way = |route: &Value| canary_weight(route) > 0;
        world.until("HTTPRoute", name, is_under_way).await?;
    }
    let (position, cpu, began) = (audit::position(log)?, operator.cpu()?, Instant::now());
    let (mut to_abort, mut from_answer, mut nobody) = (Vec::new(), Vec::new(), Vec::new());
    let every = (load.rollouts / load.aborts.max(1)).max(1);
    for name in names.iter().step_by(every).take(load.aborts) {
        let begin = Instant::now();
        let abort = json!({"metadata": {"annotations": {"serin.dev/abort": "current"}}});
        world.merge("Rollout", name, abort).await?;
        let answered = Instant::now();
        let written = world.weight(name, 0).await?;
        to_abort.push(written - begin);
        from_answer.push(written.saturating_duration_since(answered));
        nobody.push(floor::annotate_then_weigh(world, to_abort.len()).await?);
        tokio::time::sleep(PERIOD.saturating_sub(begin.elapsed())).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let requests: usize = audit::requests_since(log, position)?.values().sum();
    let share = (operator.cpu()? - cpu).as_secs_f64() / seconds * 100.0;
    println!(
        "{} Rollouts in the middle of a canary, a step every {} s each; {} aborts, one at a time; meanwhile the operator \
         makes {:.0} requests/s with {share:.0} % of a core:",
        load.rollouts,
        load.pause,
        to_abort.len(),
        requests as f64 / seconds
    );
    stats::print("abort -> weight 0 written", &mut to_abort);
    stats::print("the abort's own answer -> weight 0 written", &mut from_answer);
    stats::print("the same two writes by nobody who thinks", &mut nobody);
    for name in &names {
        world.merge("Rollout", name, json!({"spec": {"paused": true}})).await?;
    }
    Ok(())
}

/// Every percent is a step, so that nobody comes to an end meanwhile.
fn spec(name: &str, pause: u64) -> Value {
    let mut spec = rollout_spec(name);
    let step = |percent: i32| [json!({"setWeight": percent}), json!({"pause": {"duration": pause}})];
    spec["strategy"]["canary"]["steps"] = (1..100).flat_map(step).collect();
    spec
}

fn canary_weight(route: &Value) -> i64 {
    route["spec"]["rules"][0]["backendRefs"][1]["weight"].as_i64().unwrap_or(1)
}
