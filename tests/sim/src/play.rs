//! What each turn does.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use serin_sim::WATCHED;
use serin_testkit::world::Key;
use serin_testkit::{Fault, Kind, Matcher, Request, World};

use crate::judge::Violation;
use crate::setting::steps;
use crate::stage::{HASH, NAME, Stage, image, manifest, route};
use crate::turn::Turn;

const SERVICES: [&str; 2] = ["stable", "canary"];
/// The user that the operator's calls are made as.
const OPERATOR: &str = "serin";

impl Stage {
    /// Lets one thing happen.
    pub fn play(&mut self, turn: Turn) -> Result<(), Violation> {
        let now = self.world.now();
        self.judge.note(|| format!("{now} {turn}"));
        match turn {
            Turn::Operate { steps } => return self.operate(steps),
            Turn::Reconcile => return self.reconcile(),
            Turn::LateCall => return self.late_call(),
            Turn::Fight { times } => return self.fight(times),
            Turn::Crash => self.restart(),
            Turn::TakeOver => self.take_over(),
            Turn::Hear { kind, events } => {
                self.leader.operator.hear(watched(kind), events as usize, &self.world)
            }
            Turn::HearAll => self.leader.operator.hear_all(&self.world),
            Turn::HearAgain { kind, events } => {
                self.leader.operator.hear_again(watched(kind), events as usize, &self.world);
            }
            Turn::LoseWatch { kind } => self.leader.operator.lose_watch(watched(kind)),
            Turn::Compact => self.world.forget_history(),
            Turn::ClockAhead { seconds } => {
                self.leader.operator.set_skew(SignedDuration::from_secs(seconds.into()))
            }
            Turn::ClockBehind { seconds } => {
                self.leader.operator.set_skew(-SignedDuration::from_secs(seconds.into()))
            }
            _ => {
                self.requests.expect(turn, &self.world);
                let takes_time = matches!(turn, Turn::Time { .. });
                if takes_time {
                    if !self.leader.has_heard_of(Kind::EndpointSlice, &self.world) {
                        self.requests.excuse_late_news();
                    }
                    self.judge.look(&self.leader, &self.world);
                }
                self.happen(turn);
                if takes_time {
                    self.judge.look(&self.leader, &self.world);
                }
                return self.send_requests();
            }
        }
        Ok(())
    }

