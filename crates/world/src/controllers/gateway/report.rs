//! What a gateway writes into the status of a route.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::objects::namespace;
use super::{Accepts, Manner, Reports, ServiceName, Surroundings, generation};
use crate::world::time;

/// The name by which the controller of a gateway marks its reports.
pub const CONTROLLER: &str = "gateway.example.com/controller";

/// What is to be written into `status.parents` of a route.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub namespace: String,
    pub name: String,
    /// Which route of that name it is about.
    pub uid: String,
    pub parents: Vec<Value>,
}

/// What is said of a route as it was when it was seen, for each of its parents that is this gateway; `None` where nothing
/// is.
pub(super) fn parents(
    around: &impl Surroundings,
    seen: &Value,
    manner: Manner,
    now: Timestamp,
) -> Option<Vec<Value>> {
    match manner.reports {
        Reports::Nothing => return None,
        Reports::NoParent => return Some(Vec::new()),
        Reports::Generations | Reports::Conditions => {}
    }
    let parents = seen["spec"]["parentRefs"].as_array().into_iter().flatten();
    let ours = parents.filter(|parent| around.is_gateway(namespace(seen), parent));
    let report = |parent: &Value| {
        json!({
            "parentRef": parent, "controllerName": CONTROLLER,
            "conditions": conditions(around, seen, manner, now),
        })
    };
    Some(ours.map(report).collect())
}

fn conditions(around: &impl Surroundings, route: &Value, manner: Manner, now: Timestamp) -> Vec<Value> {
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        let mut condition = json!({
            "type": kind, "status": if holds { "True" } else { "False" },
            "reason": reason, "message": message, "lastTransitionTime": time(now),
        });
        if manner.reports == Reports::Generations {
            condition["observedGeneration"] = json!(generation(route));
        }
        condition
    };
    let is_whole = manner.accepts.whole(route);
    let mut conditions = match manner.accepts {
        Accepts::PartOf(_) if !is_whole => vec![
            condition("Accepted", true, "Accepted", ""),
            condition("PartiallyInvalid", true, "UnsupportedValue", "Dropped Rule 0"),
        ],
        _ if !is_whole => {
            vec![condition("Accepted", false, "UnsupportedValue", "this gateway cannot do that")]
        }
        _ => vec![condition("Accepted", true, "Accepted", "")],
    };
    conditions.push(match missing_backend(around, route) {
        Some(ServiceName { namespace, name }) => condition(
            "ResolvedRefs",
            false,
            "BackendNotFound",
            &format!("Service {namespace}/{name} not found"),
        ),
        None => condition("ResolvedRefs", true, "ResolvedRefs", ""),
    });
    conditions
}

fn missing_backend(around: &impl Surroundings, route: &Value) -> Option<ServiceName> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let backends = rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten());
    let mut services = backends.filter_map(|backend| {
        let namespace = backend["namespace"].as_str().unwrap_or(namespace(route)).to_owned();
        Some(ServiceName { namespace, name: backend["name"].as_str()?.to_owned() })
    });
    services.find(|service| !around.has_service(service))
}
