//! Several routes of several kinds, with the manifests of the documentation as they are.

use serde_json::{Value, json};
use serin_e2e::Space;
use serin_e2e::audit::Write;

const NAME: &str = "shop";
const ROUTES: [(&str, &str); 3] = [("httproutes", "pages"), ("grpcroutes", "apps"), ("tcproutes", "feed")];

fn deployed(name: &str) -> Space {
    let space = Space::new(name);
    for file in ["services", "routes", "rollout"] {
        space.apply_file(&format!("examples/several-routes/{file}.yaml"));
    }
    space.until_phase(NAME, "Healthy");
    space
}

/// The canary's weight in the last rule of each route.
fn weights(space: &Space) -> [i64; 3] {
    ROUTES.map(|(plural, name)| {
        let route = space.get(plural, name);
        let rules = route["spec"]["rules"].as_array().unwrap();
        rules.last().unwrap()["backendRefs"][1]["weight"].as_i64().unwrap_or(1)
    })
}

/// A route without what Serin and the API server write.
fn bare(space: &Space, (plural, name): (&str, &str)) -> Value {
    let mut route = space.get(plural, name);
    for field in ["generation", "resourceVersion", "managedFields"] {
        route["metadata"].as_object_mut().unwrap().remove(field);
    }
    let rules = route["spec"]["rules"].as_array_mut().unwrap();
    let backends = rules.last_mut().unwrap()["backendRefs"].as_array_mut().unwrap();
    backends.iter_mut().for_each(|backend| drop(backend.as_object_mut().unwrap().remove("weight")));
    route
}

#[test]
fn routes_of_several_kinds_carry_one_share_and_nothing_else_of_them_changes() {
    let space = deployed("several");
    assert_eq!(weights(&space), [0, 0, 0]);
    let before = ROUTES.map(|route| bare(&space, route));
    space.set_image(NAME, "registry.example.com/shop:2");
    let paused = space.until_paused_at(NAME, 1);
    assert_eq!(weights(&space), [25, 25, 25]);
    let told = &paused["status"]["canary"]["weights"]["routes"];
    let told: Vec<String> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|route| format!("{} {} {}", route["kind"], route["name"], route["weight"]).replace('"', ""))
        .collect();
    assert_eq!(told, ["HTTPRoute pages 25", "GRPCRoute apps 25", "TCPRoute feed 25"]);
    space.patch(NAME, json!({"spec": {"resume": {"step": 1}}}));
    space.until_phase(NAME, "Healthy");
    assert_eq!(weights(&space), [0, 0, 0]);
    assert_eq!(before, ROUTES.map(|route| bare(&space, route)), "only the weights of the pair have changed");
    space.judge();
}

#[test]
fn a_route_of_any_kind_is_watched_and_put_back() {
    let space = deployed("several-drift");
    for (plural, name) in ROUTES {
        let rule = if plural == "httproutes" { 1 } else { 0 };
        let path = format!("/spec/rules/{rule}/backendRefs/1/weight");
        let patch = json!([{"op": "replace", "path": path, "value": 7}]).to_string();
        space.kubectl(&["patch", plural, name, "--type", "json", "-p", &patch]);
        space.until(&format!("{plural}/{name} is put back"), || weights(&space) == [0, 0, 0]);
    }
    // The rule that is not meant is nobody's but its author's.
    let patch = json!([{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 7}]);
    space.kubectl(&["patch", "httproutes", "pages", "--type", "json", "-p", &patch.to_string()]);
    space.set_image(NAME, "registry.example.com/shop:2");
    space.until_paused_at(NAME, 1);
    let admin = space.get("httproutes", "pages")["spec"]["rules"][0]["backendRefs"][1]["weight"].clone();
    assert_eq!(admin, json!(7));
}

#[test]
fn where_one_route_is_refused_the_others_go_back_and_the_step_waits_with_the_reason() {
    let space = deployed("several-refused");
    let policy = format!("no-canary-{}", space.namespace);
    let applies = json!({"resourceRules": [{
        "apiGroups": ["gateway.networking.k8s.io"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["grpcroutes"],
    }]});
    let of_space = json!({"matchLabels": {"kubernetes.io/metadata.name": space.namespace}});
    space.apply_all(&[
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": policy},
            "spec": {
                "failurePolicy": "Fail", "matchConstraints": applies,
                "validations": [{
                    "expression": "object.spec.rules.all(r, r.backendRefs.all(b, !b.name.endsWith('canary') || b.weight == 0))",
                    "message": "no canary of the apps today",
                }],
            },
        }),
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": policy},
            "spec": {
                "policyName": policy, "validationActions": ["Deny"],
                "matchResources": {"namespaceSelector": of_space},
            },
        }),
    ]);
    let raise =
        json!([{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 3}]).to_string();
    space.until("the policy is in force", || {
        space.try_kubectl(&["patch", "grpcroutes", "apps", "--type", "json", "-p", &raise]).is_err()
    });
    space.set_image(NAME, "registry.example.com/shop:2");
    space.until("the refusal is told", || {
        let waits = space.rollout(NAME)["status"]["waitingFor"].to_string();
        waits.contains("GRPCRoute/apps") && waits.contains("no canary of the apps today")
    });
    space.until("the others have gone back", || weights(&space) == [0, 0, 0]);
    // It is tried again, and the others are not changed for it in vain.
    let weight = |write: &Write| write.object["spec"]["rules"][1]["backendRefs"][1]["weight"].clone();
    let is_raise = |write: &&Write| write.name == "pages" && weight(write) == 25;
    let raised = || space.writes().iter().filter(is_raise).count();
    let before = raised();
    assert_eq!(before, 1, "the first of them was written before anybody knew");
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(raised(), before, "the others were raised although the apps were refused again");
    assert_eq!(space.rollout(NAME)["status"]["currentStepIndex"], json!(0));
    space.kubectl(&["delete", "validatingadmissionpolicybindings,validatingadmissionpolicies", &policy]);
    space.until_paused_at(NAME, 1);
    assert_eq!(weights(&space), [25, 25, 25]);
}
