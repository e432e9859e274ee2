//! The floor: the API calls of a canary made in a row, without an operator, a decision, a status or an Event.

use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::stats;
use crate::world::{World, template};

const NAME: &str = "floor";
const HASH: &str = "rollouts-pod-template-hash";

/// Does by hand what a canary of two replicas needs.
pub async fn measure(world: &World, repeat: usize) -> anyhow::Result<()> {
    for service in ["stable", "canary"] {
        let spec = json!({"selector": {"app": NAME, HASH: "none"}, "ports": [{"port": 80}]});
        world.post("Service", &format!("{NAME}-{service}"), spec).await?;
    }
    let backend = |service: &str| json!({"name": format!("{NAME}-{service}"), "port": 80});
    world
        .post("HTTPRoute", NAME, json!({"rules": [{"backendRefs": [backend("stable"), backend("canary")]}]}))
        .await?;
    let (mut to_ten, mut to_fifty, mut to_healthy, mut to_zero) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..repeat {
        let hash = format!("round{round}");
        let begin = Instant::now();
        replica_set(world, &hash, 1).await?;
        available(world, &hash, 1).await?;
        select(world, "canary", &hash).await?;
        listed(world, "canary", 1).await?;
        weight(world, 10).await?;
        to_ten.push(begin.elapsed());
        let begin = Instant::now();
        weight(world, 50).await?;
        to_fifty.push(begin.elapsed());
        let begin = Instant::now();
        world.merge("ReplicaSet", &hash, json!({"spec": {"replicas": 2}})).await?;
        available(world, &hash, 2).await?;
        listed(world, "canary", 2).await?;
        weight(world, 100).await?;
        select(world, "stable", &hash).await?;
        listed(world, "stable", 2).await?;
        weight(world, 0).await?;
        to_healthy.push(begin.elapsed());
        let begin = Instant::now();
        weight(world, 20).await?;
        to_zero.push(begin.elapsed());
    }
    world.api("ReplicaSet").delete_collection(&Default::default(), &Default::default()).await?;
    println!("The floor, the same calls in a row by nobody who thinks:");
    stats::print("template -> weight 10", &mut to_ten);
    stats::print("resume -> weight 50", &mut to_fifty);
    stats::print("resume -> all handed over", &mut to_healthy);
    stats::print("one weight", &mut to_zero);
    Ok(())
}

/// What an abort takes at least, while others are busy: a write to one object that is seen, then a write of weights that
/// is.
pub async fn annotate_then_weigh(world: &World, round: usize) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let mark = json!(round.to_string());
    world.merge("HTTPRoute", NAME, json!({"metadata": {"annotations": {"bench/round": mark}}})).await?;
    world.until("HTTPRoute", NAME, |route| route["metadata"]["annotations"]["bench/round"] == mark).await?;
    let canary = if round.is_multiple_of(2) { 30 } else { 40 };
    weight(world, canary).await?;
    Ok(world.weight(NAME, canary.into()).await? - begin)
}

async fn replica_set(world: &World, hash: &str, replicas: i32) -> anyhow::Result<()> {
    let mut template = template(NAME, hash);
    template["metadata"]["labels"][HASH] = json!(hash);
    let selector = json!({"matchLabels": {"app": NAME, HASH: hash}});
    world
        .post("ReplicaSet", hash, json!({"replicas": replicas, "selector": selector, "template": template}))
        .await
}

async fn available(world: &World, hash: &str, pods: i32) -> anyhow::Result<()> {
    world.until("ReplicaSet", hash, |set| set["status"]["availableReplicas"] == json!(pods)).await?;
    Ok(())
}

async fn select(world: &World, service: &str, hash: &str) -> anyhow::Result<()> {
    world.merge("Service", &format!("{NAME}-{service}"), json!({"spec": {"selector": {HASH: hash}}})).await
}

/// Waits until the Service's EndpointSlice lists so many ready pods.
async fn listed(world: &World, service: &str, pods: usize) -> anyhow::Result<()> {
    let name = format!("{NAME}-{service}");
    let slices = world.api("EndpointSlice");
    let labels = format!("kubernetes.io/service-name={name}");
    let list = slices.list(&kube::api::ListParams::default().labels(&labels)).await?;
    let Some(slice) = list.items.first().and_then(|slice| slice.metadata.name.clone()) else { return Ok(()) };
    let ready = |slice: &Value| {
        let endpoints = slice["endpoints"].as_array().map_or(0, Vec::len);
        endpoints >= pods
    };
    world.until("EndpointSlice", &slice, ready).await?;
    Ok(())
}

async fn weight(world: &World, canary: i32) -> anyhow::Result<()> {
    let at = |backend: usize| format!("/spec/rules/0/backendRefs/{backend}/weight");
    let patch = json!([
        {"op": "replace", "path": at(0), "value": 100 - canary},
        {"op": "replace", "path": at(1), "value": canary},
    ]);
    let patch: Patch<Value> = Patch::Json(serde_json::from_value(patch)?);
    world.api("HTTPRoute").patch(NAME, &PatchParams::default(), &patch).await?;
    Ok(())
}
