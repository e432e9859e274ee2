//! The weights of the managed route: which two numbers are ours, what they say, and what they should say.

use jiff::Timestamp;
use serin_api::status::OriginalWeights;
use serin_api::validate::{FieldError, Step};

use crate::objects::{Backend, HttpRoute, Parent, Report};

/// The managed route as far as its weights are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    pub name: String,
    pub found: bool,
    pub uid: String,
    pub generation: i64,
    /// The field manager that wrote it last.
    pub writer: Option<String>,
    /// When Serin wrote it last.
    pub written_at: Option<Timestamp>,
    /// What it is attached to, and what is reported of that.
    pub parents: Vec<ParentView>,
    /// The rules that hold both Services.
    pub pairs: Vec<Pair>,
    /// Rules that name one of the Services twice, so that no two numbers are ours.
    pub ambiguous: Vec<usize>,
}

/// A parent of the route, and the reports of its controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentView {
    /// As in `Gateway infra/public`, with the section where one is named.
    pub name: String,
    pub reports: Vec<Report>,
}

impl ParentView {
    fn of(parent: &Parent, namespace: &str, reports: &[Report]) -> Self {
        let whole = |parent: &Parent| Parent {
            namespace: Some(parent.namespace.clone().unwrap_or_else(|| namespace.to_owned())),
            ..parent.clone()
        };
        let own = whole(parent);
        let Parent { kind, name, section, port, .. } = &own;
        let section = section.iter().map(|section| format!(" section {section}"));
        let port = port.iter().map(|port| format!(" port {port}"));
        let place: String = section.chain(port).collect();
        let reports = reports.iter().filter(|report| whole(&report.parent) == own);
        Self {
            name: format!("{kind} {}/{name}{place}", own.namespace.as_deref().unwrap_or_default()),
            reports: reports.cloned().collect(),
        }
    }
}

/// One rule that holds both Services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub rule: usize,
    pub stable: Side,
    pub canary: Side,
    /// The rule holds nothing else, so the pair's sum is ours to choose.
    pub alone: bool,
}

/// One backend of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub index: usize,
    pub backend: Backend,
}

impl Side {
    /// The weight, with the API's default of 1.
    pub fn weight(&self) -> i32 {
        self.backend.weight.unwrap_or(1)
    }
}

/// New weights for one pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairWeights {
    pub pair: Pair,
    pub stable: i32,
    pub canary: i32,
}

/// A share that a rule's sum cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inexpressible {
    pub rule: usize,
    /// The smallest number to multiply the rule's weights by.
    pub factor: i32,
}

impl Pair {
    fn sum(&self) -> i64 {
        i64::from(self.stable.weight()) + i64::from(self.canary.weight())
    }

    /// The canary's share of the pair in percent, rounded up so that any traffic counts; 0 where the pair has none.
    pub fn canary_percent(&self) -> i32 {
        percent_of(self.canary.weight(), self.sum())
    }

    /// The two numbers that give the canary `percent` of the pair.
    ///
    /// # Errors
    /// Other backends fix the pair's sum, and the sum has no such part.
    pub fn weights_for(&self, percent: i32) -> Result<(i32, i32), Inexpressible> {
        let sum = if self.alone { 100 } else { self.sum() };
        let scaled = sum * i64::from(percent);
        if scaled % 100 != 0 {
            let factor = 100 / gcd(scaled, 100);
            return Err(Inexpressible { rule: self.rule, factor: i32::try_from(factor).unwrap_or(100) });
        }
        let canary = scaled / 100;
        let narrow = |weight: i64| i32::try_from(weight).unwrap_or(i32::MAX);
        Ok((narrow(sum - canary), narrow(canary)))
    }
}

impl PairWeights {
    /// The canary's share in percent that these weights give, rounded up.
    pub fn canary_percent(&self) -> i32 {
        percent_of(self.canary, i64::from(self.stable) + i64::from(self.canary))
    }
}

fn percent_of(weight: i32, sum: i64) -> i32 {
    if sum == 0 {
        return 0;
    }
    i32::try_from((i64::from(weight) * 100 + sum - 1) / sum).unwrap_or(100)
}

