//! A fake gateway on the real control plane: it watches routes and EndpointSlices, writes the status of routes as a
//! controller does, and sends requests that are simulated to pods that are not.
//!
//! Where requests go, and what is reported, is decided by the gateway of the world in memory
//! ([`serin_testkit::controllers::gateway`]); here it is fed with what the API server tells.

mod board;
pub mod lives;
mod requests;
mod sight;
mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_testkit::controllers::Gateway;
use serin_testkit::controllers::gateway::{CONTROLLER, Report, ServiceName};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::api::{Api, Language, runtime};
use crate::space::Space;

use self::board::Board;
use self::sight::Sight;
use self::watch::Change;

pub use self::requests::Tally;
pub use serin_testkit::controllers::gateway::{Accepts, Manner, Reports};

/// The name of the Gateway that routes name as their parent: that of the tests' manifests.
pub const NAME: &str = "eg";

/// How often requests are sent. Those of one moment meet the same pods.
const MOMENT: Duration = Duration::from_millis(5);

/// The controller and the proxies of one Gateway. They end with this value.
pub struct FakeGateway {
    api: Api,
    board: Arc<Board>,
    tasks: Vec<AbortHandle>,
}

impl FakeGateway {
    /// Creates the Gateway in a namespace, and starts what makes it one.
    pub fn start(space: &Space, manner: Manner) -> Self {
        let api = space.api();
        let class = format!("fake-{}", space.namespace);
        create(&api, &class);
        let board = Arc::new(Board::new(manner));
        let (tell, told) = unbounded_channel();
        let (report, reports) = unbounded_channel();
        let mut tasks = Vec::new();
        for kind in watch::KINDS {
            tasks.push(runtime().spawn(watch::follow(api.clone(), kind, tell.clone())).abort_handle());
        }
        tasks.push(runtime().spawn(write(api.clone(), reports, Arc::clone(&board))).abort_handle());
        tasks.push(runtime().spawn(run(class, told, report, Arc::clone(&board))).abort_handle());
        Self { api, board, tasks }
    }

    /// Behaves otherwise from now on: slower, or silent although it is alive.
    pub fn behave(&self, manner: Manner) {
        self.board.behave(manner);
    }

    /// From now on sends so many requests a second through all rules of all routes, in turn, and counts from none.
    pub fn send(&self, requests_per_second: u32) {
        self.board.with(|state| state.requests.start(requests_per_second, Timestamp::now()));
    }

    /// What became of the requests, by the names of the routes.
    pub fn tallies(&self) -> BTreeMap<String, Tally> {
        self.board.with(|state| state.requests.tallies().clone())
    }

    /// What became of the requests through one route.
    pub fn tally(&self, route: &str) -> Tally {
        self.tallies().remove(route).unwrap_or_default()
    }

    /// The first requests that failed, in words.
    pub fn failures(&self) -> Vec<String> {
        self.board.with(|state| state.requests.failures().to_vec())
    }

    /// The weights by which requests through a route go to the backends of its rules.
    pub fn weights(&self, route: &str) -> Vec<Vec<i64>> {
        self.board.with(|state| {
            let rules = state.data_plane.rules().filter(|((_, name), _)| name == route);
            rules.map(|(_, rule)| rule.iter().map(|backend| backend.weight).collect()).collect()
        })
    }

    /// How many pods requests for a Service go to.
    pub fn pods(&self, service: &str) -> usize {
        let service = ServiceName { namespace: self.api.namespace.clone(), name: service.to_owned() };
        self.board.with(|state| state.data_plane.pods(&service).count())
    }

    /// Whether requests follow everything that it has seen.
    pub fn has_caught_up(&self) -> bool {
        self.board.with(|state| state.has_caught_up)
    }

    /// How many reports it has made: each is counted before anybody can see it.
    pub fn reports(&self) -> usize {
        self.board.with(|state| state.reports)
    }

