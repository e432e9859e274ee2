//! Lists the pods behind each Service.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};

use super::objects::{
    controller_reference, delete, is_deleting, name, namespace, pods_matching, put, ready_condition, uid,
};
use crate::world::{Kind, Request, World};

const USER: &str = "endpointslice-controller";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The endpoints of each Service, by namespace and name.
type Endpoints = BTreeMap<(String, String), Vec<Value>>;

/// Keeps the EndpointSlices of every Service that has a selector.
#[derive(Clone, Debug)]
pub struct EndpointSliceController {
    lag: usize,
    /// How many endpoints one slice holds.
    slice_size: usize,
    /// What the last steps saw, oldest first.
    seen: VecDeque<Endpoints>,
}

impl Default for EndpointSliceController {
    fn default() -> Self {
        Self { lag: 0, slice_size: 100, seen: VecDeque::new() }
    }
}

impl EndpointSliceController {
    /// Writes what it saw so many steps ago.
    pub fn set_lag(&mut self, steps: usize) {
        self.lag = steps;
    }

    /// How many endpoints one slice holds; a real cluster's default is 100.
    pub fn set_slice_size(&mut self, endpoints: usize) {
        self.slice_size = endpoints.max(1);
    }

    /// Looks at every Service once. Returns whether something that it saw is still to be written.
    pub fn step(&mut self, world: &mut World) -> bool {
        let seen = look(world);
        self.seen.push_back(seen);
        while self.seen.len() > self.lag + 1 {
            self.seen.pop_front();
        }
        if self.seen.len() == self.lag + 1
            && let Some(endpoints) = self.seen.front()
        {
            self.write(world, endpoints);
        }
        self.lag > 0 && self.seen.iter().any(|seen| Some(seen) != self.seen.back())
            || self.seen.len() <= self.lag
    }

    fn write(&self, world: &mut World, endpoints: &Endpoints) {
        for service in world.all(Kind::Service) {
            if is_deleting(&service) {
                continue;
            }
            // A Service that had no selector when it was looked at has slices of somebody else's, or none.
            let key = (namespace(&service).to_owned(), name(&service).to_owned());
            if let Some(endpoints) = endpoints.get(&key) {
                self.write_slices(world, &service, endpoints);
            }
        }
    }

    /// Changes, adds and removes slices until they hold the endpoints. A Service without any has one empty slice.
    fn write_slices(&self, world: &mut World, service: &Value, endpoints: &[Value]) {
        let mut present = slices_of(world, service).into_iter();
        let mut chunks: Vec<&[Value]> = endpoints.chunks(self.slice_size).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        for chunk in chunks {
            match present.next() {
                // The world stores an empty list as null.
                Some(slice) if slice["endpoints"].as_array().map_or(&[][..], Vec::as_slice) == chunk => {}
                Some(slice) => {
                    let mut changed = Value::clone(&slice);
                    changed["endpoints"] = json!(chunk);
                    drop(put(world, USER, Kind::EndpointSlice, "", changed));
                }
                None => {
                    let path = world.collection_path(Kind::EndpointSlice, namespace(service));
                    drop(world.request(Request::post(path, new_slice(service, chunk)).by(USER)));
                }
            }
        }
        for slice in present {
            drop(delete(world, USER, Kind::EndpointSlice, &slice, json!({})));
        }
    }
}

fn look(world: &World) -> Endpoints {
    let services = world.all(Kind::Service);
    let with_selector = services.iter().filter(|service| service["spec"]["selector"].is_object());
    with_selector
        .map(|service| {
            let selector = json!({ "matchLabels": service["spec"]["selector"] });
            let pods = pods_matching(world, namespace(service), &selector);
            let key = (namespace(service).to_owned(), name(service).to_owned());
            (key, pods.iter().filter_map(|pod| endpoint(pod)).collect())
        })
        .collect()
}

/// A pod has an endpoint as soon as it has an address.
fn endpoint(pod: &Value) -> Option<Value> {
    let address = pod["status"]["podIP"].as_str()?;
    let (runs, ends) = (ready_condition(pod).is_some(), is_deleting(pod));
    Some(json!({
        "addresses": [address],
        "conditions": { "ready": runs && !ends, "serving": runs, "terminating": ends },
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": { "kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod) },
    }))
}

fn slices_of(world: &World, service: &Value) -> Vec<Arc<Value>> {
    let mut slices = world.all(Kind::EndpointSlice);
    slices.retain(|slice| {
        namespace(slice) == namespace(service)
            && slice["metadata"]["labels"][SERVICE_NAME] == name(service)
            && slice["metadata"]["labels"][MANAGED_BY] == MANAGER
            && !is_deleting(slice)
    });
    slices
}

fn new_slice(service: &Value, endpoints: &[Value]) -> Value {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    let ports: Vec<Value> = ports
        .map(|port| {
            json!({
                "name": port["name"].as_str().unwrap_or_default(),
                "port": port["targetPort"], "protocol": port["protocol"],
            })
        })
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "generateName": format!("{}-", name(service)),
            "namespace": namespace(service),
            "labels": { SERVICE_NAME: name(service), MANAGED_BY: MANAGER },
            "ownerReferences": [controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    })
}
