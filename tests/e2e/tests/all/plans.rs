//! `serin plan` against the real thing: the same inputs on a control plane, and what the operator has written there.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use serin_e2e::audit::Write;
use serin_e2e::{Chance, Space, manifests, operator};

/// How many specs are made up.
const SPECS: usize = 50;

/// How many of them run at the same time: each has an operator of its own.
const AT_ONCE: usize = 6;

/// Writes in their order, as `object value`.
type Sequence = Vec<String>;

/// The writes of weights, selectors and numbers of pods, equal neighbours merged.
///
/// One process works on one Rollout, a call after the other, so nearly all of the order is fixed: traffic leaves before
/// pods do. Only the moment at which a ReplicaSet grows is not: it is due as soon as its step begins, beside whatever
/// move of traffic falls into the same plan, and which plans fall together depends on how soon pods and EndpointSlices
/// are seen. That the pods are there before their traffic is for the oracle to judge, which sees the endpoints. So growth
/// is one sequence for each ReplicaSet, and everything else is one sequence together.
///
/// Of the first deploy, which ends with the ReplicaSet of a second revision, only the last value of each object is compared:
/// until its selectors are written, both Services select the same pods, and a real cluster lists them behind the one
/// before the other. Share and selectors go the way that is open first.
#[derive(Debug, Default, PartialEq, Eq)]
struct Order {
    deployed: BTreeMap<String, String>,
    traffic_and_scale_downs: Sequence,
    scale_ups: BTreeMap<String, Sequence>,
}

impl Order {
    fn of(writes: impl Iterator<Item = (String, String)>) -> Self {
        let mut order = Self::default();
        let mut sizes = BTreeMap::<String, i64>::new();
        for (object, to) in writes {
            let size = object.starts_with("ReplicaSet/").then(|| to.parse::<i64>().unwrap());
            let before = size.map(|size| sizes.insert(object.clone(), size).unwrap_or(0));
            if sizes.len() <= 1 {
                order.deployed.insert(object, to);
                continue;
            }
            let entry = format!("{object} {to}");
            let is_growth = size.is_some_and(|size| size > before.unwrap_or(0));
            let sequence = if is_growth {
                order.scale_ups.entry(object).or_default()
            } else {
                &mut order.traffic_and_scale_downs
            };
            if sequence.last() != Some(&entry) {
                sequence.push(entry);
            }
        }
        order
    }

    fn of_plan(plan: &Value) -> Self {
        Self::of(planned(plan))
    }

    fn of_log(writes: &[Write]) -> Self {
        Self::of(compared(writes))
    }
}

