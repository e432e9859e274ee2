//! Lines of an audit log, and what they make of it.

use serde_json::{Value, json};

use super::{CANARY, HASH, History, ROUTE, STABLE, State};

const OPERATOR: &str = "system:serviceaccount:serin-system:serin";

/// A write that took a tenth of a second.
fn line(second: u64, user: &str, resource: &str, object: Value, more: Value) -> String {
    let mut object = object;
    object["metadata"]["resourceVersion"] = json!((second * 10).to_string());
    let mut line = json!({
        "verb": "patch", "requestURI": "/", "user": {"username": user}, "responseStatus": {"code": 200},
        "objectRef": {"resource": resource, "namespace": "default"}, "responseObject": object,
        "requestReceivedTimestamp": format!("1970-01-01T00:00:{second:02}.000000Z"),
        "stageTimestamp": format!("1970-01-01T00:00:{second:02}.100000Z"),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        line[key] = value.clone();
    }
    line.to_string()
}

fn set(second: u64, hash: &str, version: &str) -> String {
    let variables = json!([{"name": "APP_VERSION", "value": version}]);
    let template = json!({"spec": {"containers": [{"env": variables}]}});
    let object = json!({"metadata": {"name": hash, "labels": {HASH: hash}}, "spec": {"template": template}});
    line(second, OPERATOR, "replicasets", object, json!({"verb": "create"}))
}

fn service(second: u64, name: &str, hash: &str) -> String {
    let object = json!({"metadata": {"name": name}, "spec": {"selector": {HASH: hash}}});
    line(second, OPERATOR, "services", object, Value::Null)
}

fn route(second: u64, user: &str, stable: u64, canary: u64, more: Value) -> String {
    let backends = json!([{"name": STABLE, "weight": stable}, {"name": CANARY, "weight": canary}]);
    let object = json!({"metadata": {"name": ROUTE}, "spec": {"rules": [{"backendRefs": backends}]}});
    line(second, user, "httproutes", object, more)
}

/// When it was asked for, the share and whether it is the operator's, and the versions of both Services.
type Short = (i64, u32, bool, Option<u32>, Option<u32>);

fn states(lines: &[String]) -> Vec<Short> {
    let history = History::read(&lines.join("\n"));
    let short = |state: &State| (state.asked / 1_000_000, state.share, state.own, state.stable, state.canary);
    history.states.iter().map(short).collect()
}

#[test]
fn a_log_is_a_sequence_of_states_in_the_order_of_versions() {
    let lines = [
        route(8, "admin", 1, 1, Value::Null),
        route(1, "admin", 1, 1, Value::Null),
        set(2, "aaa", "1"),
        service(3, STABLE, "aaa"),
        service(4, CANARY, "aaa"),
        route(5, OPERATOR, 100, 0, Value::Null),
        set(6, "bbb", "2"),
        service(7, CANARY, "bbb"),
        route(9, OPERATOR, 90, 10, Value::Null),
    ];
    assert_eq!(
        states(&lines),
        [
            (1, 500, false, None, None),
            (3, 500, false, Some(1), None),
            (4, 500, false, Some(1), Some(1)),
            (5, 0, true, Some(1), Some(1)),
            (7, 0, true, Some(1), Some(2)),
            (8, 500, false, Some(1), Some(2)),
            (9, 100, true, Some(1), Some(2)),
        ]
    );
}

#[test]
fn what_changes_nothing_is_no_state() {
    let lines = [
        route(1, OPERATOR, 50, 50, Value::Null),
        route(2, "admin", 1, 1, Value::Null),
        route(3, "admin", 9, 1, json!({"responseStatus": {"code": 409}})),
        route(4, "admin", 9, 1, json!({"requestURI": "/?dryRun=All"})),
        route(5, "admin", 9, 1, json!({"objectRef": {"resource": "httproutes", "namespace": "other"}})),
    ];
    assert_eq!(states(&lines), [(1, 500, true, None, None)]);
}

#[test]
fn a_foreign_weight_that_the_operator_writes_too_is_its_own_from_then_on() {
    let lines = [
        route(1, OPERATOR, 90, 10, Value::Null),
        route(2, "admin", 1, 1, Value::Null),
        route(3, OPERATOR, 50, 50, Value::Null),
    ];
    assert_eq!(
        states(&lines),
        [(1, 100, true, None, None), (2, 500, false, None, None), (3, 500, true, None, None)]
    );
}

#[test]
fn a_write_whose_answer_nobody_heard_is_found_in_the_status_that_follows() {
    let status =
        json!({"objectRef": {"resource": "httproutes", "subresource": "status", "namespace": "default"}});
    let lines = [
        route(1, OPERATOR, 100, 0, Value::Null),
        route(2, OPERATOR, 90, 10, json!({"responseStatus": {"code": 504}})),
        route(3, "gateway", 90, 10, status),
    ];
    assert_eq!(states(&lines), [(1, 0, true, None, None), (3, 100, true, None, None)]);
}

#[test]
fn aborts_and_starts_are_found() {
    let asked = json!({"requestObject": {"metadata": {"annotations": {"serin.dev/abort": "current"}}}});
    let judged = json!({"requestObject": {"metadata": {"annotations": {"serin.dev/abort": null}}}});
    let pod = |ready: &str| json!({"metadata": {"name": "p"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}});
    let rollout = json!({"metadata": {"name": "r"}});
    let status = json!({"objectRef": {"resource": "pods", "subresource": "status", "namespace": "default"}});
    let lines = [
        line(1, "admin", "rollouts", rollout.clone(), asked),
        line(2, OPERATOR, "rollouts", rollout, judged),
        line(3, "controller", "pods", json!({"metadata": {"name": "p"}}), json!({"verb": "create"})),
        line(4, "node", "pods", pod("False"), status.clone()),
        line(5, "node", "pods", pod("True"), status.clone()),
        line(6, "node", "pods", pod("True"), status),
    ];
    let history = History::read(&lines.join("\n"));
    assert_eq!((history.aborts, history.starts), (vec![1_000_000], vec![2_000_000]));
}
