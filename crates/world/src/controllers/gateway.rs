//! A gateway: what it has been told of routes and endpoints, what it says of them, and where it sends requests.
//!
//! It follows the contract of Gateway API. A gateway may take its time, report before its proxies follow, keep the last
//! configuration that it accepted, or report nothing at all; none of this says where requests go.

mod data_plane;
mod report;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::objects::{name, namespace, uid};
use crate::world::{Kind, World};

pub use self::data_plane::{Backend, DataPlane, ServiceName};

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Which generations of a route a gateway accepts. Those that it does not are every so many-th one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepts {
    /// Every one.
    #[default]
    All,
    /// `Accepted` is False for the others, and the last one that was accepted stays in force.
    AllBut(i64),
    /// The others are accepted without their first rule, which stays as it was (`PartiallyInvalid`).
    PartOf(i64),
}

impl Accepts {
    fn whole(self, route: &Value) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(every) | Self::PartOf(every) => generation(route) % every.max(1) != 0,
        }
    }
}

/// What a gateway says of the routes that it has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reports {
    /// Conditions with the generation that they are about.
    #[default]
    Generations,
    /// Conditions that do not say which generation they are about.
    Conditions,
    /// Nothing.
    Nothing,
}

/// How a gateway behaves. By default it does everything in the step that sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How long it takes to report on a route. A report says nothing of the proxies.
    pub reports_after: SignedDuration,
    /// How long it takes until requests follow a change of a route.
    pub routes_after: SignedDuration,
    /// How long it takes until requests follow a change of endpoints.
    pub endpoints_after: SignedDuration,
    pub accepts: Accepts,
    pub reports: Reports,
}

/// The routes of a world, by namespace and name.
type Routes = BTreeMap<(String, String), Arc<Value>>;
/// The pods behind the ready endpoints of each Service, by uid.
type Endpoints = BTreeMap<ServiceName, BTreeSet<String>>;

/// One gateway, the parent of every route.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    manner: Manner,
    /// What was seen and requests do not follow yet, oldest first, each with the time at which it was seen.
    routes: VecDeque<(Timestamp, Routes)>,
    endpoints: VecDeque<(Timestamp, Endpoints)>,
    last_routes: Routes,
    last_endpoints: Endpoints,
    last_services: BTreeSet<ServiceName>,
    /// What was seen and is not reported yet: when, and the route as it was.
    unreported: VecDeque<(Timestamp, Arc<Value>)>,
    /// The version of the world that was last looked at.
    version: Option<u64>,
    data_plane: DataPlane,
}

impl Gateway {
    /// A gateway that has seen nothing yet.
    pub fn new(manner: Manner) -> Self {
        Self { manner, ..Self::default() }
    }

    /// From now on it accepts everything, and looks at all routes once more.
    pub fn accept_everything(&mut self) {
        self.manner.accepts = Accepts::All;
        self.last_routes.clear();
        self.version = None;
    }

    /// Where requests go now.
    pub fn data_plane(&self) -> &DataPlane {
        &self.data_plane
    }

    /// Whether requests follow everything that it has seen, as far as it accepts it.
    pub fn has_caught_up(&self) -> bool {
        self.routes.is_empty() && self.endpoints.is_empty()
    }

    /// When something will happen by nothing but the time that passes.
    pub fn due(&self) -> Option<Timestamp> {
        let report =
            self.unreported.front().and_then(|(seen, _)| seen.checked_add(self.manner.reports_after).ok());
        [report, self.routes_due(), self.endpoints_due()].into_iter().flatten().min()
    }

    fn routes_due(&self) -> Option<Timestamp> {
        self.routes.front()?.0.checked_add(self.manner.routes_after).ok()
    }

    fn endpoints_due(&self) -> Option<Timestamp> {
        self.endpoints.front()?.0.checked_add(self.manner.endpoints_after).ok()
    }

