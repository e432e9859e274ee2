//! Whether weights that status calls verified are those that requests meet, and whether steps wait for that.

use serde_json::Value;
use serin_testkit::Kind;
use serin_testkit::controllers::Gateway;

use crate::judge::Violation;
use crate::setting::Trouble;
use crate::stage::{NAME, Stage};

impl Stage {
    /// Judges what the operator has written into status, given the Rollout as it was before.
    pub fn is_verified_as_told(&self, before: &Value) -> Result<(), Violation> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        let after = self.rollout();
        let is_status = before["metadata"]["resourceVersion"] != after["metadata"]["resourceVersion"];
        // A set clock makes every settle time mean something else.
        if !is_status || self.setting.has(Trouble::Clocks) {
            return Ok(());
        }
        let weights = &after["status"]["canary"]["weights"];
        if passes_a_weight(before, after) && weights["verified"] == false {
            return Err(Violation(format!("a step is done although its weight is not verified: {weights}")));
        }
        weights["routes"].as_array().into_iter().flatten().try_for_each(|told| self.is_carried(gateway, told))
    }

    /// One route.
    fn is_carried(&self, gateway: &Gateway, told: &Value) -> Result<(), Violation> {
        let name = told["name"].as_str().unwrap_or_default();
        let route = self.world.find(Kind::HttpRoute, name);
        // What has been written since the operator looked, it cannot know of.
        let is_of_now = route.is_some_and(|route| {
            let metadata = &route["metadata"];
            metadata["uid"] == told["uid"] && metadata["generation"] == told["generation"]
        });
        if told["verified"] != true || !is_of_now {
            return Ok(());
        }
        let rules = gateway.data_plane().rules().filter(|((_, of), _)| of == name);
        let carried: Vec<Vec<i64>> =
            rules.map(|(_, rule)| rule.iter().map(|backend| backend.weight).collect()).collect();
        let written: Vec<Vec<i64>> = route.map(weights_of).unwrap_or_default();
        if carried == written {
            return Ok(());
        }
        Err(Violation(format!(
            "status calls {told} verified, but requests are split by {carried:?}, not {written:?}"
        )))
    }
}

/// The operator has passed a step that sets a weight.
fn passes_a_weight(before: &Value, after: &Value) -> bool {
    let index = |rollout: &Value| rollout["status"]["currentStepIndex"].as_u64().unwrap_or(0);
    let same_walk = ["currentPodHash", "currentStepHash"]
        .iter()
        .all(|field| before["status"][field] == after["status"][field]);
    let steps = after["spec"]["strategy"]["canary"]["steps"].as_array();
    let passed = steps.into_iter().flatten().enumerate().filter(|(number, _)| {
        let number = u64::try_from(*number).unwrap_or(u64::MAX);
        (index(before)..index(after)).contains(&number)
    });
    // A first deploy tests no weights, even where somebody has deleted what was stable.
    let is_first = after["status"]["stableRS"].is_null();
    let is_promoted = before["status"]["stableRS"] != after["status"]["stableRS"];
    let is_over = after["status"]["stableRS"] == after["status"]["currentPodHash"];
    same_walk
        && !is_first
        && !is_promoted
        && !is_over
        && passed.into_iter().any(|(_, step)| !step["setWeight"].is_null())
        && after["metadata"]["name"] == NAME
}

fn weights_of(route: &Value) -> Vec<Vec<i64>> {
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let weight = |backend: &Value| backend["weight"].as_i64().unwrap_or(1);
    rules.map(|rule| rule["backendRefs"].as_array().into_iter().flatten().map(weight).collect()).collect()
}
