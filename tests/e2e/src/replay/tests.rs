//! A log of a few lines, made by hand.

use serde_json::{Value, json};

use super::{Judgement, judge};

const OPERATOR: &str = "system:serviceaccount:shop:serin";
const HASH: &str = "rollouts-pod-template-hash";

/// Lines of an audit log, each write with the next version.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    version: u64,
}

impl Log {
    fn write(&mut self, user: &str, verb: &str, resource: &str, mut object: Value) -> &mut Self {
        self.version += 1;
        object["metadata"]["namespace"] = json!("shop");
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] =
                json!(format!("uid-{}", object["metadata"]["name"].as_str().unwrap()));
        }
        self.line(user, verb, resource, object)
    }

    fn line(&mut self, user: &str, verb: &str, resource: &str, answer: Value) -> &mut Self {
        let name =
            [&answer["metadata"]["name"], &answer["details"]["name"]].into_iter().find_map(Value::as_str);
        let number = self.lines.len();
        let line = json!({
            "auditID": format!("audit-{number}"), "stage": "ResponseComplete", "verb": verb,
            "user": {"username": user}, "requestURI": "/", "responseStatus": {"code": 200},
            "objectRef": {"resource": resource, "namespace": "shop", "name": name},
            "responseObject": answer, "requestReceivedTimestamp": format!("2030-01-01T00:00:{number:02}.000000Z"),
        });
        self.lines.push(line.to_string());
        self
    }

    fn judged(&self) -> Judgement {
        judge(&self.lines.join("\n"), "shop", OPERATOR)
    }
}

fn route(stable: i64, canary: i64) -> Value {
    json!({"metadata": {"name": "route"}, "spec": {"rules": [{"backendRefs": [
        {"name": "stable", "weight": stable}, {"name": "canary", "weight": canary},
    ]}]}})
}

fn service(name: &str, hash: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"selector": {"app": "web", HASH: hash}}})
}

fn replica_set(hash: &str, ordinal: Option<&str>, pods: i64) -> Value {
    json!({
        "metadata": {
            "name": format!("web-{hash}"), "labels": {HASH: hash}, "annotations": {"serin.dev/stable": ordinal},
            "ownerReferences": [{"uid": "uid-web", "controller": true}],
        },
        "spec": {"replicas": pods}, "status": {"replicas": pods, "availableReplicas": pods},
    })
}

fn slice(service: &str, pods: &[&str]) -> Value {
    let endpoints: Vec<Value> = pods
        .iter()
        .map(|pod| json!({"conditions": {"ready": true}, "targetRef": {"uid": format!("uid-{pod}")}}))
        .collect();
    json!({
        "metadata": {"name": format!("{service}-1"), "labels": {"kubernetes.io/service-name": service}},
        "endpoints": endpoints,
    })
}

fn pod(name: &str, hash: &str) -> Value {
    let owner = json!({"uid": format!("uid-web-{hash}"), "controller": true});
    json!({"metadata": {"name": name, "labels": {HASH: hash}, "ownerReferences": [owner]}})
}

/// `v1` is stable, `v2` is selected by the canary Service, and no slice of that lists a pod yet.
fn canary() -> Log {
    let mut log = Log::default();
    let rollout = json!({
        "apiVersion": "serin.dev/v1alpha1", "metadata": {"name": "web", "generation": 1},
        "spec": {"replicas": 1, "strategy": {"canary": {
            "stableService": "stable", "canaryService": "canary",
            "trafficRouting": {"gatewayAPI": {"httpRoute": "route"}},
        }}},
        "status": {"observedGeneration": 1, "stableRS": "v1"},
    });
    log.write("person", "create", "rollouts", rollout)
        .write("person", "create", "services", service("stable", "v1"))
        .write("person", "create", "services", service("canary", "v2"))
        .write("person", "create", "httproutes", route(100, 0))
        .write("person", "create", "replicasets", replica_set("v1", Some("1"), 1))
        .write("person", "create", "replicasets", replica_set("v2", None, 1))
        .write("person", "create", "pods", pod("one", "v1"))
        .write("person", "create", "pods", pod("two", "v2"))
        .write("person", "create", "endpointslices", slice("stable", &["one"]))
        .write("person", "create", "endpointslices", slice("canary", &[]));
    log
}

#[test]
fn weights_that_are_raised_before_there_are_endpoints_are_found() {
    let mut log = canary();
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    let Judgement { writes, violations } = log.judged();
    assert_eq!(writes, 1);
    let told = violations.join("\n");
    assert!(
        told.contains("patch httproutes/route: canary has a share of 10 and no ready endpoint"),
        "{told}"
    );
    assert!(
        told.contains("auditID audit-10") && told.contains("before: ") && told.contains("after: "),
        "{told}"
    );
}

#[test]
fn weights_that_are_raised_afterwards_are_fine() {
    let mut log = canary();
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    let Judgement { writes, violations } = log.judged();
    assert_eq!((writes, violations), (1, Vec::new()));
}

#[test]
fn the_version_tells_the_order_and_not_the_line() {
    let mut log = canary();
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    let last = log.lines.len() - 1;
    log.lines.swap(last - 1, last);
    assert_eq!(log.judged().violations, Vec::<String>::new());
}

