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

use super::objects::{name, namespace, put, uid};
use crate::world::{Kind, World};

pub use self::data_plane::{Backend, DataPlane, ServiceName};
pub use self::report::{CONTROLLER, Report};

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const USER: &str = "gateway-controller";

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
    /// Every one but those of the routes with this name, as with `AllBut`.
    AllButNamed(&'static str),
}

impl Accepts {
    fn whole(self, route: &Value) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(every) | Self::PartOf(every) => generation(route) % every.max(1) != 0,
            Self::AllButNamed(refused) => name(route) != refused,
        }
    }

    /// Whether what is not accepted whole is not accepted at all.
    fn refuses(self) -> bool {
        matches!(self, Self::AllBut(_) | Self::AllButNamed(_))
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
    /// That the route has no parent, as if no gateway had taken it.
    NoParent,
}

/// How a gateway behaves. By default it does everything in the step that sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// What a gateway asks about a cluster when it reports.
pub trait Surroundings {
    /// Whether there is such a Service.
    fn has_service(&self, service: &ServiceName) -> bool;

    /// Whether a parent that a route of this namespace names is this gateway.
    fn is_gateway(&self, namespace: &str, parent: &Value) -> bool;
}

/// In a world there is one gateway, the parent of every route.
impl Surroundings for World {
    fn has_service(&self, service: &ServiceName) -> bool {
        self.find(Kind::Service, &format!("{}/{}", service.namespace, service.name)).is_some()
    }

    fn is_gateway(&self, _namespace: &str, _parent: &Value) -> bool {
        true
    }
}

/// One gateway: in a world, or fed with what somebody else sees and asked for what it wants to write.
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

    /// From now on it accepts everything, and looks at all routes once more.
    pub fn accept_everything(&mut self) {
        self.manner.accepts = Accepts::All;
        self.last_routes.clear();
        self.version = None;
    }

    /// Behaves otherwise from now on, also with what it has seen already.
    pub fn behave(&mut self, manner: Manner) {
        if manner == self.manner {
            return;
        }
        self.manner = manner;
        let long_ago = Timestamp::UNIX_EPOCH;
        self.unreported.extend(self.last_routes.values().map(|route| (long_ago, Arc::clone(route))));
        self.routes.push_back((long_ago, self.last_routes.clone()));
    }

    /// Looks at the world, reports what is due, and lets requests follow the oldest change that is due. Returns whether
    /// requests follow a change.
    pub fn step(&mut self, world: &mut World) -> bool {
        if self.version != Some(world.version()) {
            self.version = Some(world.version());
            self.look_at_services(services(world), world.now());
            self.look(world.all(Kind::HttpRoute), &world.all(Kind::EndpointSlice), world.now());
        }
        for report in self.reports(world, world.now()) {
            write(world, report);
        }
        self.follow(world.now())
    }

    /// What was said of backends may be true no longer when Services come or go.
    fn look_at_services(&mut self, services: BTreeSet<ServiceName>, now: Timestamp) {
        if services != self.last_services {
            self.last_services = services;
            self.unreported.extend(self.last_routes.values().map(|route| (now, Arc::clone(route))));
        }
    }

    /// Sees all routes that name it, and all EndpointSlices, as they are now.
    pub fn look(&mut self, routes: Vec<Arc<Value>>, slices: &[Arc<Value>], now: Timestamp) {
        let routes = by_name(routes);
        let is_same = |(key, route): (&(String, String), &Arc<Value>)| {
            self.last_routes.get(key).is_some_and(|last| is_same_generation(last, route))
        };
        if routes.len() != self.last_routes.len() || !routes.iter().all(is_same) {
            let changed = routes.iter().filter(|entry| !is_same(*entry));
            let changed: Vec<_> = changed.map(|(_, route)| (now, Arc::clone(route))).collect();
            self.unreported.extend(changed);
            self.last_routes.clone_from(&routes);
            self.routes.push_back((now, routes));
        }
        let endpoints = endpoints(slices);
        if endpoints != self.last_endpoints {
            self.last_endpoints.clone_from(&endpoints);
            self.endpoints.push_back((now, endpoints));
        }
    }

    /// What is due to be written into the status of routes. It is told once.
    pub fn reports(&mut self, around: &impl Surroundings, now: Timestamp) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Some((seen, route)) = self.unreported.front() {
            if seen.checked_add(self.manner.reports_after).unwrap_or(Timestamp::MAX) > now {
                break;
            }
            let parents = report::parents(around, route, self.manner, now);
            let (namespace, name) = (namespace(route).to_owned(), name(route).to_owned());
            let uid = uid(route).to_owned();
            reports.extend(parents.map(|parents| Report { namespace, name, uid, parents }));
            self.unreported.pop_front();
        }
        reports
    }

    /// Lets requests follow the oldest change that is due, one at a time: of two that are due together, that of endpoints
    /// first. Returns whether there was one.
    pub fn follow(&mut self, now: Timestamp) -> bool {
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
}

/// Nothing is written of a route that is gone.
fn write(world: &mut World, report: Report) {
    let present = world.find(Kind::HttpRoute, &format!("{}/{}", report.namespace, report.name));
    let Some(present) = present.filter(|present| uid(present) == report.uid) else { return };
    let mut reported = Value::clone(present);
    reported["status"]["parents"] = Value::Array(report.parents);
    // What somebody else has written meanwhile is reported when it is its turn.
    drop(put(world, USER, Kind::HttpRoute, "/status", reported));
}

fn generation(route: &Value) -> i64 {
    route["metadata"]["generation"].as_i64().unwrap_or(0)
}

fn is_same_generation(one: &Value, other: &Value) -> bool {
    uid(one) == uid(other) && generation(one) == generation(other)
}

fn by_name(routes: Vec<Arc<Value>>) -> Routes {
    let key = |route: &Value| (namespace(route).to_owned(), name(route).to_owned());
    routes.into_iter().map(|route| (key(&route), route)).collect()
}

fn services(world: &World) -> BTreeSet<ServiceName> {
    let all = world.all(Kind::Service).into_iter();
    let service = |service: Arc<Value>| ServiceName {
        namespace: namespace(&service).to_owned(),
        name: name(&service).to_owned(),
    };
    all.map(service).collect()
}

fn endpoints(slices: &[Arc<Value>]) -> Endpoints {
    let mut endpoints = Endpoints::new();
    for slice in slices {
        let Some(service) = slice["metadata"]["labels"][SERVICE_NAME].as_str() else { continue };
        let service = ServiceName { namespace: namespace(slice).to_owned(), name: service.to_owned() };
        let listed = slice["endpoints"].as_array().into_iter().flatten();
        let ready = listed.filter(|endpoint| endpoint["conditions"]["ready"] == true);
        let pods = ready.filter_map(|endpoint| endpoint["targetRef"]["uid"].as_str());
        endpoints.entry(service).or_default().extend(pods.map(str::to_owned));
    }
    endpoints
}
