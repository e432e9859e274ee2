//! Which changes may not wait behind the work on other Rollouts: those by which traffic may have to be taken away.

use serin_api::{Names, Rollout};

use crate::objects::EndpointSlice;

/// A person asks for an abort, or wants another template than the one whose canary is under way.
pub fn of_rollout(before: Option<&Rollout>, after: &Rollout, names: &Names) -> bool {
    let status = after.recorded_status();
    let asked = after.metadata.annotations.as_ref().is_some_and(|present| present.contains_key(&names.abort));
    let written = status.abort && status.aborted_pod_hash.is_none();
    let under_way = status.stable_rs.is_some() && status.stable_rs != status.current_pod_hash;
    let replaced = before.is_some_and(|before| before.spec.template != after.spec.template);
    asked || written || under_way && replaced
}

/// The last ready endpoint is gone.
pub fn of_endpoints(before: Option<&EndpointSlice>, after: Option<&EndpointSlice>) -> bool {
    let serves = |slice: Option<&EndpointSlice>| {
        slice.is_some_and(|slice| slice.endpoints.iter().any(|endpoint| endpoint.ready))
    };
    serves(before) && !serves(after)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rollout(annotations: Value, image: &str, status: Value) -> Rollout {
        let template = json!({"spec": {"containers": [{"name": "web", "image": image}]}});
        let rollout = json!({
            "metadata": {"name": "web", "annotations": annotations},
            "spec": {"template": template}, "status": status,
        });
        serde_json::from_value(rollout).unwrap()
    }

    fn slice(ready: &[bool]) -> EndpointSlice {
        let endpoint =
            |ready: &bool| json!({"conditions": {"ready": ready}, "targetRef": {"kind": "Pod", "uid": "a"}});
        let endpoints: Vec<Value> = ready.iter().map(endpoint).collect();
        serde_json::from_value(json!({"metadata": {"name": "web"}, "endpoints": endpoints})).unwrap()
    }

    #[test]
    fn an_abort_may_not_wait_however_it_is_asked_for_and_until_it_is_recorded() {
        let names = Names::default();
        let rest = rollout(json!({}), "web:1", json!({}));
        assert!(!of_rollout(None, &rest, &names));
        let asked = rollout(json!({"serin.dev/abort": "current"}), "web:1", json!({}));
        assert!(of_rollout(Some(&rest), &asked, &names));
        assert!(of_rollout(None, &asked, &names), "also when the process has only just started");
        let written = rollout(json!({}), "web:1", json!({"abort": true}));
        assert!(of_rollout(Some(&rest), &written, &names));
        let recorded = rollout(json!({}), "web:1", json!({"abort": true, "abortedPodHash": "b"}));
        assert!(!of_rollout(Some(&written), &recorded, &names));
    }

    #[test]
    fn another_template_may_not_wait_while_a_canary_is_under_way() {
        let names = Names::default();
        let is_urgent = |status: Value| {
            let (before, after) =
                (rollout(json!({}), "web:2", json!({})), rollout(json!({}), "web:3", status));
            of_rollout(Some(&before), &after, &names)
        };
        assert!(is_urgent(json!({"stableRS": "a", "currentPodHash": "b"})));
        assert!(!is_urgent(json!({"stableRS": "a", "currentPodHash": "a"})));
        assert!(!is_urgent(json!({})), "a first deploy");
    }

    #[test]
    fn the_end_of_the_last_ready_endpoint_may_not_wait() {
        let (two, one, none) = (slice(&[true, true]), slice(&[false, true]), slice(&[false]));
        assert!(of_endpoints(Some(&one), Some(&none)));
        assert!(of_endpoints(Some(&one), None));
        assert!(!of_endpoints(Some(&two), Some(&one)));
        assert!(!of_endpoints(None, Some(&none)));
        assert!(!of_endpoints(Some(&none), Some(&none)));
    }
}
