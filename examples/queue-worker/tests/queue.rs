//! The worker and a real RabbitMQ: what becomes of each message.
#![allow(clippy::unwrap_used)]

mod broker;
mod process;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use broker::Broker;
use process::{PROGRAM, Podinfo, Process, wait_for};

fn labels(role: &str, queue: &str, port: u16) -> String {
    format!(
        "app=\"queue-worker\"\nrabbitHost=\"127.0.0.1\"\nrabbitPort=\"{port}\"\nrabbitQueue=\"{queue}\"\nrole=\"{role}\""
    )
}

fn tool(broker: &Broker, arguments: &[&str]) -> String {
    let (command, arguments) = arguments.split_first().unwrap();
    let port = broker.port.to_string();
    let output = Command::new(PROGRAM)
        .args([*command, "--host", "127.0.0.1", "--port", &port])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn produce(broker: &Broker, queue: &str, from: usize, count: usize) {
    let (from, count) = (from.to_string(), count.to_string());
    tool(broker, &["produce", "--queue", queue, "--from", &from, "--count", &count]);
}

fn depth(broker: &Broker, queue: &str) -> usize {
    tool(broker, &["depth", "--queue", queue]).trim().parse().unwrap()
}

/// The receipts that there are, by message.
#[derive(Debug, Default)]
struct Done(BTreeMap<usize, Vec<Value>>);

impl Done {
    fn read(&mut self, broker: &Broker) {
        for line in tool(broker, &["receipts", "--drain"]).lines() {
            let receipt: Value = serde_json::from_str(line).unwrap();
            let message = receipt["message"].as_str().unwrap().parse().unwrap();
            self.0.entry(message).or_default().push(receipt);
        }
    }

    fn wait_for(&mut self, broker: &Broker, messages: usize) {
        wait_for(&format!("{messages} messages"), || {
            self.read(broker);
            (self.0.len() >= messages).then_some(())
        });
        // One that came twice would come now.
        self.read(broker);
        assert_eq!(self.0.len(), messages);
    }

    fn all(&self) -> impl Iterator<Item = &Value> {
        self.0.values().flatten()
    }

    fn assert_each_once(&self) {
        let twice: Vec<_> = self.0.values().filter(|receipts| receipts.len() != 1).collect();
        assert!(twice.is_empty(), "more than once: {twice:#?}");
    }
}

const RECEIPTS: (&str, &str) = ("RECEIPTS_QUEUE", "receipts");

#[test]
fn a_canary_works_on_its_own_queue_until_its_labels_say_otherwise() {
    if !broker::is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path());
    produce(&broker, "myPreviewQueue", 1, 300);
    produce(&broker, "myProductionQueue", 1001, 300);

    // No role yet: it takes nothing, and says why.
    let mut podinfo = Podinfo::new("app=\"queue-worker\"");
    let environment =
        [RECEIPTS, ("WORK_MS", "2"), ("PREFETCH", "10"), ("APP_VERSION", "v2"), ("POD_NAME", "pod-1")];
    let worker = Process::start(&podinfo.file(), &environment);
    let (status, reason) = worker.get("/readyz").unwrap();
    assert_eq!(status, 503);
    assert!(reason.contains("label role is missing"), "{reason}");
    assert_eq!(worker.get("/healthz").unwrap().0, 200);

    podinfo.write(&labels("preview", "myPreviewQueue", broker.port));
    wait_for("some messages", || (worker.describe()["processed"].as_u64()? >= 50).then_some(()));
    assert!(worker.is_ready());
    let mut done = Done::default();
    done.read(&broker);
    assert!(done.all().all(|receipt| receipt["queue"] == "myPreviewQueue"));
    assert_eq!(depth(&broker, "myProductionQueue"), 300, "the canary has taken nothing from it");

    // Promotion: in the middle of its work, with messages that were sent ahead.
    let swapped = Instant::now();
    podinfo.write(&labels("active", "myProductionQueue", broker.port));
    wait_for("the other queue", || (worker.describe()["queue"] == "myProductionQueue").then_some(()));
    let took = swapped.elapsed();
    println!("from the change of the file to the consumer on the other queue: {took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    let left = depth(&broker, "myPreviewQueue");
    assert!(left > 0, "it has left the rest");
    wait_for("ready again", || worker.is_ready().then_some(()));
    done.wait_for(&broker, 600 - left);
    done.assert_each_once();

    // Back again: what was sent ahead had been given back, and is marked.
    podinfo.write(&labels("preview", "myPreviewQueue", broker.port));
    done.wait_for(&broker, 600);
    done.assert_each_once();
    for receipt in done.all() {
        let role = if receipt["queue"] == "myPreviewQueue" { "preview" } else { "active" };
        assert_eq!(receipt["role"], role, "begun under a role of another queue: {receipt}");
        assert_eq!(receipt["version"], "v2");
        assert_eq!(receipt["pod"], "pod-1");
    }
    let redelivered = done.all().filter(|receipt| receipt["redelivered"] == true).count();
    assert!((1..=10).contains(&redelivered), "{redelivered}, and no more than PREFETCH are sent ahead");

    worker.signal("-TERM");
    let (status, took) = worker.wait();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(2), "idle, and took {took:?} to end");
}

