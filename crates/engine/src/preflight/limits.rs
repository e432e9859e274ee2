//! How much Gateway API lets stand in one route.

use super::finding::{Finding, Name};
use super::kinds::ROUTE_FULL;
use super::objects::RouteShape;

/// Rules in a route.
pub const RULES: usize = 16;
/// Backends in a rule.
pub const BACKENDS: usize = 16;
/// Matches in all rules together.
pub const MATCHES: usize = 128;

/// What steps would add to a route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    pub rules: usize,
    pub matches: usize,
}

/// What would not fit.
pub fn limits(name: &Name, route: &RouteShape, growth: Growth) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |field: String, problem: String, fix: &str| {
        findings.push(Finding::new(&ROUTE_FULL, name, field, problem, fix));
    };
    let added = |count: usize| match count {
        0 => String::new(),
        count => format!(" with the {count} that the steps add"),
    };
    let rules = route.rules.len() + growth.rules;
    if rules > RULES {
        find(
            "spec.rules".to_owned(),
            format!("are {rules}{}, and at most {RULES} are allowed", added(growth.rules)),
            "divide the route into several",
        );
    }
    // A rule without matches counts as one that matches everything.
    let own: usize = route.rules.iter().map(|rule| rule.matches.max(1)).sum();
    let matches = own + growth.matches;
    if matches > MATCHES {
        find(
            "spec.rules[].matches".to_owned(),
            format!("are {matches}{}, and at most {MATCHES} are allowed", added(growth.matches)),
            "divide the route into several",
        );
    }
    for (place, rule) in route.rules.iter().enumerate().filter(|(_, rule)| rule.backends.len() > BACKENDS) {
        find(
            format!("spec.rules[{place}].backendRefs"),
            format!("are {}, and at most {BACKENDS} are allowed", rule.backends.len()),
            "divide the rule into several",
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::objects::RouteRule;
    use super::*;

    fn found(rules: usize, matches: usize, growth: Growth) -> Vec<String> {
        let rule = RouteRule { matches, ..RouteRule::default() };
        let route = RouteShape { rules: vec![rule; rules], ..RouteShape::default() };
        let name = Name::new("HTTPRoute", "shop", "web");
        limits(&name, &route, growth).into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn what_steps_add_counts() {
        assert!(found(8, 8, Growth { rules: 8, matches: 64 }).is_empty());
        assert_eq!(
            found(8, 8, Growth { rules: 9, matches: 65 }),
            [
                "are 17 with the 9 that the steps add, and at most 16 are allowed",
                "are 129 with the 65 that the steps add, and at most 128 are allowed",
            ]
        );
    }
}
