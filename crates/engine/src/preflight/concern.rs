//! Of what was read of a whole namespace, what can ever concern one Rollout: the rest need not be remembered for it.

use serin_api::Rollout;

use super::budgets;
use super::inputs::Beyond;
use super::objects::labels_of;
use crate::observe::matches;

impl Beyond {
    /// Without what no change of a Service or route could make a finding of the Rollout in its present generation.
    #[must_use]
    pub fn concerning(mut self, rollout: &Rollout) -> Self {
        let labels = labels_of(rollout.spec.template.outline());
        let own = &rollout.spec.selector;
        let name = rollout.metadata.name.as_deref().unwrap_or_default();
        self.autoscalers.found.retain(|_, autoscaler| autoscaler.name == name);
        self.budgets.found.retain(|_, budget| budgets::covers(budget, &labels));
        self.deployments.found.retain(|_, other| {
            // A Service that selects pods of both asks for labels that both have.
            labels.iter().any(|(key, value)| other.labels.get(key) == Some(value))
                || matches(&other.selector, &labels)
                || matches(own, &other.labels)
        });
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Name;
    use super::super::inputs::Known;
    use super::super::objects::{Autoscaler, Budget, Workload};
    use super::*;
    use serde_json::json;

    fn names<T>(known: &Known<T>) -> Vec<&str> {
        known.found.keys().map(|name| &*name.name).collect()
    }

    #[test]
    fn what_others_have_is_left_out() {
        let rollout: Rollout = serde_json::from_value(json!({"metadata": {"name": "web"}, "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web", "team": "shop"}}, "spec": {}},
        }}))
        .unwrap();
        let name = |name: &str| Name::new("", "shop", name);
        let target = |target: &str| Autoscaler::of(&json!({"spec": {"scaleTargetRef": {"name": target}}}));
        let budget = |app: &str| Budget::of(&json!({"spec": {"selector": {"matchLabels": {"app": app}}}}));
        let deployment = |app: &str, team: &str| {
            Workload::of(
                &json!({"spec": {"selector": {"matchLabels": {"app": app}}, "template": {"metadata": {
                "labels": {"app": app, "team": team}}}}}),
            )
        };
        let beyond = Beyond {
            autoscalers: Known::all([(name("a"), target("web")), (name("b"), target("api"))]),
            budgets: Known::all([(name("a"), budget("web")), (name("b"), budget("api"))]),
            deployments: Known::all([
                (name("a"), deployment("web", "other")),
                (name("b"), deployment("api", "other")),
                (name("c"), deployment("api", "shop")),
            ]),
            ..Beyond::unseen("nobody has looked")
        };
        let left = beyond.concerning(&rollout);
        assert_eq!((names(&left.autoscalers), names(&left.budgets)), (vec!["a"], vec!["a"]));
        assert_eq!(names(&left.deployments), ["a", "c"]);
    }
}