#[test]
fn the_end_of_a_worker_loses_nothing() {
    if !broker::is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::start(folder.path());
    produce(&broker, "work", 1, 12);
    let podinfo = Podinfo::new(&labels("active", "work", broker.port));
    let slow = [RECEIPTS, ("WORK_MS", "300"), ("PREFETCH", "3")];
    let mut done = Done::default();

    // Asked to end in the middle of a message it finishes that one and gives back the others.
    let worker = Process::start(&podinfo.file(), &slow);
    wait_for("the first message", || (worker.describe()["processed"].as_u64()? >= 1).then_some(()));
    worker.signal("-TERM");
    let (status, _) = worker.wait();
    assert!(status.success(), "{status}");
    done.read(&broker);
    done.assert_each_once();
    let finished = done.0.len();
    assert!((2..12).contains(&finished), "{finished}");
    assert_eq!(depth(&broker, "work"), 12 - finished, "done or waiting, and nothing in between");

    // Killed in the middle of one it leaves it to the next.
    let worker = Process::start(&podinfo.file(), &slow);
    wait_for("another message", || (worker.describe()["processed"].as_u64()? >= 1).then_some(()));
    worker.signal("-KILL");
    worker.wait();
    let _worker = Process::start(&podinfo.file(), &[RECEIPTS, ("WORK_MS", "1")]);
    done.wait_for(&broker, 12);
    for receipts in done.0.values() {
        // At least once: twice only what was done by one that could not say so any more.
        assert!(receipts.len() == 1 || receipts[1]["redelivered"] == true, "{receipts:#?}");
    }
    wait_for("an empty queue", || (depth(&broker, "work") == 0).then_some(()));
}

#[test]
fn a_broker_that_goes_away_is_waited_for() {
    if !broker::is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Broker::start(folder.path());
    produce(&broker, "work", 1, 200);
    let podinfo = Podinfo::new(&labels("active", "work", broker.port));
    let worker = Process::start(&podinfo.file(), &[RECEIPTS, ("WORK_MS", "5"), ("PREFETCH", "5")]);
    wait_for("some messages", || (worker.describe()["processed"].as_u64()? >= 20).then_some(()));
    assert!(worker.is_ready());

    broker.stop();
    let reason = wait_for("not ready", || {
        let (status, reason) = worker.get("/readyz")?;
        (status == 503 && reason.contains("connect to")).then_some(reason)
    });
    assert!(reason.contains(&format!("connect to 127.0.0.1:{}", broker.port)), "{reason}");
    assert_eq!(worker.get("/healthz").unwrap().0, 200, "no reason to restart it");

    broker.start_again();
    wait_for("ready again", || worker.is_ready().then_some(()));
    let mut done = Done::default();
    done.wait_for(&broker, 200);
    for receipts in done.0.values() {
        assert!(receipts.len() == 1 || receipts[1]["redelivered"] == true, "{receipts:#?}");
    }

    // And it ends promptly also while there is none.
    broker.stop();
    wait_for("not ready", || (!worker.is_ready()).then_some(()));
    worker.signal("-TERM");
    let (status, took) = worker.wait();
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(2), "took {took:?} to end");
}
