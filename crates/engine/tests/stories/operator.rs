//! The operator without its shell: it reads the world afresh, plans, and writes through the world's API.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serin_api::{Names, Rollout};
use serin_engine::api_call::{Body, Verb, api_call};
use serin_engine::objects::ReplicaSet;
use serin_engine::observe::{self, Objects};
use serin_engine::{Action, ApiCall, Plan, Recall, Snapshot, plan};
use serin_testkit::world::{Answer, Failure};
use serin_testkit::{Kind, Request, World};

use crate::oracle::Oracle;

pub const USER: &str = "serin";
pub const NAME: &str = "web";

/// Rounds of one reconcile, as in the shell.
const ROUNDS: usize = 32;

/// One process of the operator.
pub struct Operator {
    names: Arc<Names>,
    recall: Recall,
}

impl Operator {
    /// A process that has just started.
    pub fn new() -> Self {
        Self { names: Arc::new(Names::default()), recall: Recall::default() }
    }

    /// Reconciles until nothing is left to do now, or until it has made `writes` writes (a crash). Tells when it wants
    /// to look again.
    pub fn reconcile(
        &mut self,
        world: &mut World,
        oracle: &mut Oracle,
        writes: Option<usize>,
    ) -> Option<Timestamp> {
        let mut left = writes.unwrap_or(usize::MAX);
        let mut refused_once = BTreeSet::new();
        for _ in 0..ROUNDS {
            let (snapshot, plan) = self.plan(world)?;
            assert!(
                plan.actions.iter().filter(|action| action.is_traffic()).count() <= 1,
                "two traffic moves: {plan:#?}"
            );
            if plan.is_empty() {
                return plan.wake_at;
            }
            let mut failed = false;
            for action in &plan.actions {
                if left == 0 {
                    return None;
                }
                left -= 1;
                failed |= !self.carry_out(world, oracle, &snapshot, action, &mut refused_once);
            }
            if let Some(changes) = plan.status.filter(|_| !failed) {
                if left == 0 {
                    return None;
                }
                left -= 1;
                let call = ApiCall::patch_status(&snapshot, changes);
                if self.send(world, oracle, &call, None).is_ok() {
                    self.recall.status_written_at = Some(world.now());
                }
            }
            if failed && refused_once.len() > 20 {
                break;
            }
        }
        Some(world.now() + SignedDuration::from_secs(1))
    }

    /// What it would do now.
    pub fn plan(&self, world: &World) -> Option<(Snapshot, Plan)> {
        let objects = gather(world)?;
        let snapshot = observe::observe(&objects, &self.names, &self.recall);
        let made = plan(&snapshot, world.now());
        assert_eq!(made, plan(&snapshot, world.now()), "one world, two plans");
        Some((snapshot, made))
    }

    fn carry_out(
        &mut self,
        world: &mut World,
        oracle: &mut Oracle,
        snapshot: &Snapshot,
        action: &Action,
        refused_once: &mut BTreeSet<String>,
    ) -> bool {
        let call = api_call(snapshot, action);
        match self.send(world, oracle, &call, Some(action)) {
            Ok(answer) => {
                if let Action::CompareTemplate { template, .. } = action {
                    let stored: ReplicaSet = serde_json::from_value(answer).expect("a ReplicaSet");
                    self.recall.defaulted = Some((template.clone(), stored.template));
                }
                self.recall.applied(action, world.now());
                true
            }
            Err(failure) => {
                let again = !refused_once.insert(action.subject());
                if again || matches!(action, Action::CompareTemplate { .. }) {
                    let retry_at = world.now() + SignedDuration::from_secs(10);
                    self.recall.refused(action, failure.message().to_owned(), retry_at);
                }
                false
            }
        }
    }

    fn send(
        &self,
        world: &mut World,
        oracle: &mut Oracle,
        call: &ApiCall,
        action: Option<&Action>,
    ) -> Answer {
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
        oracle.judge(&before, world, action);
        answer
    }
}

fn gather(world: &World) -> Option<Objects> {
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
        routes: named(Kind::HttpRoute, &references.routes)
            .iter()
            .map(|(name, r)| (name.clone(), parse(r)))
            .collect(),
        rivals: Vec::new(),
        namespace_terminating: false,
        routes_unserved: false,
        rollout,
    })
}

fn parse<T: DeserializeOwned>(value: &Value) -> Arc<T> {
    Arc::new(serde_json::from_value(value.clone()).expect("an object of the world"))
}