impl RouteView {
    /// Projects a route onto the two Services.
    pub fn of(name: &str, namespace: &str, route: Option<&HttpRoute>, stable: &str, canary: &str) -> Self {
        let metadata = route.map(|route| &route.metadata);
        let parents = route.into_iter().flat_map(|route| {
            route.parents.iter().map(|parent| ParentView::of(parent, namespace, &route.reports))
        });
        let mut view = Self {
            name: name.to_owned(),
            found: route.is_some(),
            uid: metadata.and_then(|metadata| metadata.uid.clone()).unwrap_or_default(),
            generation: metadata.and_then(|metadata| metadata.generation).unwrap_or(0),
            writer: route.and_then(|route| route.writer.clone()),
            written_at: route.and_then(|route| route.written_at),
            parents: parents.collect(),
            pairs: Vec::new(),
            ambiguous: Vec::new(),
        };
        for (rule, backends) in route.iter().flat_map(|route| route.rules.iter().enumerate()) {
            let sides = |service: &str| -> Vec<Side> {
                let of_service = |backend: &Backend| refers_to(backend, namespace, service);
                let matching = backends.iter().enumerate().filter(|(_, backend)| of_service(backend));
                matching.map(|(index, backend)| Side { index, backend: backend.clone() }).collect()
            };
            match (sides(stable).as_slice(), sides(canary).as_slice()) {
                ([], _) | (_, []) => {}
                ([stable], [canary]) => view.pairs.push(Pair {
                    rule,
                    stable: stable.clone(),
                    canary: canary.clone(),
                    alone: backends.len() == 2,
                }),
                _ => view.ambiguous.push(rule),
            }
        }
        view
    }

    /// The canary Service gets nothing.
    pub fn canary_is_zero(&self) -> bool {
        self.pairs.iter().all(|pair| pair.canary.weight() == 0)
    }

    /// The stable Service gets nothing.
    pub fn stable_is_zero(&self) -> bool {
        self.pairs.iter().all(|pair| pair.stable.weight() == 0)
    }

    /// The canary's share in percent: the largest of all rules.
    pub fn canary_percent(&self) -> i32 {
        self.pairs.iter().map(Pair::canary_percent).max().unwrap_or(0)
    }

    /// Whether every rule carries exactly this share.
    pub fn is_at(&self, percent: i32) -> bool {
        self.changes_for(percent).is_ok_and(|changes| changes.is_empty())
    }

    /// What has to change for the canary to have `percent` everywhere; empty when it has.
    ///
    /// # Errors
    /// The first rule that cannot express it.
    pub fn changes_for(&self, percent: i32) -> Result<Vec<PairWeights>, Inexpressible> {
        let mut changes = Vec::new();
        for pair in &self.pairs {
            let (stable, canary) = pair.weights_for(percent)?;
            let unchanged = pair.stable.weight() == stable && pair.canary.weight() == canary;
            // A pair that other backends leave nothing (0 and 0) has no share to move.
            if !unchanged {
                changes.push(PairWeights { pair: pair.clone(), stable, canary });
            }
        }
        Ok(changes)
    }

    /// What has to change for every rule to have the user's own weights back; nothing where those of a rule are not known.
    pub fn restoring(&self, original: &[OriginalWeights]) -> Option<Vec<PairWeights>> {
        let own = |pair: &Pair| {
            let known = original.iter().find(|own| usize::try_from(own.rule) == Ok(pair.rule))?;
            Some(PairWeights { pair: pair.clone(), stable: known.stable, canary: known.canary })
        };
        let all: Option<Vec<PairWeights>> = self.pairs.iter().map(own).collect();
        let differs = |own: &PairWeights| {
            own.pair.stable.weight() != own.stable || own.pair.canary.weight() != own.canary
        };
        Some(all?.into_iter().filter(differs).collect())
    }

    /// The user's own weights, to be recorded before the first write.
    pub fn original_weights(&self) -> Vec<OriginalWeights> {
        let original = |pair: &Pair| OriginalWeights {
            rule: i32::try_from(pair.rule).unwrap_or(i32::MAX),
            stable: pair.stable.weight(),
            canary: pair.canary.weight(),
        };
        self.pairs.iter().map(original).collect()
    }

    /// The weights at which the canary Service has no share, in place of the user's own where those are not known.
    pub fn rest_weights(&self) -> Vec<OriginalWeights> {
        let at_rest = |(own, pair): (OriginalWeights, &Pair)| match pair.weights_for(0) {
            Ok((stable, canary)) => OriginalWeights { stable, canary, ..own },
            Err(_) => own,
        };
        self.original_weights().into_iter().zip(&self.pairs).map(at_rest).collect()
    }

