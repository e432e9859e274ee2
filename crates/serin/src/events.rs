//! Kubernetes Events, published behind everything else: an Event never delays a traffic write.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::Request;
use kube::Client;
use serde_json::{Value, json};
use serin_api::names::FIELD_MANAGER;
use serin_api::rollout::KIND;
use serin_api::{Names, Rollout};
use serin_engine::events::{Event, Severity};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, warn};

use crate::clock::Clock;

/// Events that wait at most; more are dropped, because the newest state is in status anyway.
const CAPACITY: usize = 4096;

/// While reconciles are under way an Event waits this long at most, so that a busy operator still tells.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long one publication may take.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the end of the process waits for Events that are still queued.
const FLUSH: Duration = Duration::from_secs(2);

/// The API's limit for a note, in bytes.
const NOTE_LIMIT: usize = 1024;

/// Where Events are handed over. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct EventQueue {
    queue: Sender<Value>,
    busy: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
    context: Arc<Stamp>,
}

/// What every Event of this process carries.
struct Stamp {
    names: Arc<Names>,
    clock: Clock,
    /// Who reports, as in the Events API.
    instance: String,
    /// Tells Events of the same moment apart.
    sequence: AtomicU64,
}

/// Says that a reconcile is under way, for as long as it lives.
pub struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Publishes what the queue hands over.
pub struct Publisher {
    client: Client,
    queue: Receiver<Value>,
    busy: Arc<AtomicUsize>,
}

/// A queue and the publisher behind it. `instance` names this process.
pub fn queue(client: Client, names: Arc<Names>, clock: Clock, instance: String) -> (EventQueue, Publisher) {
    let (sender, receiver) = channel(CAPACITY);
    let busy = Arc::new(AtomicUsize::new(0));
    let context = Arc::new(Stamp { names, clock, instance, sequence: AtomicU64::new(0) });
    let queue = EventQueue { queue: sender, busy: Arc::clone(&busy), dropped: Arc::default(), context };
    (queue, Publisher { client, queue: receiver, busy })
}

impl EventQueue {
    /// Hands an Event over. When the queue is full it is dropped and counted.
    pub fn tell(&self, rollout: &Rollout, event: &Event) {
        if self.queue.try_send(self.object(rollout, event)).is_err()
            && self.dropped.fetch_add(1, Ordering::Relaxed) == 0
        {
            warn!("Events are dropped: the API server takes them more slowly than they come");
        }
    }

    /// Marks a reconcile as under way.
    pub fn busy(&self) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(&self.busy))
    }

    /// One Event object for each note: the API's own way of counting repetitions keeps only the first note.
    fn object(&self, rollout: &Rollout, event: &Event) -> Value {
        let Stamp { names, clock, instance, sequence } = &*self.context;
        let metadata = &rollout.metadata;
        let (name, now) = (metadata.name.as_deref().unwrap_or_default(), clock.now());
        let number = sequence.fetch_add(1, Ordering::Relaxed);
        // Names of Rollouts may be as long as names can be; what is cut off must not leave a dash before the dot.
        let prefix: String = name.chars().take(200).collect();
        let prefix = prefix.trim_end_matches(['-', '.']);
        let kind = match event.severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        };
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {
                "name": format!("{prefix}.{:x}{number:x}", now.as_microsecond()),
                "namespace": metadata.namespace,
            },
            "eventTime": now.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "type": kind,
            "reason": event.reason,
            "action": event.reason,
            "note": clipped(&event.note),
            "reportingController": format!("{}/{FIELD_MANAGER}", names.group),
            "reportingInstance": instance,
            "regarding": {
                "apiVersion": names.api_version(),
                "kind": KIND,
                "name": name,
                "namespace": metadata.namespace,
                "uid": metadata.uid,
                "resourceVersion": metadata.resource_version,
            },
        })
    }
}

fn clipped(note: &str) -> &str {
    let mut end = note.len().min(NOTE_LIMIT);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    &note[..end]
}

impl Publisher {
    /// Publishes until every queue is dropped and what it held is told, or two seconds have passed since then.
    pub async fn run(mut self) {
        let mut flush_until: Option<Instant> = None;
        while let Some(event) = self.queue.recv().await {
            if self.queue.is_closed() || self.queue.sender_strong_count() == 0 {
                let until = *flush_until.get_or_insert_with(|| Instant::now() + FLUSH);
                if Instant::now() >= until {
                    return;
                }
            } else {
                self.wait_for_quiet().await;
            }
            self.publish(&event).await;
        }
    }

    /// Lets reconciles go first. They are short, so this polls rather than adding a wake-up to each of them.
    async fn wait_for_quiet(&self) {
        let until = Instant::now() + PATIENCE;
        while self.busy.load(Ordering::Relaxed) > 0
            && Instant::now() < until
            && self.queue.sender_strong_count() > 0
        {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn publish(&self, event: &Value) {
        let namespace = event["metadata"]["namespace"].as_str().unwrap_or_default();
        let request = Request::post(format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events"))
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(event.to_string().into_bytes());
        let Ok(request) = request else { return };
        match timeout(PUBLISH_TIMEOUT, self.client.request::<Value>(request)).await {
            Ok(Ok(_)) => {}
            // The namespace may be going away, and nothing depends on an Event.
            Ok(Err(error)) => debug!(%error, "could not publish an Event"),
            Err(_) => debug!("no answer to the publication of an Event"),
        }
    }
}

#[cfg(test)]
mod tests;
