//! What may happen next: the alphabet of small worlds.

use serde_json::Value;
use serin_testkit::Kind;

use super::node::{Node, Past};
use crate::stage::{Stage, image};
use crate::turn::Turn;

/// The newest version that is asked for; the first deploy is of version 0.
const LAST_VERSION: u32 = 2;

/// A version whose pods never become ready.
const BROKEN: u32 = 3;

/// One way on from a state.
#[derive(Clone, Debug)]
pub struct Choice {
    pub turns: Vec<Turn>,
    pub past: Past,
    pub who: Who,
}

/// Whose step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Trouble that stands is over, as everything is in the end.
    Recovery,
    /// The operator, the cluster, time: what goes on by itself.
    Nature,
    People,
    Trouble,
}

/// Every way on. What goes on if nobody does anything comes first, in the order in which a calm cluster does it.
pub fn choices(node: &Node) -> Vec<Choice> {
    let mut all = Choices { past: node.past, all: Vec::new() };
    all.recoveries(node);
    all.nature(node);
    all.people(node);
    if !node.past.has_failed {
        all.past.has_failed = true;
        if node.stage.judge.sees_all { all.troubles(node) } else { all.blindness(node) }
    }
    all.all
}

struct Choices {
    past: Past,
    all: Vec<Choice>,
}

impl Choices {
    fn add(&mut self, who: Who, turns: &[Turn]) {
        self.with(who, turns, self.past);
    }

    fn with(&mut self, who: Who, turns: &[Turn], past: Past) {
        self.all.push(Choice { turns: turns.to_vec(), past, who });
    }

    fn recoveries(&mut self, node: &Node) {
        let world = &node.stage.world;
        if let Some(kind) = self.past.silent {
            let past = Past { silent: None, ..self.past };
            let tells = Turn::Hear { kind, events: 99 };
            self.with(Who::Recovery, &[tells], past);
            self.with(Who::Recovery, &[Turn::LoseWatch { kind }, tells], past);
        }
        if node.stage.late.is_some() {
            self.add(Who::Recovery, &[Turn::LateCall]);
        }
        for (service, name) in (0..).zip(["stable", "canary"]) {
            if world.find(Kind::Service, name).is_none() {
                self.add(Who::Recovery, &[Turn::CreateService { service }]);
            }
        }
        if world.find(Kind::HttpRoute, "route").is_none() {
            self.add(Who::Recovery, &[Turn::CreateRoute]);
        }
        let unready: Vec<&str> = node.stage.cluster.kubelet.unready().collect();
        for (pod, object) in (0..).zip(world.all(Kind::Pod)) {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if unready.contains(&&*format!("default/{name}")) {
                self.add(Who::Recovery, &[Turn::Ready { pod }]);
            }
        }
        if asks_for(&node.stage, BROKEN) {
            // A mistake in a template is mended by the next template.
            let past = Past { updates: self.past.updates.max(1), ..self.past };
            self.with(Who::Recovery, &[Turn::Update { version: past.updates }], past);
        }
    }

    fn nature(&mut self, node: &Node) {
        let Stage { leader, world, .. } = &node.stage;
        if leader.operator.is_due(world) {
            self.add(Who::Nature, &[Turn::Operate { steps: 1 }]);
        }
        for turn in [Turn::ReplicaSets, Turn::Node, Turn::Slices] {
            self.add(Who::Nature, &[turn]);
        }
        if node.has_garbage() {
            self.add(Who::Nature, &[Turn::Cluster { steps: 1 }]);
        }
        // Left alone, operator and cluster are quicker than any clock; that they are slow is a fault.
        if let Some(seconds) = node.next_moment().filter(|_| node.is_settled()) {
            self.add(Who::Nature, &[Turn::Time { seconds }]);
        }
    }

