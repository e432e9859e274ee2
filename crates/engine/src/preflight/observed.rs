//! Inputs from the objects that plans are made from.

use std::collections::BTreeSet;
use std::sync::Arc;

use serin_api::Rollout;
use serin_api::names::Names;
use serin_api::rollout::KIND;
use serin_api::route::{RouteId, RouteKind};

use super::finding::Name;
use super::inputs::{Beyond, Inputs, Known, TemplateAnswer, Wanted};
use super::objects::{RouteShape, Service, Workload};
use crate::observe::Objects;

/// Of the objects that are watched, what preflight asks about. While it is the same, so is what preflight says.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    pub generation: i64,
    pub services: Known<Arc<Service>>,
    pub routes: Known<Arc<RouteShape>>,
    pub unserved_kinds: BTreeSet<RouteKind>,
    pub template: TemplateAnswer,
    pub refusals: Vec<String>,
}

impl Visible {
    /// What the objects show.
    pub fn of(objects: &Objects, template: TemplateAnswer, refusals: Vec<String>) -> Self {
        let namespace = namespace(&objects.rollout);
        let services = objects.services.iter().map(|(name, service)| {
            let of = Service::new(service.selector.clone(), service.shape.clone());
            (Name::new("Service", namespace, &**name), Arc::new(of))
        });
        let routes = objects.routes.iter().map(|(RouteId { kind, namespace, name }, route)| {
            (Name::new(kind.kind(), &**namespace, &**name), Arc::clone(&route.shape))
        });
        let is_unserved = |kind: &RouteKind| !objects.route_versions.contains_key(kind);
        Self {
            generation: objects.rollout.metadata.generation.unwrap_or(0),
            services: Known::all(services),
            routes: Known::all(routes),
            unserved_kinds: RouteKind::ALL.into_iter().filter(is_unserved).collect(),
            template,
            refusals,
        }
    }

    /// What has to be read beside it.
    pub fn wanted(&self, rollout: &Rollout) -> Wanted {
        let routes = self.routes.found.iter().map(|(name, route)| (&*name.namespace, &**route));
        Wanted::of(namespace(rollout), routes)
    }

    /// Everything together. `others` may be any Rollouts.
    pub fn inputs(
        self,
        rollout: &Arc<Rollout>,
        names: &Names,
        others: &[Arc<Rollout>],
        beyond: Arc<Beyond>,
    ) -> Inputs {
        let is_other = |other: &&Arc<Rollout>| {
            namespace(other) == namespace(rollout) && other.metadata.name != rollout.metadata.name
        };
        let workload = |other: &Arc<Rollout>| {
            let name = other.metadata.name.clone().unwrap_or_default();
            (Name::new(KIND, namespace(other), name), Workload::rollout(other, rollout))
        };
        Inputs {
            rollout: Arc::clone(rollout),
            unserved: Vec::new(),
            api_version: names.api_version(),
            services: self.services,
            routes: self.routes,
            unserved_kinds: self.unserved_kinds,
            others: others.iter().filter(is_other).map(workload).collect(),
            template: self.template,
            refusals: self.refusals,
            beyond,
        }
    }
}

fn namespace(rollout: &Rollout) -> &str {
    rollout.metadata.namespace.as_deref().unwrap_or_default()
}
