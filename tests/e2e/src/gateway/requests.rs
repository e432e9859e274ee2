//! Simulated requests: who answers them, if anybody does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use serin_testkit::controllers::gateway::{Backend, DataPlane};

/// Failures that are told in words; all are counted.
const TOLD: usize = 20;

/// What became of the requests through one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub sent: u64,
    pub failed: u64,
    /// Those that were answered, by the image of the pod.
    pub versions: BTreeMap<String, u64>,
}

impl Tally {
    /// The part of the answers that came from an image, in percent.
    pub fn share(&self, image: &str) -> f64 {
        let answered: u64 = self.versions.values().sum();
        let of_image = self.versions.get(image).copied().unwrap_or(0);
        100.0 * of_image as f64 / answered.max(1) as f64
    }

    /// What has come since an earlier one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let new = |(image, count): (&String, &u64)| {
            (image.clone(), count - earlier.versions.get(image).copied().unwrap_or(0))
        };
        Self {
            sent: self.sent - earlier.sent,
            failed: self.failed - earlier.failed,
            versions: self.versions.iter().map(new).collect(),
        }
    }
}

/// The pods that have been seen, by uid.
#[derive(Clone, Debug, Default)]
pub struct Pods(BTreeMap<String, Pod>);

#[derive(Clone, Debug)]
struct Pod {
    name: String,
    image: String,
    answers: bool,
}

impl Pods {
    /// A pod answers while it is ready, and no longer from the moment at which its end is asked for.
    pub fn see(&mut self, pod: &Value) {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let is_ready =
            conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let seen = Pod {
            name: text(&pod["metadata"]["name"]),
            image: text(&pod["spec"]["containers"][0]["image"]),
            answers: is_ready && pod["metadata"]["deletionTimestamp"].is_null(),
        };
        self.0.insert(text(&pod["metadata"]["uid"]), seen);
    }

    /// A pod that is gone: its name is kept for those who still ask for it.
    pub fn lose(&mut self, pod: &Value) {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        if let Some(pod) = self.0.get_mut(uid) {
            pod.answers = false;
        }
    }
}

/// The requests of one gateway.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    per_second: u32,
    since: Timestamp,
    sent: u64,
    tallies: BTreeMap<String, Tally>,
    failures: Vec<String>,
    /// How many were sent through each rule, by route and number of the rule: the next one's place in it.
    turns: BTreeMap<(String, usize), u64>,
}

impl Requests {
    /// Sends from now on, and counts from none.
    pub fn start(&mut self, per_second: u32, now: Timestamp) {
        *self = Self { per_second, since: now, ..Self::default() };
    }