    /// Looks at the world, reports what is due, and lets requests follow the oldest change that is due, one at a time: of
    /// two that are due together, that of endpoints first. Returns whether requests follow a change.
    pub fn step(&mut self, world: &mut World) -> bool {
        self.look(world);
        self.report(world);
        let now = world.now();
        let is_due = |at: &Timestamp| *at <= now;
        let (routes, endpoints) = (self.routes_due().filter(is_due), self.endpoints_due().filter(is_due));
        let is_endpoints = endpoints.is_some_and(|at| routes.is_none_or(|routes| at <= routes));
        if is_endpoints {
            if let Some((_, endpoints)) = self.endpoints.pop_front() {
                self.data_plane.know(endpoints);
            }
        } else if routes.is_some()
            && let Some((_, routes)) = self.routes.pop_front()
        {
            self.data_plane.follow(&routes, self.manner.accepts);
        }
        routes.is_some() || endpoints.is_some()
    }

    fn look(&mut self, world: &World) {
        if self.version == Some(world.version()) {
            return;
        }
        self.version = Some(world.version());
        let routes = routes(world);
        let is_same = |(key, route): (&(String, String), &Arc<Value>)| {
            self.last_routes.get(key).is_some_and(|last| is_same_generation(last, route))
        };
        let services = services(world);
        if services != self.last_services {
            // What was said of backends may be true no longer.
            let unchanged = routes.iter().filter(|entry| is_same(*entry));
            self.unreported.extend(unchanged.map(|(_, route)| (world.now(), Arc::clone(route))));
            self.last_services = services;
        }
        if routes.len() != self.last_routes.len() || !routes.iter().all(is_same) {
            let changed = routes.iter().filter(|entry| !is_same(*entry));
            let changed: Vec<_> = changed.map(|(_, route)| (world.now(), Arc::clone(route))).collect();
            self.unreported.extend(changed);
            self.last_routes.clone_from(&routes);
            self.routes.push_back((world.now(), routes));
        }
        let endpoints = endpoints(world);
        if endpoints != self.last_endpoints {
            self.last_endpoints.clone_from(&endpoints);
            self.endpoints.push_back((world.now(), endpoints));
        }
    }

    fn report(&mut self, world: &mut World) {
        while let Some((seen, route)) = self.unreported.front().cloned() {
            let due = seen.checked_add(self.manner.reports_after).unwrap_or(Timestamp::MAX);
            if due > world.now() {
                return;
            }
            self.unreported.pop_front();
            report::write(world, &route, self.manner);
        }
    }
}

fn generation(route: &Value) -> i64 {
    route["metadata"]["generation"].as_i64().unwrap_or(0)
}

fn is_same_generation(one: &Value, other: &Value) -> bool {
    uid(one) == uid(other) && generation(one) == generation(other)
}

fn routes(world: &World) -> Routes {
    let all = world.all(Kind::HttpRoute).into_iter();
    all.map(|route| ((namespace(&route).to_owned(), name(&route).to_owned()), route)).collect()
}

fn services(world: &World) -> BTreeSet<ServiceName> {
    let all = world.all(Kind::Service).into_iter();
    all.map(|service| ServiceName {
        namespace: namespace(&service).to_owned(),
        name: name(&service).to_owned(),
    })
    .collect()
}

fn endpoints(world: &World) -> Endpoints {
    let mut endpoints = Endpoints::new();
    for slice in world.all(Kind::EndpointSlice) {
        let Some(service) = slice["metadata"]["labels"][SERVICE_NAME].as_str() else { continue };
        let service = ServiceName { namespace: namespace(&slice).to_owned(), name: service.to_owned() };
        let listed = slice["endpoints"].as_array().into_iter().flatten();
        let ready = listed.filter(|endpoint| endpoint["conditions"]["ready"] == true);
        let pods = ready.filter_map(|endpoint| endpoint["targetRef"]["uid"].as_str());
        endpoints.entry(service).or_default().extend(pods.map(str::to_owned));
    }
    endpoints
}
