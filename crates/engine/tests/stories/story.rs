//! What happens in a story, and where it must end.

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use serin_testkit::controllers::Controllers;
use serin_testkit::{Fault, Kind, Matcher, Oracle, World, http_route, rollout, service};

use crate::operator::{NAME, Operator, USER};
use crate::reconcile::reconcile;

/// In everything of a template that must not leave the cluster.
pub const MARKER: &str = "confidential";

const HASH: &str = "rollouts-pod-template-hash";

/// The longest that a cluster without interference may take to rest, in rounds of operator, controllers and time.
const ROUNDS: usize = 120;

/// What does not change in a story.
#[derive(Clone, Debug)]
pub struct Setting {
    replicas: i64,
    steps: Vec<Value>,
    roles: bool,
}

impl Setting {
    pub fn any() -> impl Strategy<Value = Self> {
        let steps = select(vec![
            json!([]),
            json!([{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {"duration": 10}}]),
            json!([{"pause": {}}, {"pause": {}}, {"setWeight": 100}]),
            json!([{"setWeight": 60}, {"setWeight": 20}, {"pause": {}}]),
            json!([{"setWeight": 0}, {"pause": {"duration": "5s"}}, {"setWeight": 100}, {"pause": {}}]),
        ]);
        (1..6_i64, steps, any::<bool>()).prop_map(|(replicas, steps, roles)| Self {
            replicas,
            steps: steps.as_array().cloned().unwrap_or_default(),
            roles,
        })
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Turn {
    /// The operator reconciles.
    Operate,
    /// The operator dies after so many writes, and starts again.
    Crash(usize),
    /// The operator forgets everything, and starts again.
    Restart,
    /// The cluster's controllers take so many steps.
    Cluster(usize),
    /// So many seconds pass.
    Time(i64),
    /// The next write of the operator fails with this status code.
    Fail(u16),
    /// The answer to the operator's next write is lost.
    LoseAnswer,
    /// A new template; every fourth one is broken.
    Update(u8),
    /// The template of an earlier version.
    Return(u8),
    Resume(i32),
    ResumeByStatus,
    ResumeByAnnotation(i32),
    Abort,
    AbortByAnnotation,
    Retry,
    Pause(bool),
    Scale(i64),
    /// Somebody writes other weights.
    ForeignWeights(i64, i64),
    /// Somebody takes our key out of a Service's selector.
    ForeignSelector(bool),
    /// A pod becomes unready, or ready again.
    Unready(usize, bool),
    DeletePod(usize),
    /// Somebody scales a ReplicaSet.
    ForeignScale(usize, i64),
    WipeStatus,
}

impl Turn {
    pub fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            12 => Just(Self::Operate),
            3 => (0..6_usize).prop_map(Self::Crash),
            1 => Just(Self::Restart),
            12 => (1..6_usize).prop_map(Self::Cluster),
            4 => (1..40_i64).prop_map(Self::Time),
            2 => select(vec![409_u16, 422, 500, 403]).prop_map(Self::Fail),
            1 => Just(Self::LoseAnswer),
            5 => (1..9_u8).prop_map(Self::Update),
            2 => (0..9_u8).prop_map(Self::Return),
            4 => (0..4).prop_map(Self::Resume),
            2 => Just(Self::ResumeByStatus),
            1 => (0..4).prop_map(Self::ResumeByAnnotation),
            1 => Just(Self::Abort),
            2 => Just(Self::AbortByAnnotation),
            1 => Just(Self::Retry),
            2 => any::<bool>().prop_map(Self::Pause),
            3 => (0..7_i64).prop_map(Self::Scale),
            2 => (0..3_i64, 0..3_i64).prop_map(|(stable, canary)| Self::ForeignWeights(stable, canary)),
            1 => any::<bool>().prop_map(Self::ForeignSelector),
            3 => (0..10_usize, any::<bool>()).prop_map(|(pod, unready)| Self::Unready(pod, unready)),
            2 => (0..10_usize).prop_map(Self::DeletePod),
            1 => (0..3_usize, 0..6_i64).prop_map(|(set, pods)| Self::ForeignScale(set, pods)),
            1 => Just(Self::WipeStatus),
        ]
    }
}

