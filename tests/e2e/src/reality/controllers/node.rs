//! The node: in the real cluster, kwok in place of a kubelet.

use serde_json::{Value, json};
use serin_testkit::controllers::Startup;
use serin_testkit::{Controllers, Kind};

use super::{Write, is_ready};
use crate::reality::alike::difference;
use crate::replay::entry::Effect;

pub fn made(write: &Write) -> Result<usize, String> {
    let ends = matches!(write.entry.effect, Effect::Remove(..));
    write.of_any_world(&[&[Kind::Pod]], |world| {
        // When a pod becomes ready is its own affair.
        let ways = [Startup::AtOnce, Startup::Never].map(|startup| {
            let (mut world, mut cluster) = (world.clone(), Controllers::default());
            cluster.kubelet.set_startup(startup);
            cluster.kubelet.step(&mut world);
            let model = world.find(Kind::Pod, &write.place());
            match (model, ends) {
                (None, true) => None,
                (None, false) => Some("the pod is gone in the simulator".to_owned()),
                (Some(_), true) => Some("the pod stays in the simulator".to_owned()),
                (Some(model), false) => difference(&status(model), &status(write.after())),
            }
        });
        let [first, second] = ways;
        match (first, second) {
            (Some(first), Some(_)) => Err(first),
            _ => Ok(()),
        }
    })
}

fn status(pod: &Value) -> Value {
    json!({
        "phase": pod["status"]["phase"], "has an address": pod["status"]["podIP"].is_string(),
        "ready": is_ready(pod), "started": pod["status"]["startTime"].is_string(),
    })
}
