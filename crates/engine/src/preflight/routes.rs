//! The routes that the Rollout names: the pair in their rules, and its weights.

use super::finding::Finding;
use super::inputs::Lookup;
use super::kinds::{
    ROUTE_KIND_UNSERVED, ROUTE_MISSING, ROUTE_NAMES_SERVICE_TWICE, ROUTE_WITHOUT_PAIR, WEIGHT_INEXPRESSIBLE,
};
use super::limits::{Growth, limits};
use super::objects::{RouteRule, RouteShape};
use super::report::Report;
use super::subject::{CANARY, NamedRoute, Subject};
use crate::objects::Backend;
use crate::routes::{Pair, Side};

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    for named in &subject.routes {
        match subject.inputs.routes.get(&named.name) {
            Lookup::Found(route) => {
                pairs(subject, named, route, report);
                // No step adds rules today.
                limits(&named.name, route, Growth::default())
                    .into_iter()
                    .for_each(|finding| report.find(finding));
            }
            Lookup::Unseen(why) => report.unseen(named.name.to_string(), why),
            Lookup::Missing if subject.inputs.unserved_kinds.contains(&named.kind) => {
                report.find(Finding::new(
                    &ROUTE_KIND_UNSERVED,
                    &subject.name,
                    &*named.field,
                    format!("the API server does not know the kind of {}", named.name),
                    "install the Gateway API CRDs that have it",
                ))
            }
            Lookup::Missing => report.find(Finding::new(
                &ROUTE_MISSING,
                &subject.name,
                &*named.field,
                format!("{} does not exist", named.name),
                "create it, or name another one",
            )),
        }
    }
    weights(subject, report);
}

fn pairs(subject: &Subject<'_>, named: &NamedRoute, route: &RouteShape, report: &mut Report) {
    let Some(pair) = subject.pair() else { return };
    let [stable, canary] = pair;
    let (own, namespace) = (&*named.name.namespace, &*subject.name.namespace);
    let count = |rule: &RouteRule, service: &str| {
        rule.backends.iter().filter(|backend| backend.is(own, namespace, service)).count()
    };
    let mut ambiguous = false;
    for (place, rule) in route.rules.iter().enumerate().filter(|(_, rule)| named.means(rule)) {
        let counts = pair.map(|service| count(rule, service));
        if counts.iter().all(|count| *count > 0) && counts.iter().any(|count| *count > 1) {
            ambiguous = true;
            let twice = pair.into_iter().find(|service| count(rule, service) > 1).unwrap_or_default();
            report.find(Finding::new(
                &ROUTE_NAMES_SERVICE_TWICE,
                &named.name,
                format!("spec.rules[{place}].backendRefs"),
                format!("names Service {twice:?} more than once"),
                "keep one entry for each of the two Services",
            ));
        }
    }
    let holding = |name: Option<&String>| {
        let mut rules = route.pairs(own, namespace, pair);
        rules.any(|(_, rule)| name.is_none_or(|name| rule.name.as_ref() == Some(name)))
    };
    for name in named.rules.iter().filter(|name| !ambiguous && !holding(Some(name))) {
        report.find(Finding::new(
            &ROUTE_WITHOUT_PAIR,
            &named.name,
            "spec.rules",
            format!(
                "no rule named {name:?} has both Services {stable:?} and {canary:?} of namespace {namespace} as backendRefs"
            ),
            "name that rule so, and add them to it",
        ));
    }
    if named.rules.is_empty() && !ambiguous && !holding(None) {
        report.find(Finding::new(
            &ROUTE_WITHOUT_PAIR,
            &named.name,
            "spec.rules",
            format!(
                "no rule has both Services {stable:?} and {canary:?} of namespace {namespace} as backendRefs"
            ),
            "add them to one rule",
        ));
    }
}

fn weights(subject: &Subject<'_>, report: &mut Report) {
    let Some(pair) = subject.pair() else { return };
    let steps = subject.strategy.and_then(|strategy| strategy.steps.as_deref()).unwrap_or_default();
    let percents: Vec<(usize, i32)> = steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| {
            Some((index, step.set_weight.filter(|percent| (0..=100).contains(percent))?))
        })
        .collect();
    for (named, place, rule) in subject.managed_rules() {
        let Some(sides) = weighed(subject, named, place, rule, pair) else { continue };
        for (index, percent) in &percents {
            let Err(error) = sides.weights_for(*percent) else { continue };
            let sum = sides.stable.weight() + sides.canary.weight();
            report.find(Finding::new(
                &WEIGHT_INEXPRESSIBLE,
                &named.name,
                format!("spec.rules[{place}].backendRefs"),
                format!(
                    "has other backends, and the pair's weights, {sum} together, cannot express {percent} percent \
                     ({CANARY}.steps[{index}].setWeight)"
                ),
                format!("multiply all weights of this rule by {}", error.factor),
            ));
            break;
        }
    }
}

/// The pair as the planner sees it.
fn weighed(
    subject: &Subject<'_>,
    named: &NamedRoute,
    place: usize,
    rule: &RouteRule,
    pair: [&str; 2],
) -> Option<Pair> {
    let (own, namespace) = (&*named.name.namespace, &*subject.name.namespace);
    let side = |service: &str| {
        let found = rule.backends.iter().enumerate().find(|(_, backend)| backend.is(own, namespace, service));
        found.map(|(index, backend)| Side {
            index,
            backend: Backend { name: backend.name.clone(), weight: backend.weight, ..Backend::default() },
        })
    };
    let [stable, canary] = pair;
    Some(Pair {
        rule: place,
        name: None,
        stable: side(stable)?,
        canary: side(canary)?,
        alone: rule.backends.len() == 2,
    })
}
