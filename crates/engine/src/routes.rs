//! The weights of a managed route: which two numbers are ours, what they say, and what they should say.
//!
//! All of them together are a [`RouteSet`].

mod set;

use jiff::Timestamp;
use serin_api::route::RouteId;
use serin_api::status::OriginalWeights;
use serin_api::validate::{FieldError, Step};

use crate::objects::{Backend, Parent, Report, Route, Rule};

pub use set::{RouteChange, RouteSet};

/// A managed route as far as its weights are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    pub id: RouteId,
    /// The names of the rules that are meant; every one that holds both Services where there is none.
    pub only: Vec<String>,
    /// The version of the API that it is read and written at; nothing where its kind is not served.
    pub version: Option<String>,
    /// The user's own weights, as far as they are recorded.
    pub original: Vec<OriginalWeights>,
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
    /// The rule's name, where it is meant by that.
    pub name: Option<String>,
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

/// What a route is looked at for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'w> {
    pub id: &'w RouteId,
    pub rules: &'w [String],
    pub original: &'w [OriginalWeights],
    /// The namespace of both Services.
    pub namespace: &'w str,
    pub stable: &'w str,
    pub canary: &'w str,
}

impl RouteView {
    /// Projects a route onto the two Services.
    pub fn of(wanted: Wanted<'_>, version: Option<&str>, route: Option<&Route>) -> Self {
        let metadata = route.map(|route| &route.metadata);
        let own = &*wanted.id.namespace;
        let parents = route
            .into_iter()
            .flat_map(|route| route.parents.iter().map(|parent| ParentView::of(parent, own, &route.reports)));
        let mut view = Self {
            id: wanted.id.clone(),
            only: wanted.rules.to_vec(),
            version: version.map(str::to_owned),
            original: wanted.original.to_vec(),
            found: route.is_some(),
            uid: metadata.and_then(|metadata| metadata.uid.clone()).unwrap_or_default(),
            generation: metadata.and_then(|metadata| metadata.generation).unwrap_or(0),
            writer: route.and_then(|route| route.writer.clone()),
            written_at: route.and_then(|route| route.written_at),
            parents: parents.collect(),
            pairs: Vec::new(),
            ambiguous: Vec::new(),
        };
        let is_meant = |rule: &Rule| {
            wanted.rules.is_empty() || rule.name.as_ref().is_some_and(|name| wanted.rules.contains(name))
        };
        let rules = route.iter().flat_map(|route| route.rules.iter().enumerate());
        for (rule, Rule { name, backends }) in rules.filter(|(_, rule)| is_meant(rule)) {
            let sides = |service: &str| -> Vec<Side> {
                let of_service = |backend: &Backend| refers_to(backend, own, wanted.namespace, service);
                let matching = backends.iter().enumerate().filter(|(_, backend)| of_service(backend));
                matching.map(|(index, backend)| Side { index, backend: backend.clone() }).collect()
            };
            match (sides(wanted.stable).as_slice(), sides(wanted.canary).as_slice()) {
                ([], _) | (_, []) => {}
                ([stable], [canary]) => view.pairs.push(Pair {
                    rule,
                    name: name.clone().filter(|_| !wanted.rules.is_empty()),
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
    pub fn restoring(&self) -> Option<Vec<PairWeights>> {
        let own = |pair: &Pair| {
            let known = self.original.iter().find(|own| usize::try_from(own.rule) == Ok(pair.rule))?;
            Some(PairWeights { pair: pair.clone(), stable: known.stable, canary: known.canary })
        };
        let all: Option<Vec<PairWeights>> = self.pairs.iter().map(own).collect();
        let differs = |own: &PairWeights| {
            own.pair.stable.weight() != own.stable || own.pair.canary.weight() != own.canary
        };
        Some(all?.into_iter().filter(differs).collect())
    }

    /// Every rule has the user's own weights.
    pub fn is_restored(&self) -> bool {
        self.restoring().is_some_and(|changes| changes.is_empty())
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
    pub fn errors(
        &self,
        at: &str,
        namespace: &str,
        [stable, canary]: [&str; 2],
        steps: &[Step],
    ) -> Vec<FieldError> {
        let route = self.described();
        let kind = self.id.kind.kind();
        if self.version.is_none() {
            let problem = format!(
                "the API server does not know {kind}s, or does not let Serin list them: install the Gateway API CRDs that \
                 have them"
            );
            return vec![FieldError::new(at, problem)];
        }
        if !self.found {
            let problem = if self.id.namespace == namespace {
                format!("{route} not found: create it, or name another one")
            } else {
                format!(
                    "{route} not found in namespace {:?}: create it, or name another one (an operator that watches one \
                     namespace sees the routes of no other)",
                    self.id.namespace
                )
            };
            return vec![FieldError::new(at, problem)];
        }
        if let Some(rule) = self.ambiguous.first() {
            let problem = format!(
                "rule {rule} of {route} names {stable:?} or {canary:?} more than once: keep one each"
            );
            return vec![FieldError::new(at, problem)];
        }
        let is_there = |name: &&String| self.pairs.iter().any(|pair| pair.name.as_ref() == Some(*name));
        if let Some(name) = self.only.iter().find(|name| !is_there(name)) {
            let problem = format!(
                "{route} has no rule named {name:?} that holds both Services {stable:?} and {canary:?} as backendRefs: \
                 name that rule so, and add them to it"
            );
            return vec![FieldError::new(at, problem)];
        }
        if self.pairs.is_empty() {
            let problem = format!(
                "no rule of {route} holds both Services {stable:?} and {canary:?} as backendRefs: add them to one rule"
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
                        "rule {rule} of {route} has other backends, and the pair's weights there cannot express \
                         {percent} percent: multiply all weights of that rule by {factor}"
                    ),
                ));
            }
        }
        errors
    }

    /// The route in a sentence of an error.
    fn described(&self) -> String {
        let RouteId { kind, name, .. } = &self.id;
        format!("{} {name:?}", kind.kind())
    }
}

/// Whether a backend in a route of the namespace `own` is this Service.
fn refers_to(backend: &Backend, own: &str, namespace: &str, service: &str) -> bool {
    backend.name == service
        && backend.group.as_deref().unwrap_or_default().is_empty()
        && backend.kind.as_deref().unwrap_or("Service") == "Service"
        && backend.namespace.as_deref().unwrap_or(own) == namespace
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serin_api::route::RouteKind;

    fn route(weights: &[(&str, Option<i32>)]) -> RouteView {
        let backend = |(name, weight): &(&str, Option<i32>)| Backend {
            name: (*name).to_owned(),
            weight: *weight,
            ..Backend::default()
        };
        view(vec![Rule { name: None, backends: weights.iter().map(backend).collect() }], &[])
    }

    fn view(rules: Vec<Rule>, only: &[String]) -> RouteView {
        let id = RouteId { kind: RouteKind::Http, namespace: "ns".into(), name: "route".into() };
        let (stable, canary) = ("stable", "canary");
        let wanted = Wanted { id: &id, rules: only, original: &[], namespace: "ns", stable, canary };
        RouteView::of(wanted, Some("v1"), Some(&Route { rules, ..Route::default() }))
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
            let rule = Rule { name: None, backends: vec![stable, backend] };
            assert!(view(vec![rule], &[]).pairs.is_empty());
        }
    }

    #[test]
    fn a_named_rule_is_the_only_one_that_is_meant() {
        let backend = |name: &str| Backend { name: name.into(), ..Backend::default() };
        let rule = |name: Option<&str>| Rule {
            name: name.map(str::to_owned),
            backends: vec![backend("stable"), backend("canary")],
        };
        let rules = || vec![rule(None), rule(Some("api")), rule(Some("web"))];
        let meant = |only: &[String]| -> Vec<usize> {
            view(rules(), only).pairs.into_iter().map(|pair| pair.rule).collect()
        };
        assert_eq!(meant(&[]), [0, 1, 2]);
        assert_eq!(meant(&["web".into()]), [2]);
        let lacking = view(rules(), &["web".into(), "other".into()]);
        let errors = lacking.errors("at", "ns", ["stable", "canary"], &[]);
        assert!(errors[0].problem.contains("has no rule named \"other\""), "{errors:?}");
    }
}