    /// Stops the test if a request has failed, or fewer were sent than it is about.
    pub fn expect_no_failure(&self, space: &Space, at_least: u64) {
        let tallies = self.tallies();
        let sent: u64 = tallies.values().map(|tally| tally.sent).sum();
        let failed: u64 = tallies.values().map(|tally| tally.failed).sum();
        eprintln!("{}: {sent} simulated requests, {failed} failed: {tallies:?}", space.namespace);
        if failed > 0 {
            space.fail(&format!("{failed} of {sent} requests failed:\n{}", self.failures().join("\n")));
        }
        if let Some(trouble) = self.board.with(|state| state.trouble.clone()) {
            space.fail(&format!("the fake gateway itself is in trouble: {trouble}"));
        }
        assert!(sent >= at_least, "only {sent} requests of {at_least} were sent");
    }
}

impl Drop for FakeGateway {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

fn create(api: &Api, class: &str) {
    let group = "gateway.networking.k8s.io/v1";
    let objects = [
        (
            "gatewayclasses",
            json!({
                "apiVersion": group, "kind": "GatewayClass", "metadata": {"name": class},
                "spec": {"controllerName": CONTROLLER},
            }),
        ),
        (
            "gateways",
            json!({
                "apiVersion": group, "kind": "Gateway", "metadata": {"name": NAME},
                "spec": {
                    "gatewayClassName": class,
                    "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}],
                },
            }),
        ),
    ];
    for (kind, object) in objects {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let created = api.create(kind, &object).unwrap_or_else(|refusal| panic!("{kind}: {refusal:?}"));
        let condition = |kind: &str| {
            json!({
                "type": kind, "status": "True", "reason": kind, "message": "",
                "observedGeneration": created["metadata"]["generation"],
                "lastTransitionTime": created["metadata"]["creationTimestamp"],
            })
        };
        let conditions = match kind {
            "gateways" => json!([condition("Accepted"), condition("Programmed")]),
            _ => json!([condition("Accepted")]),
        };
        let status = json!({"status": {"conditions": conditions}});
        api.patch(kind, &format!("{name}/status"), Language::Merge, &status)
            .unwrap_or_else(|refusal| panic!("{kind}/status: {refusal:?}"));
    }
}

/// Sees changes, hands over reports, lets requests follow, and sends them.
async fn run(
    class: String,
    mut told: UnboundedReceiver<Change>,
    report: UnboundedSender<Report>,
    board: Arc<Board>,
) {
    let (mut gateway, mut sight) = (Gateway::new(board.manner()), Sight::new(class));
    let mut moments = interval(MOMENT);
    moments.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let first = tokio::select! {
            change = told.recv() => match change {
                Some(change) => Some(change),
                None => return,
            },
            _ = moments.tick() => None,
        };
        let now = Timestamp::now();
        // Requests of the time before meet what was there before.
        board.send(now, &gateway, &sight);
        gateway.behave(board.manner());
        let mut changed = false;
        let mut next = first;
        while let Some(change) = next {
            changed |= sight.undergo(change);
            next = told.try_recv().ok();
        }
        if changed && sight.is_complete() {
            gateway.look(sight.routes(), &sight.slices(), now);
        }
        for due in gateway.reports(&sight, now) {
            board.with(|state| state.reports += 1);
            // The writer lives as long as this.
            let _ = report.send(due);
        }
        while gateway.follow(now) {
            changed = true;
        }
        if changed {
            board.show(&gateway);
        }
    }
}

/// Writes reports, one after the other.
async fn write(api: Api, mut reports: UnboundedReceiver<Report>, board: Arc<Board>) {
    while let Some(report) = reports.recv().await {
        let path = api.path("httproutes", &format!("{}/status?fieldManager=fake-gateway", report.name));
        let status: Value = json!({"status": {"parents": report.parents}});
        let written = api.patched(&path, Language::Merge, &status).await;
        if let Err(refusal) = written
            && refusal.code != 404
        {
            board.with(|state| {
                state.trouble.get_or_insert(format!("report on {}: {refusal:?}", report.name));
            });
        }
    }
}
