//! The EndpointSlice controller.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use serin_testkit::oracle::Scene;
use serin_testkit::{Controllers, Kind};

use super::Write;

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Whether each pod, by its uid, is ready, serves, and ends.
type Conditions = BTreeMap<String, [bool; 3]>;

struct Endpoints(Conditions);

impl Endpoints {
    /// Those of pods that stay, and those of pods that end.
    fn parted(self) -> (Conditions, Conditions) {
        self.0.into_iter().partition(|(_, [_, _, ends])| !ends)
    }
}

pub fn made(write: &Write) -> Result<usize, String> {
    let (before, after) = (write.before(Kind::EndpointSlice), write.after());
    let slice = if after.is_null() { &before } else { after };
    let service = slice["metadata"]["labels"][SERVICE_NAME].as_str().unwrap_or_default();
    let (real, ending) = endpoints(write.history.still(write.index + 1), service).parted();
    // The log does not tell in which order pods were gone that ended together. So of each that ends it is asked alone
    // whether it ended in a world that can have been seen.
    let foreseen = write.history.foreseen(write.index, write.entry.at);
    let ends = |uid: &String| {
        let is_ending = |pod: &Arc<Value>| {
            pod["metadata"]["uid"] == uid.as_str() && pod["metadata"]["deletionTimestamp"].is_string()
        };
        let mut seen = write.history.seen_before(write.index);
        seen.any(|seen| write.history.still(seen).all(Kind::Pod).iter().any(is_ending))
            || foreseen.iter().any(|world| world.all(Kind::Pod).iter().any(is_ending))
    };
    if let Some(uid) = ending.keys().find(|uid| !ends(uid)) {
        return Err(format!("the pod {uid} does not end in the simulator"));
    }
    let stale: [&[Kind]; 3] = [&[Kind::Pod], &[Kind::Service], &[Kind::Pod, Kind::Service]];
    write.of_any_world(&stale, |mut world| {
        Controllers::default().endpoint_slices.step(&mut world);
        let (model, _) = endpoints(&world, service).parted();
        if model == real {
            return Ok(());
        }
        Err(format!("endpoints of {service}: {model:?} in the simulator, {real:?} in reality"))
    })
}

/// What all slices of a Service list together.
fn endpoints(scene: &impl Scene, service: &str) -> Endpoints {
    let mut slices = scene.all(Kind::EndpointSlice);
    slices.retain(|slice| slice["metadata"]["labels"][SERVICE_NAME] == service);
    let lists = slices.iter().filter_map(|slice| slice["endpoints"].as_array());
    Endpoints(lists.flatten().map(|endpoint| (uid(endpoint), conditions(endpoint))).collect())
}

fn uid(endpoint: &Value) -> String {
    endpoint["targetRef"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn conditions(endpoint: &Value) -> [bool; 3] {
    ["ready", "serving", "terminating"].map(|name| endpoint["conditions"][name] == true)
}
