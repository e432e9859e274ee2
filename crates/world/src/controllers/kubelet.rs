//! Binds pods to a node, starts them, says when they are ready, and ends them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::objects::{delete, is_deleting, name, namespace, put, ready_condition, uid};
use crate::world::{Kind, World, time};

const USER: &str = "kubelet";
const NODE: &str = "node-1";

/// When a pod becomes ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Startup {
    /// In the first step that sees it.
    AtOnce,
    /// After so many further steps.
    AfterSteps(u32),
    /// When so much time has passed since its creation.
    After(SignedDuration),
    /// Never.
    Never,
}

/// One node with room for every pod.
///
/// Pods whose image contains `broken` never become ready; all others do at once, unless told otherwise.
#[derive(Clone, Debug)]
pub struct Kubelet {
    startup: Startup,
    by_image: Vec<(String, Startup)>,
    /// `namespace/name` of pods that are kept from being ready.
    unready: BTreeSet<String>,
    /// Steps that each live pod was seen for, by uid.
    seen: BTreeMap<String, u32>,
    /// Steps that each pod has been ending for, by uid.
    ending: BTreeMap<String, u32>,
    /// Steps that a pod takes to end.
    steps_to_end: u32,
    addresses: u32,
}

impl Default for Kubelet {
    fn default() -> Self {
        Self {
            startup: Startup::AtOnce,
            by_image: vec![("broken".to_owned(), Startup::Never)],
            unready: BTreeSet::new(),
            seen: BTreeMap::new(),
            ending: BTreeMap::new(),
            steps_to_end: 0,
            addresses: 0,
        }
    }
}

impl Kubelet {
    /// How pods start that nothing else is said about.
    pub fn set_startup(&mut self, startup: Startup) {
        self.startup = startup;
    }

    /// How pods start of which an image contains `part`. What is said last counts.
    pub fn set_startup_of(&mut self, part: &str, startup: Startup) {
        self.by_image.insert(0, (part.to_owned(), startup));
    }

    /// How many steps a pod takes to end after its deletion.
    pub fn set_steps_to_end(&mut self, steps: u32) {
        self.steps_to_end = steps;
    }

    /// Makes a pod unready, or lets it be ready again. `name` is in the namespace `default` unless it is
    /// `namespace/name`.
    pub fn set_unready(&mut self, name: &str, unready: bool) {
        let name = if name.contains('/') { name.to_owned() } else { format!("default/{name}") };
        if unready {
            self.unready.insert(name);
        } else {
            self.unready.remove(&name);
        }
    }

    /// The pods that are kept from being ready, as `namespace/name`.
    pub fn unready(&self) -> impl Iterator<Item = &str> {
        self.unready.iter().map(String::as_str)
    }

    /// When the next pod becomes ready by nothing but the time that passes.
    pub fn due(&self, world: &World) -> Option<Timestamp> {
        let pods = world.all(Kind::Pod);
        let starting = pods.iter().filter(|pod| !is_deleting(pod) && ready_condition(pod).is_none());
        let ready_at = starting.filter_map(|pod| match self.startup_of(pod) {
            Startup::After(time) => created_at(pod)?.checked_add(time).ok(),
            Startup::AtOnce | Startup::AfterSteps(_) | Startup::Never => None,
        });
        ready_at.filter(|moment| *moment > world.now()).min()
    }

    /// Looks at every pod once. Returns whether one waits for further steps.
    pub fn step(&mut self, world: &mut World) -> bool {
        let pods = world.all(Kind::Pod);
        for counted in [&mut self.seen, &mut self.ending] {
            counted.retain(|counted, _| pods.iter().any(|pod| uid(pod) == counted));
        }
        let mut waits = false;
        for pod in pods {
            let steps = *self.seen.get(uid(&pod)).unwrap_or(&0);
            waits |= if is_deleting(&pod) { self.end(world, &pod) } else { self.run(world, &pod, steps) };
        }
        waits
    }

    /// Returns whether the pod waits for a further step.
    fn run(&mut self, world: &mut World, pod: &Arc<Value>, steps: u32) -> bool {
        self.seen.insert(uid(pod).to_owned(), steps + 1);
        let pod = if pod["spec"]["nodeName"].is_null() {
            let mut bound = Value::clone(pod);
            bound["spec"]["nodeName"] = json!(NODE);
            match put(world, "scheduler", Kind::Pod, "", bound) {
                Ok(bound) => Arc::new(bound),
                Err(_) => return true,
            }
        } else {
            Arc::clone(pod)
        };
        let startup = self.startup_of(&pod);
        let is_held = self.unready.contains(&format!("{}/{}", namespace(&pod), name(&pod)));
        let ready = !is_held && has_started(startup, &pod, steps, world.now());
        self.report(world, &pod, ready);
        matches!(startup, Startup::AfterSteps(wanted) if steps < wanted)
    }

    fn startup_of(&self, pod: &Value) -> Startup {
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let images: Vec<&str> = containers.filter_map(|container| container["image"].as_str()).collect();
        let special = self.by_image.iter().find(|(part, _)| images.iter().any(|image| image.contains(part)));
        special.map_or(self.startup, |(_, startup)| *startup)
    }

    fn report(&mut self, world: &mut World, pod: &Value, ready: bool) {
        let was_ready = ready_condition(pod).is_some();
        let is_known = pod["status"]["phase"] == "Running";
        if is_known && ready == was_ready {
            return;
        }
        let mut reported = pod.clone();
        if !is_known {
            self.addresses += 1;
            let number = self.addresses;
            let address = format!("10.{}.{}.{}", number / 65_536, number / 256 % 256, number % 256);
            reported["status"]["phase"] = json!("Running");
            reported["status"]["startTime"] = time(world.now());
            reported["status"]["podIPs"] = json!([{ "ip": address }]);
            reported["status"]["podIP"] = json!(address);
        }
        let status = if ready { "True" } else { "False" };
        reported["status"]["conditions"] =
            json!([{ "type": "Ready", "status": status, "lastTransitionTime": time(world.now()) }]);
        drop(put(world, USER, Kind::Pod, "/status", reported));
    }

    /// Returns whether the pod waits for a further step.
    fn end(&mut self, world: &mut World, pod: &Value) -> bool {
        // A pod may only wait for somebody's finalizer, which no step of a node changes.
        if pod["metadata"]["deletionGracePeriodSeconds"] == 0 {
            return false;
        }
        let ending = self.ending.entry(uid(pod).to_owned()).or_insert(0);
        *ending += 1;
        if *ending <= self.steps_to_end {
            return true;
        }
        drop(delete(world, USER, Kind::Pod, pod, json!({ "gracePeriodSeconds": 0 })));
        false
    }
}

fn has_started(startup: Startup, pod: &Value, steps: u32, now: Timestamp) -> bool {
    match startup {
        Startup::AtOnce => true,
        Startup::AfterSteps(wanted) => steps >= wanted,
        Startup::After(time) => created_at(pod).is_some_and(|created| now.duration_since(created) >= time),
        Startup::Never => false,
    }
}

fn created_at(pod: &Value) -> Option<Timestamp> {
    pod["metadata"]["creationTimestamp"].as_str()?.parse().ok()
}
