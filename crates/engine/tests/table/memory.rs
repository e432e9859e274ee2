//! Nothing that the operator keeps in memory decides what is safe: through whole lives of a Rollout, every plan is made
//! twice, with the memory of the process as it is and without any, and both ask for the same.

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_engine::{Action, Plan, Recall};
use serin_testkit::controllers::Controllers;
use serin_testkit::{Kind, Oracle, World, http_route, rollout, service};

use crate::operator::{NAME, Operator};

/// More rounds than any phase of a life takes.
const ROUNDS: usize = 300;

/// A Rollout, its cluster, and an operator whose every plan is compared.
struct Life {
    world: World,
    cluster: Controllers,
    operator: Operator,
    oracle: Oracle,
    /// How many plans had something to do.
    compared: usize,
}

/// What a plan asks for. Who changed something before is told in an Event at most once more.
fn asked(plan: &Plan) -> Vec<Action> {
    let mut actions = plan.actions.clone();
    for action in &mut actions {
        if let Action::Select { drift, .. } | Action::SetWeights { drift, .. } = action {
            *drift = None;
        }
    }
    actions
}

impl Life {
    fn begin() -> Self {
        let mut world = World::new();
        let wanted = rollout(NAME)
            .replicas(3)
            .image("web:1")
            .set_weight(10)
            .pause()
            .set_weight(50)
            .pause_for(10)
            .scale_down_delay_seconds(5)
            .abort_scale_down_delay_seconds(5)
            .active_labels(&[("role", "active"), ("queue", "production")])
            .preview_labels(&[("role", "preview")]);
        world.create(service("stable").manifest());
        world.create(service("canary").manifest());
        world.create(http_route("route").rule(&[("stable", None), ("canary", None)]).manifest());
        world.create(wanted.manifest());
        let (cluster, operator, oracle) = (Controllers::default(), Operator::new(), Oracle::default());
        let mut life = Self { world, cluster, operator, oracle, compared: 0 };
        life.rest();
        life.is("Healthy");
        life
    }

    /// Lives on until nothing happens any more, and compares the two plans of every single round. The cluster moves
    /// between the rounds, so that plans meet it in every state.
    fn rest(&mut self) {
        for _ in 0..ROUNDS {
            let Some((snapshot, plan)) = self.operator.plan(&self.world) else { return };
            self.compare(&plan);
            let (version, wake_at) = (self.world.version(), plan.wake_at);
            let mut unlimited = usize::MAX;
            self.operator.apply(&mut self.world, &mut self.oracle, &snapshot, plan, &mut unlimited);
            self.cluster.step(&mut self.world);
            if self.world.version() != version || self.cluster.step(&mut self.world) {
                continue;
            }
            let now = self.world.now();
            match wake_at.filter(|at| *at > now && at.duration_since(now) < SignedDuration::from_secs(300)) {
                Some(at) => self.world.set_now(at),
                None if self.operator.plan(&self.world).is_none_or(|(_, plan)| plan.is_empty()) => return,
                None => {}
            }
        }
        panic!("it does not come to rest: {:#}", self.world.get(Kind::Rollout, NAME));
    }

    fn compare(&mut self, remembering: &Plan) {
        let world = &self.world;
        let mut recall = Recall::default();
        let (_, mut forgetful) = self.operator.plan_knowing(world, &recall).unwrap();
        // What forgetting may cost here: the server is asked once more what it makes of the template. With its answer
        // the plan is the same again.
        if let [Action::CompareTemplate { template, .. }] = &*forgetful.actions
            && let Some(known) = &self.operator.recall.defaulted
            && *template == known.0
        {
            recall.defaulted = Some(known.clone());
            forgetful = self.operator.plan_knowing(world, &recall).unwrap().1;
        }
        assert_eq!(asked(remembering), asked(&forgetful));
        assert_eq!(remembering.report, forgetful.report);
        if remembering.status_pending || forgetful.status_pending {
            // What is not urgent waits for others, a second at most since the last one, and is not forgotten.
            let soon = world.now() + SignedDuration::from_secs(1);
            for plan in [remembering, &forgetful] {
                assert!(
                    plan.status.is_some()
                        || plan.wake_at.is_some_and(|at| at <= soon)
                        || !plan.actions.is_empty()
                );
            }
        } else {
            assert_eq!(remembering.status, forgetful.status);
            assert_eq!(remembering.wake_at, forgetful.wake_at);
        }
        self.compared += usize::from(!remembering.is_empty());
    }

    fn spec(&mut self, spec: Value) -> &mut Self {
        self.world.patch(Kind::Rollout, NAME, json!({"spec": spec}));
        self.rest();
        self
    }

    fn wants(&mut self, image: &str) -> &mut Self {
        self.spec(json!({"template": {"spec": {"containers": [{"name": "web", "image": image}]}}}))
    }

    fn annotates(&mut self, name: &str, value: &str) -> &mut Self {
        self.world.patch(Kind::Rollout, NAME, json!({"metadata": {"annotations": {name: value}}}));
        self.rest();
        self
    }