    fn operate(&mut self, steps: u32) -> Result<(), Violation> {
        for _ in 0..steps {
            if self.step()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn fight(&mut self, times: u32) -> Result<(), Violation> {
        for time in 0..times {
            let weights = 1 + time % 2;
            self.play(Turn::ForeignWeights { stable: weights, canary: 3 - weights })?;
            self.leader.operator.hear_all(&self.world);
            self.reconcile()?;
        }
        self.play(Turn::Time { seconds: 1 })?;
        self.reconcile()
    }

    /// What others do: the cluster, people, tools.
    fn happen(&mut self, turn: Turn) {
        let Self { world, cluster, setting, .. } = self;
        let fail = |world: &mut World, skip: u32, fault: Fault| {
            world.fail_next(Matcher::writes().by(OPERATOR).skip(skip as usize), fault);
        };
        match turn {
            Turn::Cluster { steps } => {
                for _ in 0..steps {
                    cluster.step(world);
                }
            }
            Turn::ReplicaSets => cluster.replica_sets.step(world),
            Turn::Node => _ = cluster.kubelet.step(world),
            Turn::Slices => _ = cluster.endpoint_slices.step(world),
            Turn::Time { seconds } => world.advance(SignedDuration::from_secs(seconds.into())),
            Turn::Refuse { code, skip } => {
                fail(world, skip, Fault::Status(u16::try_from(code).unwrap_or(500)))
            }
            Turn::LoseAnswer { skip } => fail(world, skip, Fault::LoseAnswer),
            Turn::LoseCall { skip } => fail(world, skip, Fault::DropRequest),
            Turn::Quota { pods } => world.set_pod_quota("default", Some(pods as usize)),
            Turn::NoQuota => world.set_pod_quota("default", None),
            Turn::Unready { pod } => mark(world, cluster, pod, true),
            Turn::Ready { pod } => mark(world, cluster, pod, false),
            Turn::DeletePod { pod } => delete(world, Kind::Pod, nth(world, Kind::Pod, pod), json!({})),
            Turn::ScaleSet { set, pods } => {
                let patch = json!({"spec": {"replicas": pods}});
                merge(world, Kind::ReplicaSet, nth(world, Kind::ReplicaSet, set), patch);
            }
            Turn::DeleteSet { set } => {
                delete(world, Kind::ReplicaSet, nth(world, Kind::ReplicaSet, set), json!({}));
            }
            Turn::ForeignWeights { stable, canary } => {
                let weights = [("0", stable), ("1", canary)].map(|(backend, weight)| {
                    let path = format!("/spec/rules/0/backendRefs/{backend}/weight");
                    json!({"op": "add", "path": path, "value": weight})
                });
                let path = world.path(&Key::new(Kind::HttpRoute, "route"));
                drop(world.request(Request::json_patch(path, json!(weights))));
            }
            Turn::ApplyRoute => {
                merge(world, Kind::HttpRoute, Some("route".into()), json!({"spec": route()["spec"]}))
            }
            Turn::ApplyService { service } => {
                merge(world, Kind::Service, named(service), json!({"spec": {"selector": {HASH: null}}}));
            }
            Turn::DeleteService { service } => delete(world, Kind::Service, named(service), json!({})),
            Turn::CreateService { service } => {
                let name = SERVICES[service as usize % 2];
                drop(world.try_create(serin_testkit::service(name).manifest()));
            }
            Turn::DeleteRoute => delete(world, Kind::HttpRoute, Some("route".into()), json!({})),
            Turn::CreateRoute => drop(world.try_create(route())),
            Turn::DeleteRollout { orphan } => {
                let policy = if orphan == 1 { "Orphan" } else { "Background" };
                delete(world, Kind::Rollout, Some(NAME.into()), json!({"propagationPolicy": policy}));
            }
            Turn::CreateRollout => drop(world.try_create(manifest(setting))),
            turn => self.ask(turn),
        }
    }

    /// What people ask of the operator.
    fn ask(&mut self, turn: Turn) {
        let status = self.rollout()["status"].clone();
        let now = self.world.now();
        let world = &mut self.world;
        match turn {
            Turn::Update { version } => {
                let containers = json!([{"name": "web", "image": image(version)}]);
                spec(world, json!({"template": {"spec": {"containers": containers}}}));
            }
            Turn::FreezeRole => {
                let role = json!({"fieldRef": {"fieldPath": "metadata.labels['role']"}});
                let env = json!([{"name": "ROLE", "valueFrom": role}]);
                let containers = json!([{"name": "web", "image": image(1), "env": env}]);
                spec(world, json!({"template": {"spec": {"containers": containers}}}));
            }
            Turn::MinReady { seconds } => spec(world, json!({"minReadySeconds": seconds})),
            Turn::Rewrite => spec(world, json!({"template": {"spec": {"restartPolicy": "Always"}}})),
            Turn::UpdateInvalid => spec(world, json!({"template": {"spec": {"containers": []}}})),
            Turn::Steps { list } => {
                spec(world, json!({"strategy": {"canary": {"steps": steps(list as usize)}}}))
            }
            Turn::Resume { step } => spec(world, json!({"resume": {"step": step}})),
            Turn::ResumeByStatus => set_status(world, json!({"pauseConditions": null})),
            Turn::ResumeByAnnotation { step } => annotate(world, "serin.dev/resume", &step.to_string()),
            Turn::Skip { step } => set_status(world, json!({"currentStepIndex": step})),
            Turn::Promote => {
                let next = status["currentStepIndex"].as_i64().unwrap_or(0) + 1;
                set_status(world, json!({"pauseConditions": null, "currentStepIndex": next}));
            }
            Turn::PromoteFull => set_status(world, json!({"promoteFull": true})),
            Turn::Abort => set_status(world, json!({"abort": true})),
            Turn::AbortByAnnotation => annotate(world, "serin.dev/abort", "current"),
            Turn::Retry => set_status(world, json!({"abort": false})),
            Turn::Restart => spec(world, json!({"restartAt": seconds(now)})),
            Turn::Pause => spec(world, json!({"paused": true})),
            Turn::Unpause => spec(world, json!({"paused": false})),
            Turn::Scale { replicas } | Turn::Autoscale { replicas } => {
                spec(world, json!({"replicas": replicas}))
            }
            Turn::ApplyRollout => {
                let wanted = manifest(&self.setting);
                let strategy = wanted["spec"]["strategy"].clone();
                spec(world, json!({"strategy": strategy, "paused": null}));
            }
            Turn::WipeStatus => {
                let fields = status.as_object().into_iter().flatten();
                let nulls: Map<String, Value> =
                    fields.map(|(field, _)| (field.clone(), Value::Null)).collect();
                set_status(world, Value::Object(nulls));
            }
            _ => {}
        }
    }
}

fn watched(kind: u32) -> Kind {
    WATCHED[kind as usize % WATCHED.len()]
}

fn named(service: u32) -> Option<String> {
    Some(SERVICES[service as usize % 2].to_owned())
}

/// The name of one of the objects of a kind.
fn nth(world: &World, kind: Kind, index: u32) -> Option<String> {
    let all = world.all(kind);
    let object = all.get(index as usize % all.len().max(1))?;
    object["metadata"]["name"].as_str().map(str::to_owned)
}

fn mark(world: &World, cluster: &mut serin_testkit::Controllers, pod: u32, unready: bool) {
    if let Some(name) = nth(world, Kind::Pod, pod) {
        cluster.kubelet.set_unready(&name, unready);
    }
}

/// People's requests may be refused; that is their affair.
fn merge(world: &mut World, kind: Kind, name: Option<String>, patch: Value) {
    if let Some(name) = name {
        let path = world.path(&Key::new(kind, &name));
        drop(world.request(Request::merge_patch(path, patch)));
    }
}

fn delete(world: &mut World, kind: Kind, name: Option<String>, options: Value) {
    if let Some(name) = name {
        let path = world.path(&Key::new(kind, &name));
        drop(world.request(Request::delete(path, options)));
    }
}

fn spec(world: &mut World, spec: Value) {
    merge(world, Kind::Rollout, Some(NAME.to_owned()), json!({"spec": spec}));
}

fn annotate(world: &mut World, name: &str, value: &str) {
    merge(world, Kind::Rollout, Some(NAME.to_owned()), json!({"metadata": {"annotations": {name: value}}}));
}

fn set_status(world: &mut World, status: Value) {
    let path = format!("{}/status", world.path(&Key::new(Kind::Rollout, NAME)));
    drop(world.request(Request::merge_patch(path, json!({"status": status}))));
}

fn seconds(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
