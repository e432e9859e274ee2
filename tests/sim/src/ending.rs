//! Where every story has to end once nothing goes wrong any more.

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_sim::Step;
use serin_testkit::controllers::Gateway;
use serin_testkit::{Kind, World};

use crate::judge::Violation;
use crate::setting::{Setting, Trouble};
use crate::stage::{HASH, NAME, SECOND, Stage};
use crate::turn::Turn;

/// The longest that a cluster without interference may take to rest, in rounds of operator, controllers and time.
const ROUNDS: usize = 160;

/// The longest that pods have to be ready in a story.
const LONGEST_MIN_READY: SignedDuration = SignedDuration::from_secs(10);

/// How often in a row a refused write is tried again in vain before that counts as rest.
const IDLE: usize = 5;

/// A verdict that is further away than this is no work: the progress deadline.
const FAR: i64 = 300;

/// The version that every story ends with.
const LAST_VERSION: u32 = 4;

impl Stage {
    /// The first deploy, until it rests.
    pub fn deploy(&mut self) -> Result<(), Violation> {
        self.rest()?;
        self.require(self.phase() == "Healthy", "the first deploy does not become healthy")
    }

    /// Interference stops; the Rollout has to come to rest where it belongs, and then to complete a last update, as it
    /// would have had nothing ever gone wrong.
    pub fn end(&mut self) -> Result<(), Violation> {
        self.stop_trouble()?;
        self.rest()?;
        if !self.stable_is_broken() {
            self.is_where_it_belongs()?;
        }
        for turn in [Turn::Unpause, Turn::Scale { replicas: 3 }, Turn::Update { version: LAST_VERSION }] {
            self.play(turn)?;
        }
        self.rest()?;
        if self.phase() == "Degraded" {
            self.play(Turn::Retry)?;
        }
        self.complete()?;
        // What a person has to mend first is left as it is, in this world and that one.
        if self.is_for_a_person() { Ok(()) } else { self.is_as_without_trouble() }
    }

    /// Resumes every pause until the Rollout is healthy.
    pub fn complete(&mut self) -> Result<(), Violation> {
        self.rest()?;
        if self.is_for_a_person() {
            return Ok(());
        }
        let pauses = self.rollout()["spec"]["strategy"]["canary"]["steps"].as_array().map_or(0, Vec::len);
        for _ in 0..=pauses {
            if self.phase() == "Paused" {
                let step = self.rollout()["status"]["currentStepIndex"].as_u64().unwrap_or(0);
                self.play(Turn::Resume { step: u32::try_from(step).unwrap_or(0) })?;
                self.rest()?;
            }
        }
        self.require(self.phase() == "Healthy", "it does not complete")?;
        self.is_where_it_belongs()
    }

    fn stop_trouble(&mut self) -> Result<(), Violation> {
        self.world.stop_failing();
        if let Some(gateway) = &mut self.gateway {
            gateway.accept_everything();
        }
        self.late = None;
        self.judge.sees_all = true;
        let lost = [
            Turn::NoQuota,
            Turn::CreateService { service: 0 },
            Turn::CreateService { service: 1 },
            Turn::CreateRoute,
        ];
        for turn in lost {
            // None of these makes the operator act.
            self.play(turn)?;
        }
        // Setting a clock wakes the operator, which in any other story would hide that it has forgotten to wake.
        if self.setting.has(Trouble::Clocks) {
            drop(self.play(Turn::ClockAhead { seconds: 0 }));
        }
        for pod in self.world.all(Kind::Pod) {
            if let Some(name) = pod["metadata"]["name"].as_str() {
                self.cluster.kubelet.set_unready(name, false);
            }
        }
        Ok(())
    }

    /// Lets operator, controllers and time go on until nothing happens any more. The operator acts only when something
    /// has changed or a time has come that it asked for.
    pub fn rest(&mut self) -> Result<(), Violation> {
        self.come_to_rest()?;
        self.requests.rest(&self.world);
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), Violation> {
        let mut idle = 0;
        let mut is_its_time = false;
        for _ in 0..ROUNDS {
            let version = self.world.version();
            while let Some(Step::Planned | Step::Called(_)) = self.step()? {}
            self.cluster.settle(&mut self.world);
            self.send_requests()?;
            if self.judge.sees_all {
                self.leader.operator.hear_all(&self.world);
            }
            if self.world.find(Kind::Rollout, NAME).is_none() {
                self.play(Turn::CreateRollout)?;
            }
            if self.world.version() != version {
                (idle, is_its_time) = (0, false);
                continue;
            }
            // What the server refuses is tried again for ever, when the operator says: somebody may have mended the reason.
            let is_refused = self.rollout()["status"]["waitingFor"].to_string().contains("RefusedWrite");
            idle += usize::from(is_refused && is_its_time);
            if idle > IDLE {
                return Ok(());
            }
            let now = self.world.now();
            let due = [self.leader.operator.due(&self.world), self.gateway.as_ref().and_then(Gateway::due)];
            let next = due.into_iter().flatten().min();
            is_its_time = next.is_some() && next == due[0];
            match next {
                Some(due) if due <= now => {}
                Some(due) if due.duration_since(now).as_secs() < FAR => self.world.set_now(due),
                // Pods may have to be ready for a while before they count as available.
                _ => {
                    self.world.advance(LONGEST_MIN_READY);
                    self.cluster.settle(&mut self.world);
                    if self.world.version() == version {
                        return Ok(());
                    }
                }
            }
        }
        let plan = self.leader.operator.look(&self.world).map(|(_, plan)| plan);
        let actions = plan.iter().flat_map(|plan| plan.actions.iter().map(|action| action.describe()));
        let actions = actions.collect::<Vec<_>>().join(", ");
        let status = plan.as_ref().and_then(|plan| plan.status.clone());
        let wake = plan.as_ref().and_then(|plan| plan.wake_at);
        self.require(false, &format!("it does not come to rest: {actions}; status {status:?}; wake {wake:?}"))
    }