/// A Rollout in its cluster.
pub struct Story {
    world: World,
    cluster: Controllers,
    operator: Operator,
    oracle: Oracle,
    wake_at: Option<Timestamp>,
    steps: Vec<Value>,
    roles: bool,
}

fn image(version: u8) -> String {
    if version % 4 == 3 { format!("web:broken-{version}") } else { format!("web:{version}") }
}

/// A template with much in it that is nobody's business.
fn template(version: u8) -> Value {
    let secret = |place: &str| format!("{MARKER} {place}");
    json!({
        "metadata": { "labels": { "app": "web" }, "annotations": { "checksum/config": secret("annotation") } },
        "spec": {
            "imagePullSecrets": [{ "name": secret("imagePullSecret") }],
            "serviceAccountName": secret("serviceAccount"),
            "containers": [{
                "name": "web", "image": image(version), "args": [secret("argument")],
                "env": [{ "name": "PASSWORD", "value": secret("environment") }],
            }],
        },
    })
}

impl Story {
    /// A first deploy that has come to rest.
    pub fn begin(setting: &Setting) -> Self {
        let mut world = World::new();
        let mut wanted =
            rollout(NAME).replicas(i32::try_from(setting.replicas).unwrap()).template(template(0));
        for step in &setting.steps {
            wanted = wanted.step(step.clone());
        }
        if setting.roles {
            wanted = wanted
                .active_labels(&[("role", "active"), ("queue", "production")])
                .preview_labels(&[("role", "preview")]);
        }
        world.create(service("stable").manifest());
        world.create(service("canary").manifest());
        world.create(http_route("route").rule(&[("stable", None), ("canary", None)]).manifest());
        world.create(http_route("other-route").rule(&[("canary", None)]).manifest());
        world.create(wanted.manifest());
        let mut story = Self {
            world,
            cluster: Controllers::default(),
            operator: Operator::new(),
            oracle: Oracle::default(),
            wake_at: None,
            steps: setting.steps.clone(),
            roles: setting.roles,
        };
        story.rest();
        assert_eq!(story.phase(), "Healthy", "a first deploy: {:#}", story.rollout());
        story
    }

    /// What there is now.
    pub fn world(&self) -> &World {
        &self.world
    }