    /// Why the route cannot carry the steps, as errors on the field that names it.
    pub fn errors(&self, at: &str, stable: &str, canary: &str, steps: &[Step]) -> Vec<FieldError> {
        let name = &self.name;
        if !self.found {
            return vec![FieldError::new(
                at,
                format!("HTTPRoute {name:?} not found: create it, or name another one"),
            )];
        }
        if let Some(rule) = self.ambiguous.first() {
            let problem = format!(
                "rule {rule} of HTTPRoute {name:?} names {stable:?} or {canary:?} more than once: keep one each"
            );
            return vec![FieldError::new(at, problem)];
        }
        if self.pairs.is_empty() {
            let problem = format!(
                "no rule of HTTPRoute {name:?} holds both Services {stable:?} and {canary:?} as backendRefs: add them to one rule"
            );
            return vec![FieldError::new(at, problem)];
        }
        let mut errors = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let Step::SetWeight(percent) = step else { continue };
            if let Some(error) = self.pairs.iter().find_map(|pair| pair.weights_for(*percent).err()) {
                let Inexpressible { rule, factor } = error;
                errors.push(FieldError::new(
                    format!("spec.strategy.canary.steps[{index}].setWeight"),
                    format!(
                        "rule {rule} of HTTPRoute {name:?} has other backends, and the pair's weights there cannot express \
                         {percent} percent: multiply all weights of that rule by {factor}"
                    ),
                ));
            }
        }
        errors
    }
}

fn refers_to(backend: &Backend, namespace: &str, service: &str) -> bool {
    backend.name == service
        && backend.group.as_deref().unwrap_or_default().is_empty()
        && backend.kind.as_deref().unwrap_or("Service") == "Service"
        && backend.namespace.as_deref().unwrap_or(namespace) == namespace
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(weights: &[(&str, Option<i32>)]) -> RouteView {
        let backend = |(name, weight): &(&str, Option<i32>)| Backend {
            name: (*name).to_owned(),
            weight: *weight,
            ..Backend::default()
        };
        let route = HttpRoute { rules: vec![weights.iter().map(backend).collect()], ..HttpRoute::default() };
        RouteView::of("route", "ns", Some(&route), "stable", "canary")
    }

    #[test]
    fn a_rule_of_the_pair_alone_gets_hundredths_whatever_it_held() {
        for before in [None, Some(1), Some(7)] {
            let changes = route(&[("stable", before), ("canary", before)]).changes_for(10).unwrap();
            assert_eq!((changes[0].stable, changes[0].canary), (90, 10));
        }
    }

    #[test]
    fn a_rule_with_other_backends_keeps_the_sum_of_the_pair() {
        let route = route(&[("stable", Some(40)), ("other", Some(30)), ("canary", Some(0))]);
        let changes = route.changes_for(10).unwrap();
        assert_eq!((changes[0].stable, changes[0].canary), (36, 4));
    }

    #[test]
    fn a_share_that_the_sum_cannot_express_names_the_smallest_factor() {
        let route = route(&[("stable", None), ("canary", None), ("other", None)]);
        for (percent, factor) in [(10, 5), (25, 2), (50, 1), (1, 50), (33, 50)] {
            match route.changes_for(percent) {
                Ok(_) => assert_eq!(factor, 1, "{percent}"),
                Err(error) => assert_eq!(error.factor, factor, "{percent}"),
            }
        }
    }

    #[test]
    fn nothing_changes_where_the_share_is_already_there() {
        assert!(route(&[("stable", Some(90)), ("canary", Some(10))]).is_at(10));
        assert!(!route(&[("stable", Some(9)), ("canary", Some(1))]).is_at(10), "hundredths are written once");
    }

    #[test]
    fn only_full_references_count() {
        let foreign =
            Backend { name: "canary".into(), namespace: Some("elsewhere".into()), ..Backend::default() };
        let custom = Backend { name: "canary".into(), kind: Some("Bucket".into()), ..Backend::default() };
        for backend in [foreign, custom] {
            let stable = Backend { name: "stable".into(), ..Backend::default() };
            let route = HttpRoute { rules: vec![vec![stable, backend]], ..HttpRoute::default() };
            assert!(RouteView::of("route", "ns", Some(&route), "stable", "canary").pairs.is_empty());
        }
    }
}