    fn status(&mut self, status: Value) -> &mut Self {
        self.world.patch_status(Kind::Rollout, NAME, status);
        self.rest();
        self
    }

    #[track_caller]
    fn is(&mut self, phase: &str) -> &mut Self {
        let rollout = self.world.get(Kind::Rollout, NAME);
        assert_eq!(rollout["status"]["phase"], phase, "{rollout:#}");
        self
    }

    /// The route's weights, stable first.
    fn weights(&self) -> (i64, i64) {
        let backends = &self.world.get(Kind::HttpRoute, "route")["spec"]["rules"][0]["backendRefs"];
        let weight = |backend: usize| backends[backend]["weight"].as_i64().unwrap_or(1);
        (weight(0), weight(1))
    }

    #[track_caller]
    fn ends_after(&self, plans: usize) {
        assert!(self.compared >= plans, "only {} plans were compared", self.compared);
    }
}

#[test]
fn from_the_first_deploy_through_pauses_to_the_promotion() {
    let mut life = Life::begin();
    life.wants("web:2").is("Paused");
    assert_eq!(life.weights(), (90, 10));
    // The second pause ends by itself, so this goes on to the end.
    life.spec(json!({"resume": {"step": 1}})).is("Healthy");
    assert_eq!(life.weights(), (100, 0));
    life.ends_after(24);
}

#[test]
fn every_other_way_to_resume_and_requests_that_are_refused() {
    let mut life = Life::begin();
    life.wants("web:2").is("Paused");
    life.spec(json!({"resume": {"step": 3}})).is("Paused");
    life.annotates("serin.dev/resume", "7").is("Paused");
    life.annotates("serin.dev/resume", "1").is("Healthy");
    life.wants("web:3").is("Paused");
    life.status(json!({"pauseConditions": null})).is("Healthy");
    life.wants("web:4").spec(json!({"paused": true})).is("Paused");
    life.spec(json!({"paused": false, "resume": {"step": 1}})).is("Healthy");
    life.ends_after(60);
}

#[test]
fn abort_and_retry() {
    let mut life = Life::begin();
    life.wants("web:2").annotates("serin.dev/abort", "current").is("Degraded");
    assert_eq!(life.weights(), (100, 0));
    life.status(json!({"abort": false})).is("Paused");
    life.status(json!({"abort": true})).is("Degraded");
    life.annotates("serin.dev/abort", "current").wants("web:1").is("Healthy");
    life.ends_after(30);
}

#[test]
fn a_newer_template_an_older_one_and_a_broken_one() {
    let mut life = Life::begin();
    life.wants("web:2").wants("web:broken").is("Progressing");
    life.wants("web:2").is("Paused");
    life.wants("web:3").is("Paused");
    life.wants("web:1").is("Healthy");
    life.ends_after(24);
}

#[test]
fn a_template_that_means_what_an_older_one_means() {
    let mut life = Life::begin();
    let defaults = json!({"template": {"spec": {"restartPolicy": "Always", "dnsPolicy": "ClusterFirst"}}});
    life.spec(defaults).is("Healthy");
    assert_eq!(life.world.all(Kind::ReplicaSet).len(), 1, "no new revision");
    let sentinel = json!({"template": {"spec": {"terminationGracePeriodSeconds": 7}}});
    life.spec(sentinel).is("Paused");
    assert_eq!(life.world.all(Kind::ReplicaSet).len(), 2, "a new revision");
    life.ends_after(15);
}

#[test]
fn what_others_write_is_put_back() {
    let mut life = Life::begin();
    life.wants("web:2").is("Paused");
    for _ in 0..5 {
        life.world.edit(Kind::HttpRoute, "route", |route| {
            route["spec"]["rules"][0]["backendRefs"][1]["weight"] = json!(77);
        });
        life.rest();
        assert_eq!(life.weights(), (90, 10));
        life.world.patch(
            Kind::Service,
            "stable",
            json!({"spec": {"selector": {"rollouts-pod-template-hash": null}}}),
        );
        life.rest();
        life.world.advance(SignedDuration::from_secs(20));
    }
    life.spec(json!({"replicas": 7})).is("Paused");
    life.spec(json!({"replicas": 0})).is("Paused");
    life.spec(json!({"replicas": 2})).is("Paused");
    life.ends_after(20);
}

#[test]
fn a_status_that_is_wiped_and_a_deletion() {
    let mut life = Life::begin();
    life.wants("web:2").is("Paused");
    let status = life.world.get(Kind::Rollout, NAME)["status"].clone();
    let nulls = status.as_object().unwrap().keys().map(|key| (key.clone(), Value::Null));
    let nulls = Value::Object(nulls.collect());
    life.status(nulls).is("Paused");
    life.world.delete(Kind::Rollout, NAME);
    life.rest();
    assert!(life.world.find(Kind::Rollout, NAME).is_none(), "it is let go");
    assert_eq!(life.weights(), (100, 0));
    life.ends_after(20);
}
