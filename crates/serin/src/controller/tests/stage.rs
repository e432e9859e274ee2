//! A cluster in which an operator leads. Time is paused: it passes only while everybody waits, and the same for all.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_api::{Names, RolloutApi};
use serin_testkit::builders::RolloutBuilder;
use serin_testkit::world::{Record, Verb};
use serin_testkit::{Controllers, FakeApi, Kind, World, http_route, rollout, service};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::leading::{Setup, lead};
use crate::lease::Claim;
use crate::metrics::Metrics;

/// Who the operator is in the world's log.
pub const USER: &str = "serin";

/// How often the cluster's controllers act.
const BEAT: Duration = Duration::from_millis(50);

/// The longest that anything expected may take, in virtual time.
const PATIENCE: Duration = Duration::from_secs(120);

pub const HASH: &str = "rollouts-pod-template-hash";

/// The Rollout of most tests: 10 %, a pause for a person, 50 %, a second.
pub fn web() -> RolloutBuilder {
    rollout("web").replicas(2).set_weight(10).pause().set_weight(50).pause_for(1)
}

/// A cluster and an operator, both running until this is dropped.
pub struct Stage {
    pub api: FakeApi,
    _tasks: JoinSet<()>,
}

impl Stage {
    /// The objects that a user applies, and an operator that leads without end.
    pub fn open(rollout: RolloutBuilder) -> Self {
        Self::open_with(rollout, Claim::unconditional(), |_| {})
    }

    pub fn open_with(rollout: RolloutBuilder, claim: Claim, prepare: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new();
        world.create(service("stable").manifest());
        world.create(service("canary").manifest());
        world.create(http_route("route").rule(&[("stable", None), ("canary", Some(0))]).manifest());
        world.create(rollout.manifest());
        prepare(&mut world);
        let (api, clock) = (FakeApi::new(world), Clock::starting_at("2030-01-01T00:00:00Z"));
        let names = Arc::new(Names::default());
        let instance = "test".to_owned();
        // Events are told under another name, so that they do not stand in the list of writes.
        let (events, publisher) =
            crate::events::queue(api.client("events"), Arc::clone(&names), clock.clone(), instance);
        let setup = Setup {
            client: api.client(USER),
            claim,
            api: RolloutApi { group: "serin.dev" },
            names,
            namespace: None,
            concurrency: 4,
            events,
            metrics: Metrics::new(),
            clock,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(publisher.run());
        tasks.spawn(run_cluster(api.clone()));
        tasks.spawn(lead(setup, || {}, std::future::pending()));
        Self { api, _tasks: tasks }
    }

    /// A first deploy that has come to rest, with an empty log.
    pub async fn deployed(rollout: RolloutBuilder) -> Self {
        let stage = Self::open(rollout);
        stage.until("the first deploy", is_healthy).await;
        stage.rest().await;
        stage.api.world().take_log();
        stage
    }

    /// A canary that waits at its first pause.
    pub async fn paused(rollout: RolloutBuilder) -> Self {
        let stage = Self::deployed(rollout).await;
        stage.update();
        stage.until("the pause", |world| phase(world) == "Paused").await;
        stage.rest().await;
        stage.api.world().take_log();
        stage
    }

    /// A person applies a new image.
    pub fn update(&self) {
        new_image(&mut self.api.world());
    }

    /// A person resumes the first pause.
    pub fn resume(&self) {
        self.api.world().patch(Kind::Rollout, "web", json!({ "spec": { "resume": { "step": 1 } } }));
    }

    /// Waits for something that must come true, a moment at a time, so that the next line of a test sees it first.
    pub async fn until(&self, what: &str, is_true: impl Fn(&World) -> bool) {
        let begun = Instant::now();
        while !is_true(&self.api.world()) {
            if begun.elapsed() > PATIENCE {
                let status = status(&self.api.world());
                panic!("{what} does not come about: {status:#}\n{:#?}", self.writes());
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until nothing has changed for two seconds.
    pub async fn rest(&self) {
        let begun = Instant::now();
        let mut last = (0, begun);
        while last.1.elapsed() < Duration::from_secs(2) {
            assert!(begun.elapsed() < PATIENCE, "it does not come to rest: {:#?}", self.writes());
            let version = self.api.world().version();
            if version != last.0 {
                last = (version, Instant::now());
            }
            sleep(BEAT).await;
        }
    }

    /// What the operator has written since the log was last taken, dry runs included. ReplicaSets are called by their
    /// revision.
    pub fn writes(&self) -> Vec<String> {
        let world = self.api.world();
        let sets = world.all(Kind::ReplicaSet);
        let records = world.log().iter().filter(|record| record.user == USER && writes(record));
        let named = |text: String| {
            sets.iter().fold(text, |text, set| {
                let revision = set["metadata"]["annotations"]["serin.dev/revision"].as_str().unwrap_or("?");
                text.replace(text_of(&set["metadata"]["name"]), &format!("web-v{revision}"))
            })
        };
        records.map(|record| named(record.to_string())).collect()
    }

    /// How many of the operator's writes begin so.
    pub fn count(&self, beginning: &str) -> usize {
        self.writes().iter().filter(|write| write.starts_with(beginning)).count()
    }
}

async fn run_cluster(api: FakeApi) {
    let (begun, start) = (Instant::now(), api.world().now());
    let mut controllers = Controllers::default();
    loop {
        {
            let mut world = api.world();
            world.set_now(start + SignedDuration::try_from(begun.elapsed()).unwrap());
            controllers.settle(&mut world);
        }
        sleep(BEAT).await;
    }
}

fn writes(record: &Record) -> bool {
    matches!(record.verb, Verb::Create | Verb::Update | Verb::Patch | Verb::Delete)
}

pub fn new_image(world: &mut World) {
    let containers = json!([{ "name": "web", "image": "web:2" }]);
    world.patch(
        Kind::Rollout,
        "web",
        json!({ "spec": { "template": { "spec": { "containers": containers } } } }),
    );
}

pub fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

pub fn status(world: &World) -> Value {
    world.find(Kind::Rollout, "web").map(|rollout| rollout["status"].clone()).unwrap_or_default()
}

pub fn phase(world: &World) -> String {
    text_of(&status(world)["phase"]).to_owned()
}

/// Whether the newest revision is the stable one and status speaks of the newest spec.
pub fn is_healthy(world: &World) -> bool {
    let rollout = world.get(Kind::Rollout, "web");
    phase(world) == "Healthy" && rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"]
}

/// What a Rollout waits for.
pub fn waits(world: &World) -> Vec<String> {
    let waiting = status(world)["waitingFor"].clone();
    waiting.as_array().into_iter().flatten().map(|wait| text_of(&wait["what"]).to_owned()).collect()
}

/// The canary's weight on the route.
pub fn canary_weight(world: &World) -> i64 {
    world.get(Kind::HttpRoute, "route")["spec"]["rules"][0]["backendRefs"][1]["weight"].as_i64().unwrap_or(1)
}

/// The hash that a Service selects.
pub fn selected(world: &World, service: &str) -> String {
    text_of(&world.get(Kind::Service, service)["spec"]["selector"][HASH]).to_owned()
}

/// The name of the ReplicaSet of a revision.
pub fn replica_set(world: &World, revision: &str) -> Option<String> {
    let sets = world.all(Kind::ReplicaSet);
    let set = sets.iter().find(|set| set["metadata"]["annotations"]["serin.dev/revision"] == revision)?;
    Some(text_of(&set["metadata"]["name"]).to_owned())
}
