//! What preflight is judged by: objects cut down to what it asks about, and for each kind whether all of them are known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serin_api::Rollout;
use serin_api::route::RouteKind;
use serin_api::validate::FieldError;

use super::finding::Name;
use super::objects::{Autoscaler, Budget, Gateway, GatewayClass, Grant, RouteShape, Service, Workload};

/// Objects of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Known<T> {
    pub found: BTreeMap<Name, T>,
    /// Why there may be others; nothing where these are all.
    pub unseen: Option<String>,
}

/// One object of a kind, as far as it is known.
pub enum Lookup<'a, T> {
    Found(&'a T),
    Missing,
    /// Nobody could look, with the reason.
    Unseen(&'a str),
}

impl<T> Known<T> {
    /// All objects of the kind.
    pub fn all(found: impl IntoIterator<Item = (Name, T)>) -> Self {
        Self { found: found.into_iter().collect(), unseen: None }
    }

    /// None of them could be read.
    pub fn unseen(why: impl Into<String>) -> Self {
        Self { found: BTreeMap::new(), unseen: Some(why.into()) }
    }

    /// Looks one of them up.
    pub fn get(&self, name: &Name) -> Lookup<'_, T> {
        match (self.found.get(name), &self.unseen) {
            (Some(found), _) => Lookup::Found(found),
            (None, None) => Lookup::Missing,
            (None, Some(why)) => Lookup::Unseen(why),
        }
    }
}

/// Everything that preflight is judged by.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub rollout: Arc<Rollout>,
    /// Fields of its manifest that are known and not served. In a cluster there are none.
    pub unserved: Vec<FieldError>,
    /// The `apiVersion` of the Rollouts that are served.
    pub api_version: String,
    pub services: Known<Arc<Service>>,
    pub routes: Known<Arc<RouteShape>>,
    /// The API server does not know the kind of a route.
    pub unserved_kinds: BTreeSet<RouteKind>,
    /// The other Rollouts of the namespace.
    pub others: Vec<(Name, Workload)>,
    pub template: TemplateAnswer,
    /// What the API server has refused the operator, in its own words.
    pub refusals: Vec<String>,
    pub beyond: Arc<Beyond>,
}

/// What the API server says of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateAnswer {
    Taken,
    /// With its words.
    Refused(String),
    /// It was not asked, with the reason.
    Unseen(String),
}

/// What no plan asks about and nobody watches: read for preflight alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Beyond {
    pub gateways: Known<Gateway>,
    pub classes: Known<GatewayClass>,
    /// Of the namespaces into which a route reaches.
    pub grants: Known<Grant>,
    pub budgets: Known<Budget>,
    pub autoscalers: Known<Autoscaler>,
    pub deployments: Known<Workload>,
}

impl Beyond {
    /// Nothing of it could be read.
    pub fn unseen(why: &str) -> Self {
        Self {
            gateways: Known::unseen(why),
            classes: Known::unseen(why),
            grants: Known::unseen(why),
            budgets: Known::unseen(why),
            autoscalers: Known::unseen(why),
            deployments: Known::unseen(why),
        }
    }
}

/// What has to be read to know the rest, beside the budgets, autoscalers and Deployments of the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub namespace: String,
    pub gateways: Vec<Name>,
    /// The namespaces whose grants matter.
    pub grants: Vec<String>,
}

impl Wanted {
    /// What the routes of a Rollout lead to.
    pub fn of<'r>(namespace: &str, routes: impl IntoIterator<Item = (&'r str, &'r RouteShape)>) -> Self {
        let mut wanted = Self { namespace: namespace.to_owned(), ..Self::default() };
        for (of_route, route) in routes {
            wanted.gateways.extend(route.parents.iter().filter_map(|parent| parent.gateway(of_route)));
            let backends = route.rules.iter().flat_map(|rule| &rule.backends);
            let elsewhere = backends.filter_map(|backend| backend.namespace.clone());
            wanted.grants.extend(elsewhere.filter(|backend| backend != of_route));
        }
        wanted.gateways.sort();
        wanted.gateways.dedup();
        wanted.grants.sort();
        wanted.grants.dedup();
        wanted
    }
}
