//! A story on a real cluster.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use serin_stories::Story;
use serin_stories::stage::NAME;
use serin_testkit::Kind;
use serin_testkit::world::{Record, Verb};

use super::alike::difference;
use super::facts::facts;
use super::history::History;
use super::told::{Event, objects, tell};
use super::{Report, check, rest};
use crate::Space;
use crate::space::PATIENCE;

/// For how long nobody writes before a world is asked whether it rests.
const QUIET: Duration = Duration::from_millis(400);

/// Plays a story in a namespace of its own, and tells what was compared and what was not as in the simulator.
pub fn play(name: &str, story: &Story) -> Report {
    let events = tell(story).unwrap_or_else(|violation| panic!("{name}: {}", violation.0));
    let mut space = Space::new(name);
    space.apply_all(&objects(story));
    let mut differences = Vec::new();
    for (number, event) in events.iter().enumerate() {
        match event {
            Event::Asks(record, pod) => ask(&space, record, *pod),
            Event::Crash => space.crash(),
            Event::Rests(wanted) => {
                until_rest(&space);
                let log = space.log();
                let history = History::of(&log, &space.namespace);
                let found = facts(history.still(history.moments.len()));
                if let Some(difference) = difference(wanted, &found) {
                    differences.push(format!("rest: after event {number} of {story}: {difference}"));
                }
            }
        }
    }
    let mut report = check(&space.log(), &space.namespace, &space.user(), NAME);
    report.refused.extend(differences);
    report
}

/// Waits until nobody writes any more, and the simulator has nothing to do either.
fn until_rest(space: &Space) {
    let deadline = Instant::now() + PATIENCE;
    let (mut seen, mut since) = (0, Instant::now());
    loop {
        let log = space.log();
        if log.len() != seen {
            (seen, since) = (log.len(), Instant::now());
        } else if since.elapsed() >= QUIET {
            match rest::unrest(&log, &space.namespace, NAME) {
                None => return,
                Some(why) if Instant::now() > deadline => {
                    space.fail(&format!("it does not come to rest: {why}"))
                }
                Some(_) => {}
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Asks the real server for what somebody has asked the simulator's for, and expects the same answer.
fn ask(space: &Space, record: &Record, pod: Option<usize>) {
    let kind = match record.kind {
        Kind::Rollout => "rollouts.serin.dev",
        Kind::HttpRoute => "httproutes",
        other => other.plural(),
    };
    let name = pod.map_or_else(|| record.name.clone(), |number| nth_pod(space, number));
    let body = with_times_of_now(&record.body).to_string();
    let subresource = record.subresource.iter().flat_map(|name| ["--subresource", name]);
    let mut args: Vec<&str> = Vec::new();
    let answer = match record.verb {
        Verb::Patch => {
            let language = if record.body.is_array() { "json" } else { "merge" };
            args.extend(["patch", kind, &name, "--type", language, "--patch", &body]);
            args.extend(subresource);
            space.try_kubectl(&args).map(drop)
        }
        Verb::Delete => {
            let policy = record.body["propagationPolicy"].as_str().unwrap_or("Background").to_lowercase();
            let cascade = format!("--cascade={policy}");
            space.try_kubectl(&["delete", kind, &name, &cascade, "--wait=false"]).map(drop)
        }
        Verb::Create => {
            let mut object = record.body.clone();
            object["metadata"] = json!({ "name": object["metadata"]["name"] });
            space.try_create(&object)
        }
        verb => panic!("people do not {} in a story", verb.word()),
    };
    let is_done = record.code < 300;
    if answer.is_ok() != is_done {
        space.fail(&format!("{record} in the simulator, but: {answer:?}"));
    }
}

fn nth_pod(space: &Space, number: usize) -> String {
    let pods = space.list("pods");
    let pod = pods.get(number).unwrap_or_else(|| space.fail(&format!("there is no pod number {number}")));
    pod["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The simulator's time is another one.
fn with_times_of_now(body: &Value) -> Value {
    match body {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), with_times_of_now(value))).collect()
        }
        Value::String(text) if text.parse::<Timestamp>().is_ok() => {
            json!(Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string())
        }
        other => other.clone(),
    }
}
