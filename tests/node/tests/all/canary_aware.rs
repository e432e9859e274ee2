//! Scenario B with a real queue: who works on which messages, and how long it takes a pod to learn that it was promoted.

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use serde_json::Value;
use serin_node::rollout::identities;
use serin_node::{Queue, Rollout, Site};

const PRODUCTION: &str = "myProductionQueue";
const PREVIEW: &str = "myPreviewQueue";

/// The numbers of preview messages begin here, so that they are told from the others.
const PREVIEW_FROM: u64 = 1_000_000;
const PREVIEW_MESSAGES: u64 = 200;

/// The longest that four in five pods may take from the new label to the new queue, in milliseconds.
const SWITCH_P80: i64 = 3000;

/// The longest that any may take: an update of the file that the kubelet fails to make at once is made at the next sync,
/// after up to a minute and a half.
const SWITCH_LONGEST: i64 = 120_000;

fn deployed<'s>(site: &'s Site, queue: &Queue) -> Rollout<'s> {
    // As if from an earlier day.
    queue.produce(PRODUCTION, PREVIEW_FROM - 1, 1, 0);
    queue.produce(PREVIEW, PREVIEW_FROM, 1, 0);
    Rollout::queue_worker(site)
}

#[test]
fn each_message_is_worked_on_by_its_own_role_and_pods_change_queues_in_place() {
    let site = Site::open();
    let queue = Queue::open(&site);
    let rollout = deployed(&site, &queue);
    let production = queue.keep_producing(PRODUCTION, 50);

    rollout.set_image("localhost/queue-worker:v2");
    let v2 = rollout.until_paused_at(1)["currentPodHash"].as_str().unwrap().to_owned();
    queue.produce(PREVIEW, PREVIEW_FROM + 1, PREVIEW_MESSAGES, 50);
    rollout.resume(1);
    rollout.until_paused_at(3);
    site.until("the preview queue is empty", || queue.depth(PREVIEW) == 0);
    let before = identities(&rollout.pods_of(&v2));
    assert_eq!(before.len(), 5);

    rollout.resume(3);
    rollout.until_healthy();
    site.until("every pod has seen that it is active", || {
        let pods = rollout.pods_of(&v2);
        let seen = |pod: &&Value| pod["metadata"]["annotations"]["serin.dev/role-seen"] == "active";
        pods.iter().filter(seen).count() == 5
    });
    let old = |site: &Site| {
        let sets = site.list("replicasets", "app=queue-worker");
        let hash =
            |set: &Value| set["metadata"]["labels"]["rollouts-pod-template-hash"].as_str().map(str::to_owned);
        sets.iter().filter_map(hash).find(|hash| *hash != v2).unwrap()
    };
    rollout.until_gone(&old(&site));
    let produced = production.stop();
    site.until("the production queue is empty", || queue.depth(PRODUCTION) == 0);
    assert_eq!(before, identities(&rollout.pods_of(&v2)), "the same pods, never restarted");

    let preview = (PREVIEW_FROM..=PREVIEW_FROM + PREVIEW_MESSAGES).collect::<Vec<_>>();
    let mut receipts: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
    site.until("every message has a receipt", || queue.depth("receipts") > produced + PREVIEW_MESSAGES + 1);
    for receipt in queue.receipts() {
        let number = receipt["message"].as_str().unwrap().parse().unwrap();
        receipts.entry(number).or_default().push(receipt);
    }
    let expected = (1..=produced).chain([PREVIEW_FROM - 1]).chain(preview);
    let missing: Vec<u64> = expected.clone().filter(|number| !receipts.contains_key(number)).collect();
    assert!(missing.is_empty(), "never worked on: {missing:?}");
    assert_eq!(receipts.len(), expected.count(), "messages that nobody sent");
    let mut redelivered = 0;
    for (number, receipts) in &receipts {
        let role = if *number >= PREVIEW_FROM { "preview" } else { "active" };
        for receipt in receipts {
            assert_eq!(receipt["role"], role, "{receipt}");
            assert_eq!(receipt["queue"], if role == "active" { PRODUCTION } else { PREVIEW }, "{receipt}");
        }
        let again = receipts.iter().filter(|receipt| receipt["redelivered"] == true).count();
        assert!(receipts.len() <= 1 + again, "worked on twice without need: {receipts:?}");
        redelivered += again;
    }
    println!(
        "{produced} production and {PREVIEW_MESSAGES} preview messages; {redelivered} were delivered again"
    );
    assert_switches(&site, &rollout.pods_of(&v2));
}

/// From the request that changes a pod's labels to its word that it consumes from the new queue.
fn assert_switches(site: &Site, pods: &[Value]) {
    let log = fs::read_to_string(&site.inside.audit_log).unwrap();
    let entries: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut delays: Vec<i64> = pods.iter().map(|pod| delay(site, &entries, pod)).collect();
    delays.sort_unstable();
    let p80 = delays[(delays.len() * 80).div_ceil(100) - 1];
    println!("label -> consumer of the new queue: {delays:?} ms");
    assert!(p80 <= SWITCH_P80 && delays.iter().all(|delay| *delay <= SWITCH_LONGEST), "{delays:?} ms");
}

fn delay(site: &Site, audit: &[Value], pod: &Value) -> i64 {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let mut relabelled = audit.iter().filter(|entry| {
        entry["objectRef"]["resource"] == "pods"
            && entry["objectRef"]["name"] == name
            && entry["verb"] == "patch"
            && entry["responseObject"]["metadata"]["labels"]["role"] == "active"
            && entry["user"]["username"].as_str().is_some_and(|user| user.ends_with(":serin"))
    });
    let relabelled = relabelled.next_back().unwrap_or_else(|| panic!("{name} was never relabelled"));
    let relabelled: Timestamp = relabelled["requestReceivedTimestamp"].as_str().unwrap().parse().unwrap();
    let log = site.must(&["logs", name]);
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let consuming =
        |line: &Value| line.to_string().contains("\"consuming\"") && line.to_string().contains(PRODUCTION);
    let consumed = lines.rfind(consuming).unwrap_or_else(|| panic!("{name} never consumed: {log}"));
    let consumed: Timestamp = consumed["timestamp"].as_str().unwrap().parse().unwrap();
    let milliseconds = consumed.duration_since(relabelled).as_millis();
    i64::try_from(milliseconds).unwrap()
}
