//! What a gateway writes into the status of a route.

use serde_json::{Value, json};

use super::super::objects::{name, namespace, put, uid};
use super::{Accepts, Manner, Reports, generation};
use crate::world::{Kind, World, time};

const USER: &str = "gateway-controller";
/// The name by which the controller of a gateway marks its reports.
const CONTROLLER: &str = "gateway.example.com/controller";

/// Reports on a route as it was when it was seen; nothing of a route that is gone.
pub(super) fn write(world: &mut World, seen: &Value, manner: Manner) {
    if manner.reports == Reports::Nothing {
        return;
    }
    let key = format!("{}/{}", namespace(seen), name(seen));
    let present = world.find(Kind::HttpRoute, &key).filter(|present| uid(present) == uid(seen)).cloned();
    let Some(present) = present else { return };
    let parents: Vec<Value> = seen["spec"]["parentRefs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|parent| {
            json!({
                "parentRef": parent, "controllerName": CONTROLLER,
                "conditions": conditions(world, seen, manner),
            })
        })
        .collect();
    let mut reported = present;
    reported["status"]["parents"] = json!(parents);
    // What somebody else has written meanwhile is reported when it is its turn.
    drop(put(world, USER, Kind::HttpRoute, "/status", reported));
}

fn conditions(world: &World, route: &Value, manner: Manner) -> Vec<Value> {
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        let mut condition = json!({
            "type": kind, "status": if holds { "True" } else { "False" },
            "reason": reason, "message": message, "lastTransitionTime": time(world.now()),
        });
        if manner.reports == Reports::Generations {
            condition["observedGeneration"] = json!(generation(route));
        }
        condition
    };
    let is_whole = manner.accepts.whole(route);
    let mut conditions = match manner.accepts {
        Accepts::AllBut(_) if !is_whole => {
            vec![condition("Accepted", false, "UnsupportedValue", "this gateway cannot do that")]
        }
        Accepts::PartOf(_) if !is_whole => vec![
            condition("Accepted", true, "Accepted", ""),
            condition("PartiallyInvalid", true, "UnsupportedValue", "Dropped Rule 0"),
        ],
        _ => vec![condition("Accepted", true, "Accepted", "")],
    };
    conditions.push(match missing_backend(world, route) {
        Some(service) => {
            condition("ResolvedRefs", false, "BackendNotFound", &format!("Service {service} not found"))
        }
        None => condition("ResolvedRefs", true, "ResolvedRefs", ""),
    });
    conditions
}

fn missing_backend(world: &World, route: &Value) -> Option<String> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let backends = rules.flat_map(|rule| rule["backendRefs"].as_array().into_iter().flatten());
    let mut names = backends.filter_map(|backend| {
        let of = backend["namespace"].as_str().unwrap_or(namespace(route));
        Some(format!("{of}/{}", backend["name"].as_str()?))
    });
    names.find(|name| world.find(Kind::Service, name).is_none())
}
