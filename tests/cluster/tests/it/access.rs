//! Who may do what, and what the audit log tells of it.

use std::process::Command;

use serde_json::Value;

use crate::world::{Namespace, cluster};

#[test]
fn a_service_account_may_do_what_its_role_allows() {
    let namespace = Namespace::new("account");
    namespace.kubectl(&["create", "serviceaccount", "reader"]);
    namespace.kubectl(&["create", "role", "reader", "--verb=get,list", "--resource=pods"]);
    namespace.kubectl(&[
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        "--serviceaccount=account:reader",
    ]);
    let kubeconfig = cluster().service_account_kubeconfig("account", "reader").unwrap();

    let as_reader = |args: &[&str]| {
        let mut kubectl = Command::new(cluster().bin("kubectl"));
        cluster().configure(&mut kubectl).env("KUBECONFIG", &kubeconfig);
        let output = kubectl.args(args).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert!(as_reader(&["get", "pods"]).0);
    let (allowed, message) = as_reader(&["create", "configmap", "forbidden"]);
    assert!(!allowed);
    assert!(message.contains(r#"User "system:serviceaccount:account:reader" cannot create"#), "{message}");
}

#[test]
fn the_audit_log_holds_what_was_sent_as_soon_as_it_is_answered() {
    let namespace = Namespace::new("audited");
    namespace.web(1, &[]);
    let log = std::fs::read_to_string(cluster().audit_log()).unwrap();
    let events: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let creation = events
        .iter()
        .find(|event| {
            let object = &event["objectRef"];
            event["verb"] == "create"
                && object["resource"] == "replicasets"
                && object["namespace"] == "audited"
        })
        .expect("the ReplicaSet's creation is logged");
    assert_eq!(creation["user"]["username"], "admin");
    assert_eq!(creation["requestObject"]["spec"]["replicas"], 1);
    assert!(creation["responseObject"]["metadata"]["uid"].is_string());
}

#[test]
fn gateway_routes_are_known() {
    let kinds = cluster().kubectl(&["api-resources", "--api-group=gateway.networking.k8s.io"]).unwrap();
    assert!(kinds.contains("httproutes"), "{kinds}");
}
