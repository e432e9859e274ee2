//! A route without what is ours: two equal ones differ in nothing but our two numbers in each rule of the pair.

use serde_json::{Value, json};

/// The Services whose weights are ours, in the route's own namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    pub namespace: String,
    pub stable: String,
    pub canary: String,
}

impl Pair {
    /// The backends of a rule that are ours, by their places; none unless it holds both.
    pub fn places(&self, rule: &Value) -> Option<[usize; 2]> {
        let backends: Vec<&Value> = rule["backendRefs"].as_array().into_iter().flatten().collect();
        let place = |service: &str| backends.iter().position(|backend| self.refers_to(backend, service));
        Some([place(&self.stable)?, place(&self.canary)?])
    }

    fn refers_to(&self, backend: &Value, service: &str) -> bool {
        backend["name"] == service
            && backend["group"].as_str().unwrap_or_default().is_empty()
            && backend["kind"].as_str().unwrap_or("Service") == "Service"
            && backend["namespace"].as_str().unwrap_or(&self.namespace) == self.namespace
    }
}

/// All that is to stay as it is: everything but the pair's weights, and what the server counts by itself.
pub fn canonical(route: &Value, pair: &Pair) -> Value {
    let mut route = route.clone();
    if let Some(fields) = route.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = route["metadata"].as_object_mut() {
        for counted in ["resourceVersion", "generation", "managedFields"] {
            metadata.remove(counted);
        }
    }
    for rule in route["spec"]["rules"].as_array_mut().into_iter().flatten() {
        for place in pair.places(rule).into_iter().flatten() {
            rule["backendRefs"][place]["weight"] = json!("ours");
        }
    }
    route
}

/// The stable and the canary weight in each rule of the pair, and whether the pair is alone there.
pub fn weights(route: &Value, pair: &Pair) -> Vec<(i64, i64, bool)> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let of_pair = rules.filter_map(|rule| Some((rule, pair.places(rule)?)));
    of_pair
        .map(|(rule, [stable, canary])| {
            let weight = |place: usize| rule["backendRefs"][place]["weight"].as_i64().unwrap_or(1);
            let backends = rule["backendRefs"].as_array().map_or(0, Vec::len);
            (weight(stable), weight(canary), backends == 2)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Pair {
        Pair { namespace: "ns".into(), stable: "stable".into(), canary: "canary".into() }
    }

    fn route(stable: i64, canary: i64, other: i64) -> Value {
        json!({"metadata": {"name": "route", "resourceVersion": format!("{stable}")}, "spec": {"rules": [
            {"backendRefs": [
                {"name": "stable", "weight": stable}, {"name": "other", "weight": other},
                {"name": "canary", "weight": canary},
            ]},
            {"backendRefs": [{"name": "stable", "weight": other}]},
            {"backendRefs": [{"name": "stable", "weight": other}, {"name": "canary", "namespace": "elsewhere"}]},
        ]}})
    }

    #[test]
    fn only_the_weights_of_the_pair_may_differ() {
        assert_eq!(canonical(&route(90, 10, 5), &pair()), canonical(&route(40, 60, 5), &pair()));
        assert_ne!(canonical(&route(90, 10, 5), &pair()), canonical(&route(90, 10, 6), &pair()));
        let mut stable_only = route(90, 10, 5);
        stable_only["spec"]["rules"][2]["backendRefs"][0]["weight"] = json!(7);
        assert_ne!(canonical(&route(90, 10, 5), &pair()), canonical(&stable_only, &pair()));
    }

    #[test]
    fn weights_are_those_of_rules_that_hold_both() {
        assert_eq!(weights(&route(90, 10, 5), &pair()), [(90, 10, false)]);
    }
}