    pub fn play(&mut self, turn: &Turn) {
        let Self { world, cluster, operator, oracle, .. } = self;
        match turn {
            Turn::Operate => drop(reconcile(operator, world, oracle, None)),
            Turn::Crash(writes) => {
                reconcile(operator, world, oracle, Some(*writes));
                *operator = Operator::new();
            }
            Turn::Restart => *operator = Operator::new(),
            Turn::Cluster(steps) => {
                for _ in 0..*steps {
                    cluster.step(world);
                }
            }
            Turn::Time(seconds) => world.advance(SignedDuration::from_secs(*seconds)),
            Turn::Fail(code) => world.fail_next(Matcher::writes().by(USER), Fault::Status(*code)),
            Turn::LoseAnswer => world.fail_next(Matcher::writes().by(USER), Fault::LoseAnswer),
            Turn::Update(version) | Turn::Return(version) => {
                let containers = template(*version)["spec"]["containers"].clone();
                spec(world, json!({"template": {"spec": {"containers": containers}}}));
            }
            Turn::Resume(step) => spec(world, json!({"resume": {"step": step}})),
            Turn::ResumeByStatus => {
                world.patch_status(Kind::Rollout, NAME, json!({"pauseConditions": null}));
            }
            Turn::ResumeByAnnotation(step) => annotate(world, "serin.dev/resume", &step.to_string()),
            Turn::Abort => {
                world.patch_status(Kind::Rollout, NAME, json!({"abort": true}));
            }
            Turn::AbortByAnnotation => annotate(world, "serin.dev/abort", "current"),
            Turn::Retry => {
                world.patch_status(Kind::Rollout, NAME, json!({"abort": false}));
            }
            Turn::Pause(paused) => spec(world, json!({"paused": paused})),
            Turn::Scale(replicas) => spec(world, json!({"replicas": replicas})),
            Turn::ForeignWeights(stable, canary) => {
                world.edit(Kind::HttpRoute, "route", |route| {
                    let backends = &mut route["spec"]["rules"][0]["backendRefs"];
                    backends[0]["weight"] = json!(stable);
                    backends[1]["weight"] = json!(canary);
                });
            }
            Turn::ForeignSelector(stable) => {
                let name = if *stable { "stable" } else { "canary" };
                world.patch(Kind::Service, name, json!({"spec": {"selector": {HASH: null}}}));
            }
            Turn::Unready(pod, unready) => {
                if let Some(name) = pod_name(world, *pod) {
                    cluster.kubelet.set_unready(&name, *unready);
                }
            }
            Turn::DeletePod(pod) => {
                if let Some(name) = pod_name(world, *pod) {
                    world.delete(Kind::Pod, &name);
                }
            }
            Turn::ForeignScale(set, pods) => {
                let sets = world.all(Kind::ReplicaSet);
                if let Some(set) = sets.get(*set) {
                    let name = set["metadata"]["name"].as_str().unwrap().to_owned();
                    world.patch(Kind::ReplicaSet, &name, json!({"spec": {"replicas": pods}}));
                }
            }
            Turn::WipeStatus => {
                let status = self.rollout()["status"].clone();
                let nulls: serde_json::Map<String, Value> = status
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, _)| (key.clone(), Value::Null))
                    .collect();
                self.world.patch_status(Kind::Rollout, NAME, Value::Object(nulls));
            }
        }
    }

    /// Interference stops; the Rollout must come to rest where it belongs, and then complete.
    pub fn end(&mut self) {
        self.world.stop_failing();
        for pod in 0..self.world.all(Kind::Pod).len() {
            if let Some(name) = pod_name(&self.world, pod) {
                self.cluster.kubelet.set_unready(&name, false);
            }
        }
        self.rest();
        self.is_where_it_belongs();
        self.play(&Turn::Pause(false));
        self.play(&Turn::Scale(3));
        self.play(&Turn::Update(4));
        self.rest();
        if self.phase() == "Degraded" {
            self.play(&Turn::Retry);
            self.rest();
        }
        self.complete();
    }

    /// Resumes every pause until the Rollout is healthy.
    pub fn complete(&mut self) {
        self.rest();
        if self.is_broken() || self.stable_is_broken() {
            return;
        }
        for _ in 0..=self.steps.len() {
            if self.phase() == "Paused" {
                let step = self.rollout()["status"]["currentStepIndex"].as_i64().unwrap_or(0);
                self.play(&Turn::Resume(i32::try_from(step).unwrap()));
                self.rest();
            }
        }
        assert_eq!(self.phase(), "Healthy", "it does not complete: {:#}", self.rollout());
        self.is_where_it_belongs();
    }

    /// Lets operator, controllers and time go on until nothing happens any more.
    fn rest(&mut self) {
        for _ in 0..ROUNDS {
            let version = self.world.version();
            self.wake_at = reconcile(&mut self.operator, &mut self.world, &mut self.oracle, None);
            self.cluster.settle(&mut self.world);
            if self.world.version() != version {
                continue;
            }
            let Some((_, plan)) = self.operator.plan(&self.world) else { return };
            match plan.wake_at.filter(|at| *at > self.world.now()) {
                // A verdict that is far away is no work.
                Some(at) if at.duration_since(self.world.now()).as_secs() < 300 => self.world.set_now(at),
                _ if plan.is_empty() => return,
                _ => {}
            }
        }
        let plan = self.operator.plan(&self.world).map(|(_, plan)| plan);
        let actions = plan.iter().flat_map(|plan| plan.actions.iter().map(|action| action.describe()));
        let (actions, wake) = (actions.collect::<Vec<_>>(), plan.as_ref().and_then(|plan| plan.wake_at));
        let status = plan.as_ref().and_then(|plan| plan.status.clone());
        panic!("it does not come to rest: {actions:?} {wake:?} {status:?}\n{:#}", self.rollout());
    }

    fn rollout(&self) -> Value {
        self.world.get(Kind::Rollout, NAME).clone()
    }

    fn phase(&self) -> String {
        self.rollout()["status"]["phase"].as_str().unwrap_or_default().to_owned()
    }

    /// A broken version can become stable only at zero replicas. While it is, the canary may be all that serves, and a
    /// newer template cannot take its place without a moment in which nothing does: that is for a person to decide.
    fn stable_is_broken(&self) -> bool {
        let stable = &self.rollout()["status"]["stableRS"];
        let sets = self.world.all(Kind::ReplicaSet);
        let set = sets.iter().find(|set| set["metadata"]["labels"][HASH] == *stable);
        set.is_some_and(|set| set["spec"]["template"].to_string().contains("broken"))
    }

    fn is_broken(&self) -> bool {
        self.rollout()["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .is_some_and(|image| image.contains("broken"))
    }

    /// At rest, the traffic is where status says, and every pod carries its role.
    fn is_where_it_belongs(&self) {
        let rollout = self.rollout();
        let status = &rollout["status"];
        let say = || format!("{rollout:#}");
        let selected =
            |service: &str| self.world.get(Kind::Service, service)["spec"]["selector"][HASH].clone();
        let backends = &self.world.get(Kind::HttpRoute, "route")["spec"]["rules"][0]["backendRefs"];
        let weights =
            (backends[0]["weight"].as_i64().unwrap_or(1), backends[1]["weight"].as_i64().unwrap_or(1));
        let stable = &status["stableRS"];
        assert_eq!(selected("stable"), *stable, "the stable Service: {}", say());
        if self.phase() == "Healthy" || status["abort"] == true {
            assert_eq!(weights, (100, 0), "{}", say());
            assert_eq!(selected("canary"), *stable, "the canary Service: {}", say());
        }
        let replicas = rollout["spec"]["replicas"].as_i64().unwrap_or(1);
        for set in self.world.all(Kind::ReplicaSet) {
            let hash = &set["metadata"]["labels"][HASH];
            let pods = set["spec"]["replicas"].as_i64().unwrap_or(0);
            if hash == stable {
                assert_eq!(pods, replicas, "the stable pods: {}", say());
            } else if self.phase() == "Healthy" || status["abort"] == true {
                assert_eq!(pods, 0, "pods of {hash} are left: {}", say());
            }
        }
        if self.roles {
            for pod in self.world.all(Kind::Pod) {
                let hash = &pod["metadata"]["labels"][HASH];
                let role = if hash == stable { json!("active") } else { json!("preview") };
                let queue = if hash == stable { json!("production") } else { json!(null) };
                let is_current = *hash == status["currentPodHash"];
                if hash == stable || is_current {
                    let labels = &pod["metadata"]["labels"];
                    assert_eq!((&labels["role"], &labels["queue"]), (&role, &queue), "{pod:#}");
                }
            }
        }
    }
}

fn spec(world: &mut World, spec: Value) {
    world.patch(Kind::Rollout, NAME, json!({"spec": spec}));
}

fn annotate(world: &mut World, name: &str, value: &str) {
    world.patch(Kind::Rollout, NAME, json!({"metadata": {"annotations": {name: value}}}));
}

fn pod_name(world: &World, index: usize) -> Option<String> {
    world.all(Kind::Pod).get(index)?["metadata"]["name"].as_str().map(str::to_owned)
}