/// The writes of a plan that are compared, as object and value.
fn planned(plan: &Value) -> impl Iterator<Item = (String, String)> {
    let acts = plan["acts"].as_array().unwrap().iter();
    let moments = acts.flat_map(|act| act["moments"].as_array().unwrap());
    let writes = moments.flat_map(|moment| moment["writes"].as_array().unwrap());
    let compared =
        |write: &&Value| matches!(write["what"].as_str(), Some("weights" | "selector" | "replicas"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    writes.filter(compared).map(move |write| (text(&write["object"]), text(&write["to"])))
}

/// The same of a log.
fn compared(writes: &[Write]) -> impl Iterator<Item = (String, String)> {
    writes.iter().filter_map(|write| match write.resource.as_str() {
        "httproutes" => {
            let canary = write.canary_weight()?;
            Some((format!("HTTPRoute/{}", write.name), format!("{}/{canary}", 100 - canary)))
        }
        "services" => Some((format!("Service/{}", write.name), write.selected()?.to_owned())),
        // Notes and roles are written without touching the number.
        "replicasets" if write.verb == "create" || touches_replicas(&write.body) => {
            let size = write.object["spec"]["replicas"].as_i64()?;
            Some((format!("ReplicaSet/{}", write.name), size.to_string()))
        }
        _ => None,
    })
}

fn touches_replicas(patch: &Value) -> bool {
    let operations = patch.as_array().into_iter().flatten();
    operations.into_iter().any(|part| part["op"] != "test" && part["path"] == "/spec/replicas")
}

/// What is planned, and what is applied.
struct Case {
    name: String,
    rollout: Value,
    others: Vec<Value>,
}

impl Case {
    fn plan(&self) -> Value {
        let mut items = self.others.clone();
        items.push(self.rollout.clone());
        let file = std::env::temp_dir().join(format!("serin-plan-{}-{}.json", std::process::id(), self.name));
        std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
            .unwrap();
        let output = Command::new(operator::binary())
            .args(["plan", "--output", "json", "--pod-ready-seconds", "1", "--image", "web:2", "-f"])
            .arg(&file)
            .output()
            .expect("`serin plan` runs");
        std::fs::remove_file(&file).unwrap();
        assert!(output.status.success(), "{}: {}", self.name, String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Applies, updates, and resumes every pause that waits for a person, as the plan takes it to be done.
    fn play(&self) -> Order {
        let space = Space::new(&self.name);
        let name = self.rollout["metadata"]["name"].as_str().unwrap();
        space.apply_all(&self.others);
        space.apply_all(std::slice::from_ref(&self.rollout));
        let first = space.until_phase(name, "Healthy")["status"]["stableRS"].clone();
        space.set_image(name, "web:2");
        space.until("the update is stable, and the old pods are gone", || {
            let (rollout, sets) = space.logged(name);
            let (status, resume) = (&rollout["status"], &rollout["spec"]["resume"]);
            let waits = status["waitingFor"].as_array().into_iter().flatten();
            let waits: Vec<&str> = waits.filter_map(|waiting| waiting["what"].as_str()).collect();
            if waits.contains(&"Resume") && resume.is_null() {
                let step = &status["currentStepIndex"];
                // With the time of the pause the request passes this one or none, however late it comes.
                let since = &status["pauseConditions"][0]["startTime"];
                space.patch(name, json!({"spec": {"resume": {"step": step, "pausedAt": since}}}));
            }
            let stands = status["stableRS"] != first && status["phase"] == "Healthy" && waits.is_empty();
            stands && sets.iter().filter(|set| set["spec"]["replicas"].as_i64() > Some(0)).count() <= 1
        });
        space.judge();
        Order::of_log(&space.writes())
    }

    fn differs(&self) -> Option<String> {
        let (planned, written) = (Order::of_plan(&self.plan()), self.play());
        let moves = planned.traffic_and_scale_downs.len();
        assert!(
            moves >= 5,
            "{}: an update moves selectors, traffic and old pods at least five times, not {moves}",
            self.name
        );
        (planned != written).then(|| {
            format!(
                "{}: {}\nplanned {planned:#?}\nwritten {written:#?}",
                self.name, self.rollout["spec"]["strategy"]["canary"]["steps"]
            )
        })
    }
}

fn made_up(chance: &mut Chance, number: usize) -> Case {
    let mut rollout = manifests::rollout();
    rollout["spec"]["replicas"] = json!(1 + chance.below(6));
    let steps: Vec<Value> = (0..chance.below(6))
        .map(|_| match chance.below(4) {
            0 => json!({"pause": {"duration": 1}}),
            1 => json!({"pause": {}}),
            // Any order: weights go down as well as up.
            _ => json!({"setWeight": chance.below(11) * 10}),
        })
        .collect();
    let canary = &mut rollout["spec"]["strategy"]["canary"];
    canary["steps"] = json!(steps);
    canary["scaleDownDelaySeconds"] = json!(chance.below(3));
    if chance.below(2) == 0 {
        canary["activeMetadata"] = json!({"labels": {"role": "active"}});
        canary["previewMetadata"] = json!({"labels": {"role": "preview"}});
    }
    let others = vec![manifests::service("stable"), manifests::service("canary"), manifests::route()];
    Case { name: format!("plan{number}"), rollout, others }
}

fn example(name: &str) -> Case {
    let folder = serin_e2e::space::root().join("examples").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    let mut others = Vec::new();
    let mut rollout = None;
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let object = <Value as serde::Deserialize>::deserialize(document).unwrap();
            match object["kind"].as_str() {
                Some("Rollout") => rollout = Some(object),
                Some("Service" | "HTTPRoute") => others.push(object),
                _ => {}
            }
        }
    }
    let mut rollout = rollout.unwrap();
    // Only the waiting is shortened.
    rollout["spec"]["strategy"]["canary"]["scaleDownDelaySeconds"] = json!(1);
    for step in rollout["spec"]["strategy"]["canary"]["steps"].as_array_mut().unwrap() {
        if step["pause"]["duration"] != Value::Null {
            step["pause"]["duration"] = json!(1);
        }
    }
    Case { name: format!("plan-{name}"), rollout, others }
}

#[test]
fn the_comparison_sees_two_moves_in_another_order_one_too_many_and_another_size() {
    let updated = |writes: &[(&str, &str)]| {
        let begins = [("ReplicaSet/old", "2"), ("ReplicaSet/new", "1")];
        let writes = begins.iter().chain(writes);
        Order::of(writes.map(|(object, to)| ((*object).to_owned(), (*to).to_owned())))
    };
    let order = updated(&[("ReplicaSet/new", "2"), ("HTTPRoute/r", "50/50"), ("ReplicaSet/old", "0")]);
    let merged = [
        ("ReplicaSet/new", "2"),
        ("HTTPRoute/r", "50/50"),
        ("HTTPRoute/r", "50/50"),
        ("ReplicaSet/old", "0"),
    ];
    assert_eq!(order, updated(&merged));
    let earlier = [("ReplicaSet/new", "2"), ("ReplicaSet/old", "0"), ("HTTPRoute/r", "50/50")];
    assert_ne!(order, updated(&earlier));
    let larger = [("ReplicaSet/new", "3"), ("HTTPRoute/r", "50/50"), ("ReplicaSet/old", "0")];
    assert_ne!(order, updated(&larger));
    let more = [merged[0], ("ReplicaSet/new", "3"), merged[1], merged[3]];
    assert_ne!(order, updated(&more));
}

#[test]
fn of_a_first_deploy_the_comparison_sees_where_it_ends_and_not_the_way() {
    let of = |writes: &[(&str, &str)]| {
        Order::of(writes.iter().map(|(object, to)| ((*object).to_owned(), (*to).to_owned())))
    };
    let (pods, all, none) = (("ReplicaSet/old", "2"), ("HTTPRoute/r", "100/0"), ("HTTPRoute/r", "0/100"));
    let (stable, canary) = (("Service/stable", "a"), ("Service/canary", "a"));
    let deployed = of(&[pods, all, stable, canary]);
    assert_eq!(deployed, of(&[pods, none, stable, all, canary]));
    assert_eq!(deployed, of(&[pods, all, canary, stable]));
    assert_ne!(deployed, of(&[pods, all, stable]));
    assert_ne!(deployed, of(&[pods, all, stable, canary, none]));
}

/// The plan begins at a first deploy that is over, so its sequences are those of the update alone.
#[test]
fn an_update_that_is_planned_from_the_living_cluster_is_what_is_written() {
    let space = Space::new("plan-live");
    space.apply_all(&manifests::all());
    space.until_phase("web", "Healthy");
    let deployed = space.writes().len();
    let flags = ["--from", "live", "--image", "web:2", "--pod-ready-seconds", "1", "--output", "json"];
    let args = [&["plan", "web", "--namespace", &space.namespace], &flags[..]].concat();
    let plan: Value = serde_json::from_str(&space.serin(&args, "")).unwrap();
    assert_eq!(space.writes().len(), deployed, "a plan writes nothing");

    space.set_image("web", "web:2");
    for step in [1, 3] {
        let status = space.until_paused_at("web", step)["status"].clone();
        let since = &status["pauseConditions"][0]["startTime"];
        space.patch("web", json!({"spec": {"resume": {"step": step, "pausedAt": since}}}));
    }
    space.until("the old pods are gone", || {
        let status = &space.rollout("web")["status"];
        status["phase"] == "Healthy" && status["waitingFor"].as_array().is_none_or(Vec::is_empty)
    });
    let sequence = |writes: Vec<(String, String)>| {
        let mut writes: Vec<String> =
            writes.into_iter().map(|(object, to)| format!("{object} {to}")).collect();
        writes.dedup();
        // When a ReplicaSet grows beside a move of traffic is open.
        writes.sort_by_key(|write| write.starts_with("ReplicaSet/"));
        writes
    };
    let written = sequence(compared(&space.writes()[deployed..]).collect());
    assert!(written.len() >= 5, "{written:?}");
    assert_eq!(sequence(planned(&plan).collect()), written);
    space.judge();
}

#[test]
fn what_is_planned_is_what_is_written() {
    let mut chance = Chance::fixed(20_261_125);
    let mut cases: Vec<Case> = ["minimal", "pinned-clients", "canary-aware"].map(example).into();
    cases.extend((0..SPECS).map(|number| made_up(&mut chance, number)));
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    found.lock().unwrap().extend(case.differs());
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), cases.len(), found.join("\n\n"));
}
