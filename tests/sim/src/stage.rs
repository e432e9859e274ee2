//! The world of a story, and the operator in it.

use serde_json::{Value, json};
use serin_sim::{Decorate, Step};
use serin_testkit::controllers::{Gateway, Startup};
use serin_testkit::{Controllers, Kind, World, http_route, rollout, service};

use crate::gateway::GatewaySetting;
use crate::judge::{Judge, Process, Violation};
use crate::requests::Requests;
use crate::setting::Setting;

/// The Rollout of every story.
pub const NAME: &str = "web";
/// Another route of some stories.
pub const SECOND: &str = "second";
/// The label that tells revisions apart.
pub const HASH: &str = "rollouts-pod-template-hash";

/// The world of a story, and the operator in it.
pub struct Stage {
    pub setting: Setting,
    pub world: World,
    pub cluster: Controllers,
    pub leader: Process,
    /// The process that led before, with a call that it was about to send.
    pub late: Option<Process>,
    pub judge: Judge,
    /// The gateway that carries out the routes, if there is one, and who judges what requests meet there.
    pub gateway: Option<Gateway>,
    pub requests: Requests,
}

impl Stage {
    /// A Rollout, its Services and routes, before anything has happened.
    pub fn new(setting: &Setting, decorate: Box<dyn Decorate>) -> Self {
        let mut world = World::new();
        world.create(service("stable").manifest());
        world.create(service("canary").manifest());
        world.create(route());
        if setting.several {
            world.create(second_route());
        }
        world.create(http_route("other-route").rule(&[("canary", None)]).manifest());
        world.create(manifest(setting));
        let mut cluster = Controllers::default();
        if setting.startup > 0 {
            cluster.kubelet.set_startup(Startup::AfterSteps(setting.startup));
        }
        cluster.kubelet.set_steps_to_end(setting.ending);
        cluster.endpoint_slices.set_lag(setting.slice_lag as usize);
        let leader = Process::started(&world);
        let judge = Judge::new(decorate, setting);
        let gateway = setting.gateway.map(GatewaySetting::gateway);
        let requests = Requests::of(setting);
        Self { setting: setting.clone(), world, cluster, leader, late: None, judge, gateway, requests }
    }

    /// A new process takes the place of the operator, which dies.
    pub fn restart(&mut self) {
        self.leader = Process::started(&self.world);
    }

    /// A new process takes over; the one before it may still have a call under way.
    pub fn take_over(&mut self) {
        let before = std::mem::replace(&mut self.leader, Process::started(&self.world));
        self.late = Some(before).filter(|process| process.operator.is_busy());
    }

    /// The process that led before sends the one call that it was about to send, and no other: it asks for its lease
    /// before each.
    pub fn late_call(&mut self) -> Result<(), Violation> {
        match self.late.take() {
            Some(mut late) => self.judge.step(&mut late, &mut self.world)?,
            None => None,
        };
        self.send_requests()
    }

    /// The operator takes a step if it has a reason to. Returns what it did.
    pub fn step(&mut self) -> Result<Option<Step>, Violation> {
        let tells = self.setting.gateway.is_some_and(GatewaySetting::tells);
        let before = self.world.find(Kind::Rollout, NAME).filter(|_| tells).cloned();
        let step = self.judge.step(&mut self.leader, &mut self.world)?;
        self.send_requests()?;
        if let Some(before) = before {
            self.is_verified_as_told(&before)?;
        }
        Ok(step)
    }

    /// Lets requests follow everything that is due by now, and judges what they meet after each change.
    pub fn send_requests(&mut self) -> Result<(), Violation> {
        let Some(gateway) = &mut self.gateway else { return Ok(()) };
        loop {
            self.requests.judge(&self.world, gateway)?;
            if !gateway.step(&mut self.world) {
                return Ok(());
            }
        }
    }

    /// Goes on until the operator rests or gives up for now.
    pub fn reconcile(&mut self) -> Result<(), Violation> {
        while let Some(Step::Planned | Step::Called(_)) = self.step()? {}
        Ok(())
    }

    /// The Rollout, or null.
    pub fn rollout(&self) -> &Value {
        self.world.find(Kind::Rollout, NAME).unwrap_or(&Value::Null)
    }

    pub fn phase(&self) -> &str {
        self.rollout()["status"]["phase"].as_str().unwrap_or_default()
    }
}

/// The image of a version. Pods of every fourth one never become ready.
pub fn image(version: u32) -> String {
    if version % 4 == 3 { format!("web:broken-{version}") } else { format!("web:{version}") }
}

/// The route, as it is in Git.
pub fn route() -> Value {
    http_route("route").rule(&[("stable", None), ("canary", None)]).manifest()
}

/// Another route of the Rollout, as it is in Git: only its rule `meant` is the Rollout's.
pub fn second_route() -> Value {
    let pair = [("stable", Some(3)), ("canary", Some(1))];
    let mut route = http_route(SECOND).rule(&pair).rule(&pair).manifest();
    route["spec"]["rules"][1]["name"] = json!("meant");
    route
}

/// The Rollout, as it is in Git.
pub fn manifest(setting: &Setting) -> Value {
    let mut wanted = rollout(NAME).replicas(i32::try_from(setting.replicas).unwrap_or(1)).image(&image(0));
    for step in setting.steps() {
        wanted = wanted.step(step);
    }
    // Old ReplicaSets have to go, too.
    wanted = wanted.set("/spec/revisionHistoryLimit", json!(2));
    if setting.several {
        let routes = json!([{"name": "route"}, {"name": SECOND, "rule": "meant"}]);
        wanted = wanted.set("/spec/strategy/canary/trafficRouting/gatewayAPI", json!({"httpRoutes": routes}));
    }
    if setting.restores {
        wanted = wanted.set("/spec/strategy/canary/trafficRouting/gatewayAPI/atRest", json!("Restore"));
    }
    if setting.roles && setting.steps.is_multiple_of(2) {
        wanted = wanted.set("/spec/strategy/canary/roleAcknowledgement", json!({"timeout": 40}));
    }
    if setting.roles {
        wanted = wanted
            .active_labels(&[("role", "active"), ("queue", "production")])
            .preview_labels(&[("role", "preview")]);
    }
    wanted.manifest()
}