#[test]
fn a_deletion_is_answered_with_a_status_and_counts() {
    let mut log = canary();
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    log.line(
        "person",
        "delete",
        "endpointslices",
        json!({
            "kind": "Status", "status": "Success", "details": {"name": "canary-1", "uid": "uid-canary-1"},
        }),
    );
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    assert!(!log.judged().violations.is_empty());
}

#[test]
fn what_was_refused_or_only_tried_changes_nothing() {
    let mut log = canary();
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    let line = log.lines.pop().unwrap();
    log.lines.push(line.replace("\"code\":200", "\"code\":409"));
    log.lines.push(line.replace("\"requestURI\":\"/\"", "\"requestURI\":\"/?dryRun=All\""));
    let Judgement { writes, violations } = log.judged();
    assert_eq!((writes, violations), (0, Vec::new()));
}

#[test]
fn a_pod_that_is_ending_is_there_until_it_has_ended() {
    let mut log = canary();
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    let mut ending = pod("two", "v2");
    ending["metadata"]["deletionTimestamp"] = json!("2030-01-01T00:00:00Z");
    ending["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    log.write("person", "delete", "pods", ending.clone());
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    assert_eq!(log.judged().violations, Vec::<String>::new());
    ending["metadata"]["deletionGracePeriodSeconds"] = json!(0);
    log.write("person", "delete", "pods", ending);
    log.write(OPERATOR, "patch", "httproutes", route(80, 20));
    assert!(log.judged().violations.join("").contains("without pods of v2"));
}

#[test]
fn an_answer_that_shows_a_part_changes_that_part() {
    let mut log = canary();
    let labels =
        json!({"metadata": {"name": "route", "labels": {"a": "b"}}, "kind": "PartialObjectMetadata"});
    log.write("person", "patch", "httproutes", labels);
    let mut written = route(90, 10);
    written["metadata"]["labels"] = json!({"a": "b"});
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    log.write(OPERATOR, "patch", "httproutes", written);
    assert_eq!(log.judged().violations, Vec::<String>::new());
}

#[test]
fn the_write_that_takes_the_last_finalizer_is_answered_with_a_version_that_is_too_old() {
    let mut log = canary();
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    let mut going = json!({"metadata": {"name": "slow", "deletionTimestamp": "2030-01-01T00:00:00Z"}});
    going["metadata"]["finalizers"] = json!(["x"]);
    log.write("person", "delete", "services", going.clone());
    let old = log.version;
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    going["metadata"] = json!({
        "name": "slow", "uid": "uid-slow", "resourceVersion": old.to_string(),
        "deletionTimestamp": "2030-01-01T00:00:00Z",
    });
    log.line("person", "patch", "services", going);
    let order: Vec<String> =
        super::entries(&log.lines.join("\n"), "shop").into_iter().map(|entry| entry.brief).collect();
    assert_eq!(order[order.len() - 2..], ["patch httproutes/route", "patch services/slow"]);
}

/// The operator was killed while it waited for the answer to its patch of the canary Service.
fn killed_at_a_patch(code: i64) -> Judgement {
    let mut log = canary();
    log.write("person", "update", "services", service("canary", "v1"));
    log.write(OPERATOR, "patch", "services", service("canary", "v2"));
    let mut line: Value = serde_json::from_str(&log.lines.pop().unwrap()).unwrap();
    let path = format!("/spec/selector/{HASH}");
    line["requestObject"] = json!([
        {"op": "test", "path": path, "value": "v1"}, {"op": "replace", "path": path, "value": "v2"},
    ]);
    line["responseStatus"]["code"] = json!(code);
    line["responseObject"] = Value::Null;
    log.lines.push(line.to_string());
    log.write("person", "update", "endpointslices", slice("canary", &["two"]));
    log.write(OPERATOR, "patch", "httproutes", route(90, 10));
    log.judged()
}

#[test]
fn a_patch_that_nobody_heard_the_answer_to_counts_where_it_explains_what_followed() {
    for code in [0, 200, 499, 500, 504] {
        let Judgement { writes, violations } = killed_at_a_patch(code);
        assert_eq!((writes, violations), (1, Vec::new()), "{code}");
    }
    assert!(!killed_at_a_patch(409).violations.is_empty(), "a refusal is no doubt");
}

#[test]
fn nobody_writes_to_what_is_gone_whatever_the_log_tells_first() {
    let mut log = canary();
    let mut slow = pod("two", "v2");
    slow["metadata"]["labels"]["role"] = json!("active");
    log.write(OPERATOR, "patch", "pods", slow.clone());
    slow["metadata"]["uid"] = json!("uid-two");
    slow["metadata"]["resourceVersion"] = json!("8");
    log.line("person", "delete", "pods", slow);
    let last = log.lines.len() - 1;
    log.lines.swap(last - 1, last);
    let order: Vec<String> =
        super::entries(&log.lines.join("\n"), "shop").into_iter().map(|entry| entry.brief).collect();
    assert_eq!(order[order.len() - 2..], ["patch pods/two", "delete pods/two"]);
}