    /// A broken version is wanted, or became stable, which is possible only at zero replicas: then the canary may be all
    /// that serves, and a newer template cannot take its place without a moment in which nothing does.
    fn is_for_a_person(&self) -> bool {
        is_broken(&self.rollout()["spec"]["template"]) || self.stable_is_broken()
    }

    fn stable_is_broken(&self) -> bool {
        let stable = &self.rollout()["status"]["stableRS"];
        let sets = self.world.all(Kind::ReplicaSet);
        let of_stable = sets.iter().find(|set| set["metadata"]["labels"][HASH] == *stable);
        of_stable.is_some_and(|set| is_broken(&set["spec"]["template"]))
    }

    /// At rest, the traffic is where status says, and every pod carries its role.
    pub(crate) fn is_where_it_belongs(&self) -> Result<(), Violation> {
        let rollout = self.rollout();
        let status = &rollout["status"];
        let selected = |service: &str| {
            let service = self.world.find(Kind::Service, service);
            service.map_or(Value::Null, |service| service["spec"]["selector"][HASH].clone())
        };
        let stable = &status["stableRS"];
        // A first deploy is still under way, and there is nothing yet that traffic could belong to.
        if stable.is_null() {
            return Ok(());
        }
        let replicas = rollout["spec"]["replicas"].as_i64().unwrap_or(1);
        for set in self.world.all(Kind::ReplicaSet) {
            let is_stable = set["metadata"]["labels"][HASH] == *stable;
            let pods = set["spec"]["replicas"].as_i64().unwrap_or(0);
            self.require(!is_stable || pods == replicas, "the stable revision has another number of pods")?;
        }
        // What cannot be read, or cannot be stored, leaves the rest of what runs as it is.
        let is_refused = ["InvalidSpec", "ReplicaSetCreateError"];
        if is_refused.iter().any(|reason| status["conditions"].to_string().contains(reason)) {
            return Ok(());
        }
        self.require(selected("stable") == *stable, "the stable Service selects another revision")?;
        let is_over = self.phase() == "Healthy" || status["abort"] == true;
        if is_over {
            for (place, (route, rule)) in routes(&self.setting).into_iter().enumerate() {
                let own = &status["canary"]["managed"]["routes"][place]["originalWeights"][0];
                let own = (own["stable"].as_i64().unwrap_or(100), own["canary"].as_i64().unwrap_or(0));
                let wanted = if self.setting.restores { own } else { (100, 0) };
                let weights = weights(&self.world, route, rule);
                self.require(weights == wanted, &format!("the weights of {route} are not {wanted:?}"))?;
            }
            self.require(selected("canary") == *stable, "the canary Service selects another revision")?;
        }
        for set in self.world.all(Kind::ReplicaSet) {
            let is_old = set["metadata"]["labels"][HASH] != *stable;
            let has_pods = set["spec"]["replicas"] != 0;
            self.require(!(is_over && is_old && has_pods), "an old revision still has pods")?;
        }
        if self.setting.roles { self.roles_are_carried(status) } else { Ok(()) }
    }

    fn roles_are_carried(&self, status: &Value) -> Result<(), Violation> {
        for pod in self.world.all(Kind::Pod) {
            let (hash, labels) = (&pod["metadata"]["labels"][HASH], &pod["metadata"]["labels"]);
            let carried = (&labels["role"], &labels["queue"]);
            if *hash == status["stableRS"] {
                let wanted = (&json!("active"), &json!("production"));
                self.require(carried == wanted, "a stable pod does not carry the active role")?;
            } else if *hash == status["currentPodHash"] {
                let wanted = (&json!("preview"), &Value::Null);
                self.require(carried == wanted, "a canary's pod does not carry the preview role")?;
            }
        }
        Ok(())
    }

    fn require(&self, holds: bool, otherwise: &str) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        let facts = serin_testkit::oracle::facts(&self.world);
        let status = &self.rollout()["status"];
        Err(Violation(format!(
            "{otherwise}: phase {}, message {}, waiting for {}; {facts}",
            self.phase(),
            status["message"],
            status["waitingFor"]
        )))
    }
}

fn is_broken(template: &Value) -> bool {
    template.to_string().contains("broken")
}

/// The routes of the Rollout, each with the one rule that is meant.
fn routes(setting: &Setting) -> Vec<(&'static str, usize)> {
    let second = setting.several.then_some((SECOND, 1));
    [("route", 0)].into_iter().chain(second).collect()
}

fn weights(world: &World, route: &str, rule: usize) -> (i64, i64) {
    let Some(route) = world.find(Kind::HttpRoute, route) else { return (0, 0) };
    let backends = &route["spec"]["rules"][rule]["backendRefs"];
    (backends[0]["weight"].as_i64().unwrap_or(1), backends[1]["weight"].as_i64().unwrap_or(1))
}
