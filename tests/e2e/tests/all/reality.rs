//! The simulator against the real thing: the same stories in both, and every write of the real ones in the other.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use serin_e2e::reality::stage::play;
use serin_e2e::reality::{Report, check};
use serin_stories::Story;

/// How many stories are played at the same time.
const AT_ONCE: usize = 4;

/// What people do, and where everything rests in between (`time`).
const STORIES: &str = include_str!("reality/stories.txt");

/// A log of a real cluster: the first deploy of a Rollout, and an update.
fn short_log() -> (String, String, String) {
    let space = serin_e2e::Space::paused("altered");
    let unrest = || serin_e2e::reality::rest::unrest(&space.log(), &space.namespace, "web");
    space.until("everything rests", || unrest().is_none());
    (space.log(), space.namespace.clone(), space.user())
}

/// The log with one write changed, in what was asked and in what came of it.
fn altered(log: &str, matches: impl Fn(&Value) -> bool, alter: impl Fn(&mut Value)) -> String {
    let mut done = false;
    let mut line = |text: &str| {
        let mut line: Value = serde_json::from_str(text).unwrap();
        if !done && matches(&line) {
            done = true;
            alter(&mut line);
        }
        line.to_string()
    };
    let lines: Vec<String> = log.lines().map(&mut line).collect();
    assert!(done, "no such write");
    lines.join("\n")
}

#[test]
fn one_altered_write_is_refused_whoever_made_it() {
    let (log, namespace, operator) = short_log();
    let refused = |log: &str| check(log, &namespace, &operator, "web").refused.join("\n");
    assert_eq!(refused(&log), "");

    let by = |user: &'static str, resource: &'static str, verb: &'static str| {
        move |line: &Value| {
            let is_his = line["user"]["username"].as_str().unwrap().ends_with(user);
            is_his && line["objectRef"]["resource"] == resource && line["verb"] == verb
        }
    };
    let of_operator = by(":serin", "httproutes", "patch");
    let weights = altered(&log, of_operator, |line| {
        line["responseObject"]["spec"]["rules"][0]["backendRefs"][0]["weight"] = json!(77);
    });
    assert!(
        refused(&weights).contains("server: patch httproutes/route"),
        "the server: {}",
        refused(&weights)
    );
    let another = altered(&log, of_operator, |line| {
        for part in line["requestObject"].as_array_mut().unwrap() {
            if part["op"] != "test" && part["path"].as_str().unwrap().ends_with("/weight") {
                part["value"] = json!(77);
            }
        }
    });
    assert!(
        refused(&another).contains("operator: patch httproutes/route"),
        "the operator: {}",
        refused(&another)
    );
    let counted = altered(&log, by("replicaset-controller", "replicasets", "update"), |line| {
        line["requestObject"]["status"]["replicas"] = json!(9);
        line["responseObject"]["status"]["replicas"] = json!(9);
    });
    assert!(refused(&counted).contains("ReplicaSet controller: update"), "the counts: {}", refused(&counted));
    let listed = |line: &Value| {
        by("endpointslice-controller", "endpointslices", "update")(line)
            && !line["responseObject"]["endpoints"].as_array().is_none_or(Vec::is_empty)
    };
    let listed = altered(&log, listed, |line| {
        let ends = json!({"ready": false, "serving": true, "terminating": true});
        line["responseObject"]["endpoints"][0]["conditions"] = ends.clone();
        line["requestObject"]["endpoints"][0]["conditions"] = ends;
    });
    assert!(refused(&listed).contains("EndpointSlice controller: update"), "the list: {}", refused(&listed));
}

#[test]
fn stories_go_as_in_the_simulator() {
    let told: Vec<Story> = STORIES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.parse().unwrap())
        .collect();
    let (next, reports) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(story) = told.get(number) else { break };
                    let report = play(&format!("story{number}"), story);
                    reports.lock().unwrap().push(report);
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap();
    let refused: Vec<&str> = reports.iter().flat_map(|report| &report.refused).map(String::as_str).collect();
    let sum = |counts: fn(&Report) -> &BTreeMap<&'static str, usize>| {
        let mut sum = BTreeMap::<&str, usize>::new();
        for (part, count) in reports.iter().flat_map(counts) {
            *sum.entry(part).or_default() += count;
        }
        sum
    };
    let (compared, late) = (sum(|report| &report.compared), sum(|report| &report.late));
    eprintln!("compared {compared:?}, of which late {late:?}");
    assert!(refused.is_empty(), "{} of {compared:?}:\n{}", refused.len(), refused.join("\n\n"));
    for part in [
        "server",
        "operator",
        "ReplicaSet controller",
        "EndpointSlice controller",
        "garbage collector",
        "node",
    ] {
        assert!(compared.get(part).is_some_and(|count| *count > 0), "nothing of the {part} was compared");
    }
}