    fn people(&mut self, node: &Node) {
        let stage = &node.stage;
        let status = &stage.rollout()["status"];
        let past = self.past;
        let again = past.asks.checked_sub(1).map(|asks| Past { asks, ..past });
        match again {
            _ if asks_for(stage, BROKEN) => {}
            _ if past.updates == 0 => {
                self.with(Who::People, &[Turn::Update { version: 1 }], Past { updates: 1, ..past });
            }
            Some(again) if past.updates < LAST_VERSION => {
                let past = Past { updates: past.updates + 1, ..again };
                self.with(Who::People, &[Turn::Update { version: past.updates }], past);
                // Back to the first one.
                self.with(Who::People, &[Turn::Update { version: 0 }], past);
            }
            _ => {}
        }
        let has_canary = status["stableRS"].is_string() && status["stableRS"] != status["currentPodHash"];
        let pauses = stage.setting.steps().iter().filter(|step| step["pause"].is_object()).count();
        let may_resume = u32::try_from(pauses).is_ok_and(|pauses| past.resumes < pauses);
        if status["phase"] == "Paused" && status["abort"] != true && may_resume {
            let step = status["currentStepIndex"].as_u64().and_then(|step| u32::try_from(step).ok());
            let resume = Turn::Resume { step: step.unwrap_or(0) };
            self.with(Who::People, &[resume], Past { resumes: past.resumes + 1, ..past });
        }
        if status["abort"] == true {
            self.add(Who::People, &[Turn::Retry]);
        } else if let Some(again) = again.filter(|_| has_canary) {
            self.with(Who::People, &[Turn::Abort], again);
        }
    }

    /// What goes wrong while the operator sees everything at once.
    fn troubles(&mut self, node: &Node) {
        let Stage { leader, world, setting, .. } = &node.stage;
        let memory = leader.operator.memory(world);
        self.add(Who::Trouble, &[Turn::Crash]);
        // Operator or cluster are slow: pauses and delays end while plans and pods are on the way.
        self.add(Who::Trouble, &[Turn::Time { seconds: 31 }]);
        // A fault waits for the next call and for nothing else, so it is taken in one step with it.
        if memory.in_hand.is_some_and(|hand| hand.calls_next) {
            let call = Turn::Operate { steps: 1 };
            for code in [403, 409, 422, 500] {
                self.add(Who::Trouble, &[Turn::Refuse { code, skip: 0 }, call]);
            }
            self.add(Who::Trouble, &[Turn::LoseAnswer { skip: 0 }, call]);
            self.add(Who::Trouble, &[Turn::LoseCall { skip: 0 }, call]);
        }
        let count = |kind: Kind| u32::try_from(world.all(kind).len()).unwrap_or(0);
        for pod in 0..count(Kind::Pod) {
            self.add(Who::Trouble, &[Turn::Unready { pod }]);
            self.add(Who::Trouble, &[Turn::DeletePod { pod }]);
        }
        for set in 0..count(Kind::ReplicaSet) {
            self.add(Who::Trouble, &[Turn::DeleteSet { set }]);
            for pods in [0, 1, setting.replicas + 1] {
                self.add(Who::Trouble, &[Turn::ScaleSet { set, pods }]);
            }
        }
        for (stable, canary) in [(1, 1), (0, 1), (1, 0)] {
            self.add(Who::Trouble, &[Turn::ForeignWeights { stable, canary }]);
        }
        self.add(Who::Trouble, &[Turn::ApplyRoute]);
        self.add(Who::Trouble, &[Turn::DeleteRoute]);
        for service in 0..2 {
            self.add(Who::Trouble, &[Turn::ApplyService { service }]);
            self.add(Who::Trouble, &[Turn::DeleteService { service }]);
        }
        self.add(Who::Trouble, &[Turn::WipeStatus]);
        if self.past.updates < LAST_VERSION {
            self.add(Who::Trouble, &[Turn::Update { version: BROKEN }]);
        }
    }

    /// What goes wrong with who sees what.
    fn blindness(&mut self, node: &Node) {
        for kind in 0..6 {
            let past = Past { silent: Some(kind), ..self.past };
            self.with(Who::Trouble, &[], past);
        }
        if node.stage.leader.operator.is_busy() {
            self.add(Who::Trouble, &[Turn::TakeOver]);
        }
    }
}

fn asks_for(stage: &Stage, version: u32) -> bool {
    let containers: &Value = &stage.rollout()["spec"]["template"]["spec"]["containers"];
    containers[0]["image"] == *image(version)
}
