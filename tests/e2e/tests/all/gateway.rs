//! The fake gateway, and what becomes of requests behind one that refuses, or says nothing.

use jiff::SignedDuration;
use serde_json::{Value, json};
use serin_e2e::api::Language;
use serin_e2e::gateway::{Accepts, FakeGateway, Manner, Reports};
use serin_e2e::{Api, Space, manifests};

/// A route of the Gateway `eg`, and whoever writes it.
struct Stage {
    space: Space,
    api: Api,
    gateway: FakeGateway,
}

impl Stage {
    fn new(name: &str) -> Self {
        let space = Space::without_operator(name);
        let gateway = FakeGateway::start(&space, Manner::default());
        space.apply_all(&[manifests::service("stable"), manifests::service("canary"), manifests::route()]);
        let stage = Self { api: space.api(), gateway, space };
        stage.until_follows([1, 1]);
        stage.until_says("Accepted", |condition| condition["observedGeneration"] == 1);
        stage
    }

    /// Writes other weights, and tells the generation that they made.
    fn write(&self, stable: i64, canary: i64) -> Value {
        let weight = |place: usize, weight: i64| json!({"op": "add", "path": format!("/spec/rules/0/backendRefs/{place}/weight"), "value": weight});
        let patch = json!([weight(0, stable), weight(1, canary)]);
        let written = self.api.patch("httproutes", "route", Language::Json, &patch).unwrap();
        written["metadata"]["generation"].clone()
    }

    fn until_follows(&self, weights: [i64; 2]) {
        self.space
            .until(&format!("requests follow {weights:?}"), || self.gateway.weights("route") == [weights]);
    }

    fn parents(&self) -> Value {
        self.api.get("httproutes", "route").unwrap()["status"]["parents"].clone()
    }

    fn condition(&self, kind: &str) -> Value {
        let parents = self.parents();
        let conditions = parents[0]["conditions"].as_array().into_iter().flatten();
        conditions.clone().find(|condition| condition["type"] == kind).cloned().unwrap_or_default()
    }

    fn until_says(&self, kind: &str, wanted: impl Fn(&Value) -> bool) {
        self.space.until(&format!("{kind} is as it should be"), || wanted(&self.condition(kind)));
    }
}

fn accepts(accepts: Accepts) -> Manner {
    Manner { accepts, ..Manner::default() }
}

fn reports(reports: Reports) -> Manner {
    Manner { reports, ..Manner::default() }
}

#[test]
fn the_fake_gateway_reports_as_it_is_told_and_sends_what_it_has_accepted() {
    let stage = Stage::new("conduct");
    let is = |status: &'static str, generation: Value| {
        move |condition: &Value| {
            condition["status"] == status && condition["observedGeneration"] == generation
        }
    };
    let generation = stage.write(90, 10);
    stage.until_follows([90, 10]);
    stage.until_says("Accepted", is("True", generation.clone()));
    stage.until_says("ResolvedRefs", is("True", generation));
    assert_eq!(stage.parents()[0]["parentRef"]["name"], "eg");

    for refusing in [Accepts::AllBut(1), Accepts::AllButNamed("route")] {
        stage.gateway.behave(accepts(refusing));
        let generation = stage.write(20, 80);
        stage.until_says("Accepted", is("False", generation));
        assert_eq!(stage.gateway.weights("route"), [[90, 10]], "{refusing:?}: the last one stays in force");
    }

    stage.gateway.behave(accepts(Accepts::PartOf(1)));
    let generation = stage.write(30, 70);
    stage.until_says("PartiallyInvalid", is("True", generation.clone()));
    stage.until_says("Accepted", is("True", generation));
    assert_eq!(stage.gateway.weights("route"), [[90, 10]], "the first rule stays as it was");

    stage.gateway.behave(reports(Reports::Conditions));
    stage.write(40, 60);
    stage.until_follows([40, 60]);
    stage.until_says("Accepted", is("True", Value::Null));
    stage.until_says("PartiallyInvalid", Value::is_null);

    stage.gateway.behave(reports(Reports::NoParent));
    stage.write(50, 50);
    stage.until_follows([50, 50]);
    stage.space.until("no parent is reported", || stage.parents() == json!([]));

    // Alive, and silent: requests follow, and status is as it was.
    stage.gateway.behave(reports(Reports::Nothing));
    let written = stage.gateway.reports();
    stage.write(60, 40);
    stage.until_follows([60, 40]);
    assert_eq!((stage.parents(), stage.gateway.reports()), (json!([]), written));

    stage.gateway.behave(Manner::default());
    stage.space.kubectl(&["delete", "service", "canary"]);
    let generation = stage.write(70, 30);
    stage.until_says("ResolvedRefs", is("False", generation));
}

#[test]
fn routes_of_other_gateways_are_none_of_its_business() {
    let stage = Stage::new("others");
    let mut other = manifests::route();
    other["metadata"]["name"] = json!("other");
    other["spec"]["parentRefs"] = json!([{"name": "somebody"}]);
    stage.space.apply_all(&[other]);
    let generation = stage.write(90, 10);
    stage.until_says("Accepted", |condition| condition["observedGeneration"] == generation);
    assert_eq!(stage.api.get("httproutes", "other").unwrap()["status"]["parents"], Value::Null);
    assert!(stage.gateway.weights("other").is_empty());
}

#[test]
fn no_request_fails_whatever_a_gateway_accepts_or_says() {
    let space = Space::new("unruly");
    let late = Manner {
        reports_after: SignedDuration::from_millis(200),
        routes_after: SignedDuration::from_millis(300),
        endpoints_after: SignedDuration::from_millis(600),
        ..Manner::default()
    };
    let gateway = FakeGateway::start(&space, late);
    let mut rollout = manifests::rollout();
    for delay in ["scaleDownDelaySeconds", "abortScaleDownDelaySeconds"] {
        rollout["spec"]["strategy"]["canary"][delay] = json!(3);
    }
    space.apply_all(&manifests::with(rollout));
    space.until_phase("web", "Healthy");
    space.until("requests follow", || {
        gateway.weights("route") == [[100, 0]] && ["stable", "canary"].map(|of| gateway.pods(of)) == [2, 2]
    });
    gateway.send(2000);
    let manners = [
        Manner { accepts: Accepts::AllBut(2), ..late },
        Manner { accepts: Accepts::AllButNamed("route"), ..late },
        Manner { accepts: Accepts::PartOf(2), ..late },
        Manner { reports: Reports::Conditions, ..late },
        Manner { reports: Reports::NoParent, ..late },
        Manner { reports: Reports::Nothing, ..late },
    ];
    for (number, manner) in manners.into_iter().enumerate() {
        space.set_image("web", &format!("web:of-{number}"));
        space.until_paused_at("web", 1);
        gateway.behave(manner);
        space.kubectl(&["annotate", "rollouts.serin.dev", "web", "serin.dev/abort=current"]);
        space.until_phase("web", "Degraded");
        space.until_weights("route", 100, 0);
        // While a gateway is not known to send the canary nothing, its pods stay.
        gateway.behave(late);
        space.until("the canary is gone", || space.list("pods").len() == 2);
    }
    gateway.expect_no_failure(&space, 20_000);
    space.judge();
}
