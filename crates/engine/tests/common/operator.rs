//! The operator without its shell: it reads the world afresh, plans, and writes through the world's API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_api::route::RouteKind;
use serin_api::{Names, Rollout};
use serin_engine::api_call::{Body, Verb, api_call};
use serin_engine::objects::ReplicaSet;
use serin_engine::observe::{self, Objects};
use serin_engine::{Action, ApiCall, Plan, Recall, Snapshot, plan};
use serin_testkit::world::{Answer, Failure};
use serin_testkit::{Kind, Oracle, Request, World};

use crate::agreement::contradictions;

pub const USER: &str = "serin";
pub const NAME: &str = "web";

/// One process of the operator.
#[derive(Clone)]
pub struct Operator {
    names: Arc<Names>,
    pub recall: Recall,
    /// What was refused in this reconcile; a second time, it is put off.
    pub refused_once: BTreeSet<String>,
}

impl Operator {
    /// A process that has just started.
    pub fn new() -> Self {
        Self { names: Arc::new(Names::default()), recall: Recall::default(), refused_once: BTreeSet::new() }
    }

    /// What it would do now.
    pub fn plan(&mut self, world: &World) -> Option<(Snapshot, Plan)> {
        let planned = self.plan_knowing(world, &self.recall)?;
        assert_eq!(planned.1, plan(&planned.0, world.now()), "one world, two plans");
        let contradictions = contradictions(&planned.1);
        assert!(contradictions.is_empty(), "{}", contradictions.join("\n"));
        self.recall.planned(&planned.1, world.now());
        Some(planned)
    }

    /// What it would do now if it remembered this and nothing else.
    pub fn plan_knowing(&self, world: &World, recall: &Recall) -> Option<(Snapshot, Plan)> {
        let snapshot = observe::observe(&gather(world)?, &self.names, recall);
        let plan = plan(&snapshot, world.now());
        Some((snapshot, plan))
    }

    /// Makes the writes of one plan, as many as are left. Tells whether all succeeded; nothing if it died on the way.
    pub fn apply(
        &mut self,
        world: &mut World,
        oracle: &mut Oracle,
        snapshot: &Snapshot,
        plan: Plan,
        left: &mut usize,
    ) -> Option<bool> {
        assert!(
            plan.actions.iter().filter(|action| action.is_traffic()).count() <= 1,
            "two traffic moves: {plan:#?}"
        );
        let mut succeeded = true;
        for action in &plan.actions {
            *left = left.checked_sub(1)?;
            succeeded &= self.carry_out(world, oracle, snapshot, action);
        }
        if let Some(changes) = plan.status.filter(|_| succeeded) {
            *left = left.checked_sub(1)?;
            let call = ApiCall::patch_status(snapshot, changes);
            if send(world, oracle, &call, "status").is_ok() {
                self.recall.status_written_at = Some(world.now());
            }
        }
        Some(succeeded)
    }

    fn carry_out(
        &mut self,
        world: &mut World,
        oracle: &mut Oracle,
        snapshot: &Snapshot,
        action: &Action,
    ) -> bool {
        match send(world, oracle, &api_call(snapshot, action), &action.describe()) {
            Ok(answer) => {
                if let Action::CompareTemplate { template, .. } = action {
                    let stored: ReplicaSet = serde_json::from_value(answer).expect("a ReplicaSet");
                    self.recall.defaulted = Some((template.clone(), stored.template));
                }
                self.recall.applied(action, world.now());
                true
            }
            Err(failure) => {
                let again = !self.refused_once.insert(action.subject());
                if again || matches!(action, Action::CompareTemplate { .. }) {
                    let retry_at = world.now() + SignedDuration::from_secs(10);
                    self.recall.refused(action, failure.message().to_owned(), retry_at);
                }
                false
            }
        }
    }
}

fn send(world: &mut World, oracle: &mut Oracle, call: &ApiCall, what: &str) -> Answer {
    let path = if call.dry_run { format!("{}?dryRun=All", call.path) } else { call.path.clone() };
    let body = call.body.json();
    let request = match (call.verb, &call.body) {
        (Verb::Create, _) => Request::post(path, body),
        (Verb::Delete, _) => Request::delete(path, body),
        (Verb::Patch, Body::MergePatch(_)) => Request::merge_patch(path, body),
        (Verb::Patch, _) => Request::json_patch(path, body),
    };
    // The log would make every copy of the world longer than the one before.
    drop(world.take_log());
    let before = world.clone();
    let answer: Result<Value, Failure> = world.request(request.by(USER));
    let violations = oracle.judge(&before, world, what);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    answer
}

/// What the operator reads.
pub fn gather(world: &World) -> Option<Objects> {
    let stored = world.find(Kind::Rollout, NAME)?;
    let rollout: Arc<Rollout> = parse(stored);
    let references = observe::references(&rollout);
    let named = |kind: Kind, names: &[String]| -> BTreeMap<String, Value> {
        let found = names.iter().filter_map(|name| Some((name.clone(), world.find(kind, name)?.clone())));
        found.collect()
    };
    let slices = |service: &String| {
        let all = world.all(Kind::EndpointSlice);
        let of =
            all.iter().filter(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == **service);
        of.map(|slice| parse(slice)).collect()
    };
    Some(Objects {
        name_holder: world.find(Kind::ReplicaSet, &observe::next_replica_set_name(&rollout)).map(parse),
        replica_sets: world.all(Kind::ReplicaSet).iter().map(|set| parse(set)).collect(),
        pods: world.all(Kind::Pod).iter().map(|pod| parse(pod)).collect(),
        slices: references.services.iter().map(|service| (service.clone(), slices(service))).collect(),
        services: named(Kind::Service, &references.services)
            .iter()
            .map(|(name, s)| (name.clone(), parse(s)))
            .collect(),
        routes: references
            .routes
            .iter()
            .filter_map(|id| Some((id.clone(), parse(world.find(Kind::HttpRoute, &id.name)?))))
            .collect(),
        rivals: Vec::new(),
        namespace_terminating: false,
        route_versions: RouteKind::ALL.map(|kind| (kind, "v1".to_owned())).into(),
        rollout,
    })
}

fn parse<T: DeserializeOwned>(value: &Value) -> Arc<T> {
    Arc::new(serde_json::from_value(value.clone()).expect("an object of the world"))
}
