//! What is so, and what is waited for, as the operator sees it.

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_engine::snapshot::ServiceView;
use serin_engine::{Plan, Snapshot};

use super::clock::retell;
use super::{RevisionView, Selected, Shares, View, Wait};

/// What is so.
pub fn view(world: &Snapshot, plan: &Plan) -> View {
    let traffic = world.traffic.as_ref();
    let routes = traffic.map(|traffic| &traffic.routes).filter(|routes| routes.any_found());
    let selected = |service: &ServiceView| {
        let hash = service.selector.get(POD_TEMPLATE_HASH)?;
        world.revisions.iter().find(|revision| revision.hash == *hash).map(|revision| revision.number)
    };
    let stable = world.stable().map(|stable| stable.uid.as_str());
    let mut revisions: Vec<RevisionView> = world
        .revisions
        .iter()
        .filter(|revision| revision.replicas > 0 || revision.existing > 0)
        .map(|revision| RevisionView {
            revision: revision.number,
            replica_set: revision.name.clone(),
            stable: stable == Some(&revision.uid),
            wanted: revision.replicas,
            available: revision.available,
        })
        .collect();
    revisions.sort_by_key(|revision| revision.revision);
    View {
        phase: plan.report.phase,
        step: plan.report.current_step_index,
        weights: routes.map(|routes| {
            let canary = routes.canary_percent();
            Shares { stable: 100 - canary, canary }
        }),
        services: Selected {
            stable: traffic.and_then(|traffic| selected(&traffic.stable)),
            canary: traffic.and_then(|traffic| selected(&traffic.canary)),
        },
        revisions,
    }
}

/// What is waited for.
pub fn waits(world: &Snapshot, plan: &Plan, began: Timestamp) -> Vec<Wait> {
    let waits = plan.report.waiting_for.iter().map(|waiting| {
        let request = request(plan, &waiting.what);
        Wait {
            what: waiting.what.clone(),
            message: retell(&waiting.message, began),
            command: request.as_ref().map(|spec| command(world, spec)),
            request,
        }
    });
    waits.collect()
}

/// What a person has to change of the spec. The status of a real Rollout names the very pause as well, which a plan
/// cannot know.
fn request(plan: &Plan, what: &str) -> Option<Value> {
    match what {
        "Resume" => Some(json!({"resume": {"step": plan.report.current_step_index?}})),
        "Unpause" => Some(json!({"paused": false})),
        _ => None,
    }
}

fn command(world: &Snapshot, spec: &Value) -> String {
    let namespace = match world.rollout.namespace.as_str() {
        "default" => String::new(),
        other => format!(" -n {other}"),
    };
    let (resource, name, patch) = (world.names.resource(), &world.rollout.name, json!({"spec": spec}));
    format!("kubectl patch {resource} {name}{namespace} --type merge -p '{patch}'")
}
