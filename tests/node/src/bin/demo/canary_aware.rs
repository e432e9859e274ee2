//! Scenario B: a worker that takes messages from the queue of its role.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::Value;
use serin_node::rollout::{counted, identities};
use serin_node::{Queue, Rollout, Site};

use crate::stage::Stage;

const PRODUCTION: &str = "myProductionQueue";
const PREVIEW: &str = "myPreviewQueue";

pub fn play(stage: &Stage, site: &Site) {
    stage.title(
        "Canary-aware: a canary works on myPreviewQueue, and once promoted on myProductionQueue, unrestarted",
    );
    let queue = Queue::open(site);
    let rollout = stage.run("kubectl apply -f examples/queue-worker/", || Rollout::queue_worker(site));
    stage.say("Thirty messages a second go into myProductionQueue, and twenty into myPreviewQueue while there is a canary.");
    let production = queue.keep_producing(PRODUCTION, 30);
    let worked: Mutex<Vec<Value>> = Mutex::default();
    let head = format!(
        "{:8} {:12} {:4} {:34} {:34} pods",
        "weights", "phase", "step", "myProductionQueue, by", "myPreviewQueue, by"
    );
    let row = || {
        let receipts = queue.receipts();
        let by = |name: &str| {
            let mut by: BTreeMap<String, usize> = BTreeMap::new();
            for receipt in receipts.iter().filter(|receipt| receipt["queue"] == name) {
                let text = |field: &str| receipt[field].as_str().unwrap_or_default();
                *by.entry(format!("{} {}", text("version"), text("role"))).or_default() += 1;
            }
            by.iter().map(|(who, count)| format!("{count} {who}")).collect::<Vec<_>>().join(", ")
        };
        let (from_production, from_preview) = (by(PRODUCTION), by(PREVIEW));
        worked.lock().unwrap().extend(receipts);
        let (status, (stable, canary)) = (rollout.status(), rollout.weights("queue-worker"));
        let (phase, step) = (status["phase"].as_str().unwrap_or_default(), &status["currentStepIndex"]);
        let role = |pod: &Value| pod["metadata"]["labels"]["role"].as_str().unwrap_or_default().to_owned();
        let pods = counted(&site.list("pods", "app=queue-worker"), role);
        let weights = format!("{stable}/{canary}");
        format!("{weights:8} {phase:12} {step:4} {from_production:34} {from_preview:34} {pods}")
    };
    let unchanged = stage.watch(&head, row, || {
        std::thread::sleep(Duration::from_secs(3));
        stage.shell(&rollout.image_command("localhost/queue-worker:v2"));
        let how = |status: &Value| status["waitingFor"][0]["unblock"].as_str().unwrap_or_default().to_owned();
        let paused = rollout.until_paused_at(1);
        let v2 = paused["currentPodHash"].as_str().unwrap_or_default().to_owned();
        let preview = queue.keep_producing(PREVIEW, 20);
        std::thread::sleep(Duration::from_secs(4));
        stage.ask(&how(&paused));
        let all = rollout.until_paused_at(3);
        std::thread::sleep(Duration::from_secs(3));
        preview.stop();
        site.until("the preview queue is empty", || queue.depth(PREVIEW) == 0);
        let before = identities(&rollout.pods_of(&v2));
        stage.say("Now the promotion: the same pods, not restarted, are told to change queues.");
        stage.ask(&how(&all));
        rollout.until_healthy();
        std::thread::sleep(Duration::from_secs(5));
        before == identities(&rollout.pods_of(&v2))
    });
    let produced = production.stop();
    site.until("the production queue is empty", || queue.depth(PRODUCTION) == 0);
    std::thread::sleep(Duration::from_secs(1));
    let mut worked = worked.into_inner().unwrap();
    worked.extend(queue.receipts());
    let of = |name: &'static str| worked.iter().filter(move |receipt| receipt["queue"] == name);
    let numbers = |name| {
        of(name).filter_map(|receipt| receipt["message"].as_str()).collect::<std::collections::BTreeSet<_>>()
    };
    let by_role = |name, role: &str| of(name).all(|receipt| receipt["role"] == role);
    stage.check("production messages were worked on by active pods only", by_role(PRODUCTION, "active"));
    stage.check(
        "preview messages were worked on by preview pods only",
        by_role(PREVIEW, "preview") && of(PREVIEW).count() > 0,
    );
    let promoted = of(PRODUCTION).any(|receipt| receipt["version"] == "v2");
    stage.check("once promoted, v2 works on the production queue", promoted);
    let count = u64::try_from(numbers(PRODUCTION).len()).unwrap_or(0);
    stage.check(&format!("every one of {produced} production messages was worked on"), count == produced);
    stage.check("the promoted pods are the same ones, never restarted", unchanged);
}
