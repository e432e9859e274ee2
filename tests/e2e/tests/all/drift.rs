//! Other writers of the route and the Services.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serin_e2e::api::Language;
use serin_e2e::{Api, Space, manifests, space};

#[test]
fn a_reapplied_manifest_is_put_back_and_its_writer_is_named() {
    let space = Space::paused("drift");
    space.apply_all(&[manifests::route()]);
    space.kubectl(&[
        "patch",
        "httproute",
        "route",
        "--type",
        "json",
        "--field-manager",
        "somebody",
        "--patch",
        r#"[{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77}]"#,
    ]);
    space.until_weights("route", 90, 10);
    space.until_event("web", "DriftCorrected", "HTTPRoute/route was changed by \"somebody\"");
}

#[test]
fn server_side_apply_of_the_whole_rule_is_put_back() {
    let space = Space::paused("ssa");
    let route = manifests::route().to_string();
    let file = std::env::temp_dir().join(format!("{}-route.json", space.namespace));
    std::fs::write(&file, route).unwrap();
    let file = file.to_string_lossy().into_owned();
    for flags in [
        &["--server-side", "--force-conflicts"][..],
        &["--server-side", "--force-conflicts", "--field-manager=flux"],
    ] {
        space.kubectl(&[&["apply", "--filename", &file][..], flags].concat());
        space.until_weights("route", 90, 10);
    }
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_selector_that_somebody_takes_away_is_put_back() {
    let space = Space::paused("selector");
    let (stable, canary) = (space.selected("stable"), space.selected("canary"));
    for service in ["stable", "canary"] {
        space.kubectl(&[
            "patch",
            "service",
            service,
            "--type",
            "merge",
            "--patch",
            r#"{"spec":{"selector":{"rollouts-pod-template-hash":null}}}"#,
        ]);
    }
    space.until("both are back", || space.selected("stable") == stable && space.selected("canary") == canary);
    assert_eq!(space.weights("route"), (90, 10));
}

#[test]
fn a_deleted_replica_set_service_or_route_wakes_the_operator() {
    let space = Space::paused("deleted");
    space.kubectl(&["delete", "httproute", "route"]);
    space.until_phase("web", "Degraded");
    space.apply_all(&[manifests::route()]);
    space.until_weights("route", 90, 10);
    space.kubectl(&["delete", "service", "canary"]);
    space.until("it is missed", || {
        space.rollout("web")["status"]["message"].as_str().unwrap_or_default().contains("canaryService")
    });
    space.apply_all(&[manifests::service("canary")]);
    space.until_weights("route", 90, 10);
    let hash = space.rollout("web")["status"]["currentPodHash"].clone();
    let sets = space.list("replicasets");
    let set =
        sets.iter().find(|set| set["metadata"]["labels"]["rollouts-pod-template-hash"] == hash).unwrap();
    space.kubectl(&["delete", "replicaset", set["metadata"]["name"].as_str().unwrap()]);
    space.until("it is made again", || {
        space.list("replicasets").iter().any(|other| {
            other["metadata"]["labels"]["rollouts-pod-template-hash"] == hash
                && other["metadata"]["uid"] != set["metadata"]["uid"]
        })
    });
}

#[test]
fn filters_other_rules_and_other_backends_keep_everything() {
    let space = Space::new("foreign");
    let mut route = manifests::route();
    let filter = json!([{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "y"}]}}]);
    route["spec"]["rules"] = json!([
        {"matches": [{"path": {"type": "Exact", "value": "/stable"}}], "backendRefs": [{"name": "stable", "port": 80}]},
        {"filters": filter, "backendRefs": [
            {"name": "stable", "port": 80, "weight": 50}, {"name": "other", "port": 80, "weight": 50},
            {"name": "canary", "port": 80, "weight": 50},
        ]},
    ]);
    space.apply_all(&[
        manifests::service("stable"),
        manifests::service("canary"),
        route,
        manifests::rollout(),
    ]);
    space.until_phase("web", "Healthy");
    space.set_image("web", "web:2");
    space.until_paused_at("web", 1);
    let rules = space.get("httproute", "route")["spec"]["rules"].clone();
    let weights: Vec<i64> =
        rules[1]["backendRefs"].as_array().unwrap().iter().map(|b| b["weight"].as_i64().unwrap()).collect();
    assert_eq!(weights, [90, 50, 10], "the pair keeps its sum of 100");
    assert_eq!(rules[0]["backendRefs"][0]["weight"], json!(1));
    assert_eq!(rules[1]["filters"], filter);
}

/// Whoever writes 50 times a second is not fought with: after some corrections at once the operator says so and makes
/// fewer and fewer, and when the other one stops, its own weights stand again.
#[test]
fn a_fight_at_50_writes_a_second_is_told_and_backed_off_from() {
    let space = Space::paused("fight");
    let api = space.api();
    let before = corrections(&space);
    let began = Instant::now();
    let (mut writes, mut told, mut when_told) = (0, None, 0);
    while told.is_none_or(|told: Instant| told.elapsed() < BACKED_OFF) {
        let foreign = json!([{"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 77}]);
        let path =
            format!("/apis/gateway.networking.k8s.io/v1/namespaces/{}/httproutes/route", space.namespace);
        api.patch_at(&format!("{path}?fieldManager=rival"), Language::Json, &foreign).unwrap();
        writes += 1;
        if told.is_none() && writes % 10 == 0 && contested(&api)["status"] == "True" {
            told = Some(Instant::now());
            when_told = corrections(&space);
        }
        assert!(began.elapsed() < space::PATIENCE, "nobody tells of the fight after {writes} writes");
        std::thread::sleep((PERIOD * writes).saturating_sub(began.elapsed()));
    }
    let rate = f64::from(writes) / began.elapsed().as_secs_f64();
    let (free, backed_off) = (when_told - before, corrections(&space) - when_told);
    eprintln!(
        "{writes} foreign writes, {rate:.0} a second; {free} corrections before RouteContested, {backed_off} in the \
         {} s after it",
        BACKED_OFF.as_secs()
    );
    assert!(rate > 40.0, "only {rate:.0} writes a second");
    // 100, 200, 400… ms apart: 7 in 10 s, where 500 writes were there to be corrected.
    assert!(backed_off <= 10, "{backed_off} corrections after RouteContested");
    assert!(free <= 60, "{free} corrections before RouteContested");
    assert_eq!(contested(&api)["reason"], "RouteContested");
    space.until_event("web", "RouteContested", "another writer keeps changing HTTPRoute/route");
    space.until_weights("route", 90, 10);
    assert_eq!(api.get("rollouts", "web").unwrap()["status"]["phase"], "Paused", "the canary goes on");
}

/// 50 writes a second.
const PERIOD: Duration = Duration::from_millis(20);
/// For how long corrections are counted when the fight has been told of.
const BACKED_OFF: Duration = Duration::from_secs(10);

fn contested(api: &Api) -> Value {
    let rollout = api.get("rollouts", "web").unwrap();
    let mut conditions = rollout["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == "RouteContested").cloned().unwrap_or_default()
}

/// How often the operator has written the route.
fn corrections(space: &Space) -> usize {
    space.writes().iter().filter(|write| write.resource == "httproutes").count()
}
