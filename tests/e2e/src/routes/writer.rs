//! The operator's write of weights without the operator: what the engine sends for a route as it is, and again as long as
//! somebody else was quicker.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use serin_api::route::{RouteId, RouteKind};
use serin_api::{Names, Rollout};
use serin_engine::api_call::api_call;
use serin_engine::observe::Objects;
use serin_engine::{ApiCall, Recall, observe};

use super::generate::Generated;
use crate::api::{Api, Language};

/// How often a write is made again.
const TRIES: usize = 50;

/// Gives the canary its share of a route. Tells how the route is then, and how often the server refused because it was not
/// as it was read.
///
/// # Errors
/// The write was refused for another reason, or too often.
pub fn write_weights(api: &Api, route: &Generated, percent: i32) -> Result<(Value, usize), String> {
    for refused in 0..TRIES {
        let present = api.get("httproutes", &route.name).ok_or("the route is gone")?;
        let Some(call) = call(route, &present, percent)? else { return Ok((present, refused)) };
        match api.patch_at(&call.path, Language::Json, &call.body.json()) {
            Ok(written) => return Ok((written, refused)),
            Err(refusal) if refusal.code == 422 => {}
            Err(refusal) => return Err(format!("{} to {percent}: {refusal:?}", route.name)),
        }
    }
    Err(format!("{} to {percent}: refused {TRIES} times", route.name))
}

/// The engine's call for a share of a route as it was read; `None` where nothing differs.
fn call(route: &Generated, present: &Value, percent: i32) -> Result<Option<ApiCall>, String> {
    let read = serde_json::from_value(present.clone()).map_err(|error| error.to_string())?;
    let (namespace, name) = (route.pair.namespace.clone(), route.name.clone());
    let id = RouteId { kind: RouteKind::Http, namespace, name };
    let objects = Objects {
        rollout: Arc::new(rollout(route)?),
        routes: BTreeMap::from([(id, Arc::new(read))]),
        route_versions: BTreeMap::from([(RouteKind::Http, "v1".to_owned())]),
        ..Objects::default()
    };
    let world = observe(&objects, &Arc::new(Names::default()), &Recall::default());
    let routes = &world.traffic.as_ref().ok_or("no traffic is managed")?.routes;
    let changes = routes.changes_for(percent).map_err(|(_, error)| format!("{}: {error:?}", route.name))?;
    let Some(change) = changes.into_iter().next() else { return Ok(None) };
    Ok(Some(api_call(&world, &change.action(&world.rollout.namespace, percent, None))))
}

fn rollout(route: &Generated) -> Result<Rollout, String> {
    let rollout = json!({
        "apiVersion": "serin.dev/v1alpha1", "kind": "Rollout",
        "metadata": {"name": route.name, "namespace": route.pair.namespace},
        "spec": {
            "selector": {"matchLabels": {"app": route.name}},
            "template": {
                "metadata": {"labels": {"app": route.name}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
            "strategy": {"canary": {
                "stableService": route.pair.stable, "canaryService": route.pair.canary,
                "trafficRouting": {"gatewayAPI": {"httpRoute": route.name}},
                "steps": [{"setWeight": 10}],
            }},
        },
    });
    serde_json::from_value(rollout).map_err(|error| error.to_string())
}