    pub fn tallies(&self) -> &BTreeMap<String, Tally> {
        &self.tallies
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Sends all that are due, through each rule in its turn. A rule without backends answers by itself.
    pub fn send(&mut self, now: Timestamp, data_plane: &DataPlane, pods: &Pods) {
        let millis = u64::try_from(now.duration_since(self.since).as_millis()).unwrap_or(0);
        let due = (u64::from(self.per_second) * millis / 1000).saturating_sub(self.sent);
        if due == 0 {
            return;
        }
        let mut number = 0;
        let mut last = "";
        let mut rules = Vec::new();
        for ((_, route), rule) in data_plane.rules() {
            number = if last == route { number + 1 } else { 0 };
            last = route;
            if !rule.is_empty() {
                rules.push((route, number, rule));
            }
        }
        // Where nothing leads anywhere nobody asks.
        for request in self.sent..self.sent + due {
            let Some((route, number, rule)) = usize::try_from(request)
                .ok()
                .and_then(|request| rules.get(request % rules.len().max(1)).copied())
            else {
                break;
            };
            self.ask(now, route, number, rule, data_plane, pods);
        }
        self.sent += due;
    }

    fn ask(
        &mut self,
        now: Timestamp,
        route: &str,
        number: usize,
        rule: &[Backend],
        data_plane: &DataPlane,
        pods: &Pods,
    ) {
        let turn = self.turns.entry((route.to_owned(), number)).or_default();
        *turn += 1;
        let answer = answer(*turn, rule, data_plane, pods);
        let tally = self.tallies.entry(route.to_owned()).or_default();
        tally.sent += 1;
        match answer {
            Ok(image) => *tally.versions.entry(image.to_owned()).or_default() += 1,
            Err(why) => {
                tally.failed += 1;
                if self.failures.len() < TOLD {
                    self.failures.push(format!("{now} {route}, rule {number}: {why}"));
                }
            }
        }
    }
}

/// The image of the pod that answers.
fn answer<'p>(
    turn: u64,
    rule: &[Backend],
    data_plane: &DataPlane,
    pods: &'p Pods,
) -> Result<&'p str, String> {
    let all: i64 = rule.iter().map(|backend| backend.weight).sum();
    if all == 0 {
        return Err("all backends have weight 0".to_owned());
    }
    // Multiples of the golden ratio fill an interval evenly, so the split of a few hundred requests is the one of the
    // weights, and not one that chance has made.
    let place = (turn as f64 * 0.618_033_988_749_895).fract() * all as f64;
    let mut below = 0.0;
    let backend = rule.iter().find(|backend| {
        below += backend.weight as f64;
        place < below
    });
    let backend = backend.ok_or("no backend")?;
    let (service, weight) = (&backend.service, backend.weight);
    let known: Vec<&str> = data_plane.pods(service).collect();
    if known.is_empty() {
        return Err(format!("{} has weight {weight} and no endpoint", service.name));
    }
    let uid = known.get(usize::try_from(turn).unwrap_or(0) % known.len()).copied().unwrap_or_default();
    match pods.0.get(uid) {
        Some(pod) if pod.answers => Ok(&pod.image),
        Some(pod) => Err(format!(
            "{} has weight {weight} and leads to {}, which is gone or not ready",
            service.name, pod.name
        )),
        None => {
            Err(format!("{} has weight {weight} and leads to a pod {uid} that nobody has seen", service.name))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;
    use serde_json::json;
    use serin_testkit::controllers::Gateway;

    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    fn pod(name: &str, image: &str, ready: bool) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "uid": name},
            "spec": {"containers": [{"name": "web", "image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}]},
        })
    }

    fn slice(service: &str, pods: &[&str]) -> Arc<Value> {
        let endpoints: Vec<Value> = pods
            .iter()
            .map(|uid| json!({"conditions": {"ready": true}, "targetRef": {"uid": uid}}))
            .collect();
        Arc::new(json!({
            "metadata": {"name": service, "namespace": "ns", "labels": {"kubernetes.io/service-name": service}},
            "endpoints": endpoints,
        }))
    }

    fn data_plane(weights: (i64, i64), canary: &[&str]) -> DataPlane {
        let route = json!({
            "metadata": {"name": "route", "namespace": "ns", "uid": "r", "generation": 1},
            "spec": {"rules": [{"backendRefs": [
                {"name": "stable", "weight": weights.0}, {"name": "canary", "weight": weights.1},
            ]}]},
        });
        let mut gateway = Gateway::default();
        let now = Timestamp::UNIX_EPOCH;
        gateway.look(vec![Arc::new(route)], &[slice("stable", &["a"]), slice("canary", canary)], now);
        while gateway.follow(now) {}
        gateway.data_plane().clone()
    }

    fn sent(data_plane: &DataPlane, pods: &Pods) -> (Tally, Vec<String>) {
        let mut requests = Requests::default();
        requests.start(1000, Timestamp::UNIX_EPOCH);
        requests.send(Timestamp::UNIX_EPOCH + SECOND, data_plane, pods);
        (requests.tallies().get("route").cloned().unwrap_or_default(), requests.failures().to_vec())
    }

    #[test]
    fn requests_are_split_by_weight_and_counted_by_version() {
        let mut pods = Pods::default();
        pods.see(&pod("a", "web:1", true));
        pods.see(&pod("b", "web:2", true));
        let (tally, failures) = sent(&data_plane((90, 10), &["b"]), &pods);
        assert_eq!((tally.sent, tally.failed, failures.len()), (1000, 0, 0));
        assert!((tally.share("web:2") - 10.0).abs() < 0.5, "{tally:?}");
    }

    #[test]
    fn an_empty_backend_and_pods_that_are_gone_fail_their_share() {
        let mut pods = Pods::default();
        pods.see(&pod("a", "web:1", true));
        let (tally, failures) = sent(&data_plane((80, 20), &[]), &pods);
        assert!(tally.failed.abs_diff(200) <= 2, "{tally:?}");
        assert!(failures[0].contains("canary has weight 20 and no endpoint"), "{failures:?}");
        let gone = pod("b", "web:2", true);
        pods.see(&gone);
        pods.lose(&gone);
        let (tally, failures) = sent(&data_plane((0, 100), &["b"]), &pods);
        assert_eq!(tally.failed, 1000);
        assert!(failures[0].contains("leads to b, which is gone"), "{failures:?}");
        let mut ending = pod("b", "web:2", true);
        ending["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        pods.see(&ending);
        assert_eq!(sent(&data_plane((0, 100), &["b"]), &pods).0.failed, 1000);
        pods.see(&pod("b", "web:2", false));
        assert_eq!(sent(&data_plane((0, 100), &["b"]), &pods).0.failed, 1000);
    }
}
