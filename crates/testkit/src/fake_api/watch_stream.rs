//! The stream of one watch, fed from the world's history.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{FakeApi, Served, only_metadata};
use serin_world::world::{Call, EventType, Scope};

/// Tells what has happened since `told`, then waits for more.
pub(super) struct WatchStream {
    api: FakeApi,
    scope: Scope,
    metadata_only: bool,
    /// The version up to which everything is told or in `lines`.
    told: u64,
    lines: VecDeque<Bytes>,
    /// The connections that this stream belongs to.
    connection: u64,
    is_over: bool,
}

impl WatchStream {
    /// Answers a WATCH. Without a version, it begins with the objects that are there.
    pub fn begin(api: FakeApi, served: &Served, call: &Call, metadata_only: bool) -> Self {
        let world = &served.world;
        let begin_with_all = call.query.is_set("sendInitialEvents");
        let asked = call.query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
        let mut stream = Self {
            api,
            scope: world.scope(call),
            metadata_only,
            told: asked,
            lines: VecDeque::new(),
            connection: served.connection,
            is_over: false,
        };
        if begin_with_all || asked == 0 {
            let objects = world.all(call.kind());
            for object in objects {
                let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
                if stream.scope.includes(namespace, &object) {
                    stream.tell(EventType::Added.word(), &object);
                }
            }
            stream.told = world.version();
        }
        if begin_with_all {
            let bookmark = json!({
                "apiVersion": world.api_version(call.kind()), "kind": call.kind().name(),
                "metadata": {
                    "resourceVersion": stream.told.to_string(),
                    "annotations": { "k8s.io/initial-events-end": "true" },
                },
            });
            stream.tell("BOOKMARK", &bookmark);
        }
        stream
    }

    fn tell(&mut self, event: &str, object: &Value) {
        let object = if self.metadata_only && event != "ERROR" {
            only_metadata(object.clone())
        } else {
            object.clone()
        };
        let line = json!({ "type": event, "object": object });
        self.lines.push_back(Bytes::from(format!("{line}\n")));
    }

    /// The next line, or nothing when the stream is over.
    pub fn poll_line(&mut self, waker: &Waker) -> Poll<Option<Bytes>> {
        let api = self.api.clone();
        let mut served = api.served();
        if served.connection != self.connection {
            return Poll::Ready(None);
        }
        if !served.frozen.contains(&self.scope.kind) {
            self.catch_up(&served);
            if let Some(line) = self.lines.pop_front() {
                return Poll::Ready(Some(line));
            }
            if self.is_over {
                return Poll::Ready(None);
            }
        }
        served.waiting.push(waker.clone());
        Poll::Pending
    }

    fn catch_up(&mut self, served: &Served) {
        if self.is_over {
            return;
        }
        match served.world.events_in(self.told, &self.scope) {
            Ok(events) => {
                self.told = served.world.version();
                for event in events {
                    self.tell(event.event.word(), &event.object);
                }
            }
            // The server has said 200 by then, so it says this as an event.
            Err(refusal) => {
                self.tell("ERROR", &refusal.status());
                self.is_over = true;
            }
        }
    }
}
