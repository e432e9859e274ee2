//! What the condition `Preflight` and `serin preflight` say on a real API server, with the rights that the chart gives.

use serde_json::{Value, json};
use serin_e2e::{Space, manifests};

fn condition(space: &Space) -> Value {
    let conditions = space.rollout("web")["status"]["conditions"].clone();
    let found = conditions
        .as_array()
        .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "Preflight").cloned());
    found.unwrap_or_default()
}

fn until_message(space: &Space, what: &str, is_wanted: impl Fn(&str) -> bool) -> Value {
    space.until(what, || condition(space)["message"].as_str().is_some_and(&is_wanted));
    condition(space)
}

/// A Gateway that a controller would have accepted; here there is none.
fn gateway() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": {"name": "eg"},
        "spec": {"gatewayClassName": "nobody", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
    })
}

fn accepted(kind: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z"})
}

fn report(space: &Space, resource: &str, name: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    space.kubectl(&[
        "patch",
        resource,
        name,
        "--subresource",
        "status",
        "--type",
        "merge",
        "--patch",
        &patch,
    ]);
}

#[test]
fn a_broken_set_is_told_with_object_field_and_fix_and_holds_nothing_up() {
    let space = Space::new("preflight-broken");
    let mut route = manifests::route();
    route["spec"]["rules"][0]["backendRefs"][1]["port"] = json!(8080);
    space.apply_all(&[
        manifests::service("stable"),
        manifests::service("canary"),
        route,
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
            "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
        }),
        manifests::rollout(),
    ]);
    let told = until_message(&space, "everything is told", |message| message.contains("BudgetNeverAllows"));
    assert_eq!((&told["status"], &told["reason"]), (&json!("False"), &json!("PreflightFailed")), "{told}");
    let message = told["message"].as_str().unwrap();
    let namespace = &space.namespace;
    for part in [
        format!(
            "BackendPortUnknown (HTTPRoute {namespace}/route, spec.rules[0].backendRefs[1].port): is 8080, but Service \
             {namespace}/canary has only 80: change the port in one of the two"
        ),
        format!(
            "GatewayMissing (HTTPRoute {namespace}/route, spec.parentRefs[0]): Gateway {namespace}/eg does not exist"
        ),
        format!("BudgetNeverAllows (PodDisruptionBudget {namespace}/web, spec.maxUnavailable): is 0"),
    ] {
        assert!(message.contains(&part), "{part} is not in {message}");
    }
    space.until_phase("web", "Healthy");

    let refused = space.refused_serin(&["preflight", "web", "-n", namespace]);
    assert!(refused.contains("2 things that will not work"), "{refused}");

    // The route is watched; what is mended there is told without a change of the Rollout.
    let path = "/spec/rules/0/backendRefs/1/port";
    let patch = json!([{"op": "replace", "path": path, "value": 80}]).to_string();
    space.kubectl(&["patch", "httproutes", "route", "--type", "json", "--patch", &patch]);
    until_message(&space, "the port is mended", |message| !message.contains("BackendPortUnknown"));
    space.judge();
}

#[test]
fn a_good_set_passes_and_a_refused_template_is_told_in_the_servers_words() {
    let space = Space::new("preflight-good");
    space.apply_all(&[gateway()]);
    let listeners = json!([{"name": "http", "attachedRoutes": 1, "supportedKinds": [], "conditions": [accepted("Accepted")]}]);
    report(
        &space,
        "gateways",
        "eg",
        &json!({"conditions": [accepted("Accepted"), accepted("Programmed")], "listeners": listeners}),
    );
    space.apply_all(&[manifests::service("stable"), manifests::service("canary"), manifests::route()]);
    let parents = json!([{
        "parentRef": {"name": "eg"}, "controllerName": "example.com/nobody",
        "conditions": [accepted("Accepted"), accepted("ResolvedRefs")],
    }]);
    report(&space, "httproutes", "route", &json!({"parents": parents}));
    space.apply_all(&[manifests::rollout()]);
    space.until_phase("web", "Healthy");
    let told = until_message(&space, "nothing is wrong", |message| message.starts_with("Nothing is wrong"));
    assert_eq!((&told["status"], &told["reason"]), (&json!("True"), &json!("PreflightPassed")), "{told}");
    // The chart's rights end with the namespace here; what lies beyond is said to be unseen.
    let message = told["message"].as_str().unwrap();
    let unseen = "not checked: GatewayClass nobody (the operator may not get gatewayclasses)";
    assert_eq!(message, format!("Nothing is wrong; {unseen}"));
    let namespace = &space.namespace;
    let asked: Value =
        serde_json::from_str(&space.serin(&["preflight", "web", "-n", namespace, "-o", "json"], "")).unwrap();
    assert_eq!((&asked["errors"], &asked["findings"]), (&json!(0), &json!([])), "{asked}");

    let broken =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "Not A Name", "image": "web:2"}]}}}});
    space.patch("web", broken);
    let told =
        until_message(&space, "the template is refused", |message| message.contains("TemplateRefused"));
    assert!(told["message"].as_str().unwrap().contains("spec.template.spec.containers[0].name"), "{told}");
}
