//! The Rollout that is judged, and what it names.

use std::sync::Arc;

use serde_json::Value;
use serin_api::names::GATEWAY_API_PLUGIN;
use serin_api::rollout::KIND;
use serin_api::route::RouteKind;
use serin_api::spec::{CanaryStrategy, RouteReference};

use super::finding::Name;
use super::inputs::{Inputs, Lookup};
use super::objects::{RouteRule, RouteShape, Service};
use crate::objects::Map;

/// Where the strategy is.
pub const CANARY: &str = "spec.strategy.canary";

/// A Rollout and its inputs.
pub struct Subject<'i> {
    pub inputs: &'i Inputs,
    pub name: Name,
    /// Nothing where it cannot be read, which is a finding of its own.
    pub strategy: Option<&'i CanaryStrategy>,
    pub replicas: i32,
    pub template: Value,
    /// Of the template.
    pub labels: Map,
    pub routes: Vec<NamedRoute>,
}

/// A route that the Rollout names.
pub struct NamedRoute {
    /// The field that names it.
    pub field: String,
    pub kind: RouteKind,
    pub name: Name,
    /// The names of the rules that are meant; every one where there is none.
    pub rules: Vec<String>,
}

impl NamedRoute {
    /// Whether a rule is one whose weights may be written.
    pub fn means(&self, rule: &RouteRule) -> bool {
        self.rules.is_empty() || rule.name.as_ref().is_some_and(|name| self.rules.contains(name))
    }
}

impl<'i> Subject<'i> {
    pub fn of(inputs: &'i Inputs) -> Self {
        let rollout = &inputs.rollout;
        let metadata = &rollout.metadata;
        let namespace = metadata.namespace.clone().unwrap_or_default();
        let strategy = rollout.spec.strategy.valid().and_then(|strategy| strategy.canary.as_ref());
        let template = rollout.spec.template.value();
        let labels = super::objects::labels_of(&template);
        Self {
            routes: strategy.map(|strategy| routes_of(strategy, &namespace)).unwrap_or_default(),
            name: Name::new(KIND, namespace, metadata.name.clone().unwrap_or_default()),
            inputs,
            strategy,
            replicas: rollout.spec.replicas.unwrap_or(1).max(0),
            template,
            labels,
        }
    }

    /// An object of a namespaced kind beside the Rollout.
    pub fn beside(&self, kind: &str, name: &str) -> Name {
        Name::new(kind, &*self.name.namespace, name)
    }

    /// The Services by the fields that name them, the stable one first; none that has no name.
    pub fn services(&self) -> Vec<(&'static str, &'i str)> {
        let Some(strategy) = self.strategy else { return Vec::new() };
        let named =
            [("stableService", &*strategy.stable_service), ("canaryService", &*strategy.canary_service)];
        named.into_iter().filter(|(_, name)| !name.is_empty()).collect()
    }

    /// Both Services, if there are two.
    pub fn pair(&self) -> Option<[&'i str; 2]> {
        let strategy = self.strategy?;
        let pair = [&*strategy.stable_service, &*strategy.canary_service];
        let [stable, canary] = pair;
        (!stable.is_empty() && !canary.is_empty() && stable != canary).then_some(pair)
    }

    /// A Service that exists.
    pub fn service(&self, name: &str) -> Option<&'i Arc<Service>> {
        match self.inputs.services.get(&self.beside("Service", name)) {
            Lookup::Found(service) => Some(service),
            _ => None,
        }
    }

    /// The routes that exist.
    pub fn found_routes(&self) -> impl Iterator<Item = (&NamedRoute, &'i RouteShape)> {
        self.routes.iter().filter_map(|named| match self.inputs.routes.get(&named.name) {
            Lookup::Found(route) => Some((named, &**route)),
            _ => None,
        })
    }

    /// The rules whose weights are written, each with its route and place.
    pub fn managed_rules(&self) -> Vec<(&NamedRoute, usize, &'i RouteRule)> {
        let Some(pair) = self.pair() else { return Vec::new() };
        let mut rules = Vec::new();
        for (named, route) in self.found_routes() {
            let found = route.pairs(&named.name.namespace, &self.name.namespace, pair);
            let meant = found.filter(|(_, rule)| named.means(rule));
            rules.extend(meant.map(|(place, rule)| (named, place, rule)));
        }
        rules
    }
}

/// Every route that the strategy names.
pub fn routes_of(strategy: &CanaryStrategy, namespace: &str) -> Vec<NamedRoute> {
    let Some(routing) = &strategy.traffic_routing else { return Vec::new() };
    let own = routing.gateway_api.iter().map(|routing| ("gatewayAPI".to_owned(), routing));
    let plugins = routing.plugins.iter().flatten().filter(|(name, _)| *name == GATEWAY_API_PLUGIN);
    let plugins = plugins.map(|(name, routing)| (format!("plugins[{name:?}]"), routing));
    let mut routes: Vec<NamedRoute> = Vec::new();
    for (at, routing) in own.chain(plugins) {
        let beside = routing.namespace.as_deref().unwrap_or(namespace);
        for (field, kind, RouteReference { name, namespace, rule }) in routing.named() {
            let name = Name::new(kind.kind(), namespace.as_deref().unwrap_or(beside), name);
            match routes.iter_mut().find(|known| known.name == name) {
                Some(known) => known.rules.extend(rule),
                None => routes.push(NamedRoute {
                    field: format!("{CANARY}.trafficRouting.{at}.{field}"),
                    kind,
                    name,
                    rules: rule.into_iter().collect(),
                }),
            }
        }
    }
    routes.retain(|route| !route.name.name.is_empty());
    routes
}
