//! A Rollout in its cluster, with what is remembered of its life.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_engine::Snapshot;
use serin_engine::verbs::State;
use serin_testkit::{Controllers, Kind, Oracle, World, http_route, rollout, service};

use crate::operator::{NAME, Operator};

pub const HASH: &str = "rollouts-pod-template-hash";

/// The steps of every Rollout here, and where its pauses are.
pub fn steps() -> [Value; 5] {
    [10, 0, 50, 0, 80]
        .map(|weight| if weight > 0 { json!({"setWeight": weight}) } else { json!({"pause": {}}) })
}

/// More rounds than anything here takes.
const ROUNDS: usize = 400;

#[derive(Clone)]
pub struct Life {
    pub world: World,
    pub cluster: Controllers,
    operator: Operator,
    oracle: Oracle,
    /// Reasons of the Events so far.
    pub events: Vec<&'static str>,
    /// The canary's weights as they followed each other.
    pub weights: Vec<i64>,
}

/// What can be told of a Rollout at rest. Revisions go by their images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub state: Option<State>,
    /// The step, or nothing when all are done.
    pub step: Option<i64>,
    pub stable: String,
    pub wanted: String,
    pub weight: i64,
    /// Pods by image.
    pub pods: BTreeMap<String, i64>,
}

impl Life {
    /// The objects, and nobody has done anything yet.
    pub fn begin() -> Self {
        let mut world = World::new();
        let mut wanted = rollout(NAME)
            .replicas(3)
            .image("web:1")
            .progress_deadline_seconds(60)
            .scale_down_delay_seconds(5)
            .abort_scale_down_delay_seconds(5)
            .active_labels(&[("role", "active")])
            .preview_labels(&[("role", "preview")]);
        for step in steps() {
            wanted = wanted.step(step);
        }
        world.create(service("stable").manifest());
        world.create(service("canary").manifest());
        world.create(http_route("route").rule(&[("stable", None), ("canary", None)]).manifest());
        world.create(wanted.manifest());
        let (cluster, operator) = (Controllers::default(), Operator::new());
        Self { world, cluster, operator, oracle: Oracle::default(), events: vec![], weights: vec![] }
    }

    pub fn snapshot(&self) -> Option<Snapshot> {
        Some(self.operator.plan_knowing(&self.world, &self.operator.recall)?.0)
    }

    /// Its state, unless it is gone.
    pub fn state(&self) -> Option<State> {
        let snapshot = self.snapshot()?;
        Some(State::of(&snapshot, self.world.now()))
    }

    /// The writes of one plan, and one step of the cluster. Returns whether anything happened.
    pub fn round(&mut self) -> bool {
        let version = self.world.version();
        if let Some((snapshot, plan)) = self.operator.plan(&self.world) {
            self.events.extend(plan.events.iter().map(|event| event.reason));
            let mut unlimited = usize::MAX;
            self.operator.apply(&mut self.world, &mut self.oracle, &snapshot, plan, &mut unlimited);
            self.note_weight();
        }
        let busy = self.cluster.step(&mut self.world);
        self.oracle.see(&self.world);
        busy || self.world.version() != version
    }

    fn note_weight(&mut self) {
        let weight = self.weight();
        if self.weights.last() != Some(&weight) {
            self.weights.push(weight);
        }
    }

    /// Goes on until nothing happens any more.
    pub fn rest(mut self) -> Self {
        for _ in 0..ROUNDS {
            if self.round() || self.round() {
                continue;
            }
            let Some((_, plan)) = self.operator.plan(&self.world) else { return self };
            let now = self.world.now();
            match plan.wake_at.filter(|at| *at > now && at.duration_since(now).as_secs() < 600) {
                Some(at) => self.world.set_now(at),
                None if plan.is_empty() => return self,
                None => self.world.advance(SignedDuration::from_secs(10)),
            }
        }
        let plan = self.operator.plan(&self.world).map(|(_, plan)| (plan.actions, plan.status, plan.wake_at));
        panic!("it does not come to rest: {plan:#?}\n{:#}", self.world.get(Kind::Rollout, NAME));
    }

    pub fn rollout(&self) -> Value {
        self.world.find(Kind::Rollout, NAME).cloned().unwrap_or_default()
    }

    /// The canary Service's share in percent.
    pub fn weight(&self) -> i64 {
        let backends = &self.world.get(Kind::HttpRoute, "route")["spec"]["rules"][0]["backendRefs"];
        let weight = |index: usize| backends[index]["weight"].as_i64().unwrap_or(1);
        weight(1) * 100 / (weight(0) + weight(1)).max(1)
    }

    /// The step that status is at, or nothing when all are done.
    pub fn step(&self) -> Option<i64> {
        let rollout = self.rollout();
        let steps = rollout["spec"]["strategy"]["canary"]["steps"].as_array().map_or(0, Vec::len);
        let step = rollout["status"]["currentStepIndex"].as_i64().unwrap_or(0);
        (step < i64::try_from(steps).unwrap()).then_some(step)
    }

    pub fn phase(&self) -> String {
        self.rollout()["status"]["phase"].as_str().unwrap_or_default().to_owned()
    }

    /// The image of the revision with this hash.
    pub fn image_of(&self, hash: &Value) -> String {
        let sets = self.world.all(Kind::ReplicaSet);
        let set = sets.iter().find(|set| set["metadata"]["labels"][HASH] == *hash);
        set.map(|set| image(&set["spec"]["template"])).unwrap_or_default()
    }

    pub fn end(&self) -> End {
        let rollout = self.rollout();
        let status = &rollout["status"];
        let mut pods = BTreeMap::new();
        for set in self.world.all(Kind::ReplicaSet) {
            let wanted = set["spec"]["replicas"].as_i64().unwrap_or(1);
            if wanted > 0 {
                *pods.entry(image(&set["spec"]["template"])).or_insert(0) += wanted;
            }
        }
        End {
            state: self.state(),
            step: self.step(),
            stable: self.image_of(&status["stableRS"]),
            wanted: image(&rollout["spec"]["template"]),
            weight: self.weight(),
            pods,
        }
    }
}

pub fn image(template: &Value) -> String {
    template["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
}
