//! All routes of a Rollout: they say one thing together.

use crate::action::Action;
use crate::drift::Drift;

use super::{Inexpressible, PairWeights, RouteView};

/// The managed routes. What is missing carries nothing, and counts as done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteSet(pub Vec<RouteView>);

/// New weights for one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteChange<'r> {
    pub route: &'r RouteView,
    pub pairs: Vec<PairWeights>,
}

impl RouteSet {
    /// Whether every route exists.
    pub fn all_found(&self) -> bool {
        self.0.iter().all(|route| route.found)
    }

    /// Whether there is a route at all.
    pub fn any_found(&self) -> bool {
        self.0.iter().any(|route| route.found)
    }

    /// Whether a rule holds both Services.
    pub fn holds_pairs(&self) -> bool {
        self.0.iter().any(|route| !route.pairs.is_empty())
    }

    /// The canary Service gets nothing, from none.
    pub fn canary_is_zero(&self) -> bool {
        self.0.iter().all(RouteView::canary_is_zero)
    }

    /// The stable Service gets nothing, from none.
    pub fn stable_is_zero(&self) -> bool {
        self.0.iter().all(RouteView::stable_is_zero)
    }

    /// The canary's share in percent: the largest of all rules of all routes.
    pub fn canary_percent(&self) -> i32 {
        self.0.iter().map(RouteView::canary_percent).max().unwrap_or(0)
    }

    /// Whether every rule of every route carries exactly this share.
    pub fn is_at(&self, percent: i32) -> bool {
        self.0.iter().all(|route| route.is_at(percent))
    }

    /// What has to change for the canary to have `percent` everywhere; empty when it has.
    ///
    /// # Errors
    /// The first route with a rule that cannot express it: then none is changed.
    pub fn changes_for(&self, percent: i32) -> Result<Vec<RouteChange<'_>>, (&RouteView, Inexpressible)> {
        let mut changes = Vec::new();
        for route in &self.0 {
            let pairs = route.changes_for(percent).map_err(|error| (route, error))?;
            if !pairs.is_empty() {
                changes.push(RouteChange { route, pairs });
            }
        }
        Ok(changes)
    }

    /// What has to change for every rule to have the user's own weights back; nothing where those of a rule are not known.
    pub fn restoring(&self) -> Option<Vec<RouteChange<'_>>> {
        let own = |route| Some(RouteChange { route, pairs: RouteView::restoring(route)? });
        let all: Option<Vec<RouteChange<'_>>> = self.0.iter().map(own).collect();
        Some(all?.into_iter().filter(|change| !change.pairs.is_empty()).collect())
    }

    /// Every route has the user's own weights, or gives the canary Service nothing.
    pub fn each_rests(&self) -> bool {
        self.0.iter().all(|route| route.is_at(0) || route.is_restored())
    }

    /// Every rule has the user's own weights.
    pub fn is_restored(&self) -> bool {
        self.0.iter().all(RouteView::is_restored)
    }
}

impl RouteChange<'_> {
    /// The write that makes it, of a Rollout in `namespace`.
    pub fn action(self, namespace: &str, percent: i32, drift: Option<Drift>) -> Action {
        let Self { route, pairs } = self;
        Action::SetWeights {
            route: route.id.clone(),
            version: route.version.clone().unwrap_or_default(),
            subject: route.id.beside(namespace),
            from: route.canary_percent(),
            percent,
            changes: pairs,
            drift,
        }
    }

    /// The canary's share that it gives: the largest of all its rules.
    pub fn canary_percent(&self) -> i32 {
        self.pairs.iter().map(PairWeights::canary_percent).max().unwrap_or(0)
    }
}
