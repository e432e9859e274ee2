//! Requests through the gateway: counted ones, and a steady load in the background that counts every failure.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::runtime::Runtime;
use tokio::time::{interval, timeout};

/// An answer that takes longer counts as a failure.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many requests are under way at a time while they are counted.
const PARALLEL: usize = 8;

pub(crate) type Http = Client<HttpConnector, Empty<Bytes>>;

/// What was answered to the requests of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many requests each version has answered.
    pub versions: BTreeMap<String, usize>,
    /// What was no answer with status 200, with how often.
    pub failures: BTreeMap<String, usize>,
}

impl Seen {
    pub fn total(&self) -> usize {
        self.versions.values().sum()
    }

    /// The share of a version, in percent.
    pub fn share(&self, version: &str) -> f64 {
        let of = self.versions.get(version).copied().unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let share = of as f64 * 100.0 / self.total().max(1) as f64;
        share
    }

    /// Takes in what else was seen.
    pub fn add(&mut self, other: &Self) {
        let sums = [(&mut self.versions, &other.versions), (&mut self.failures, &other.failures)];
        for (own, others) in sums {
            for (what, count) in others {
                *own.entry(what.clone()).or_default() += count;
            }
        }
    }

    fn count(&mut self, answer: Result<String, String>) {
        let (counts, what) = match answer {
            Ok(version) => (&mut self.versions, version),
            Err(failure) => (&mut self.failures, failure),
        };
        *counts.entry(what).or_default() += 1;
    }
}

fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

async fn request(client: &Http, gateway: SocketAddr, host: &str) -> Result<String, String> {
    send(client, gateway, host, "serin-test").await
}

/// The version that answers, or what happens instead.
pub(crate) async fn send(
    client: &Http,
    gateway: SocketAddr,
    host: &str,
    agent: &str,
) -> Result<String, String> {
    let request = http::Request::get(format!("http://{gateway}/"))
        .header(http::header::HOST, host)
        .header(http::header::USER_AGENT, agent);
    let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
    let answer = async {
        let answer = client.request(request).await.map_err(|error| chain(&error))?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
        if status != http::StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
        let body: serde_json::Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        body["version"].as_str().map(str::to_owned).ok_or_else(|| format!("no version in {body}"))
    };
    timeout(TIMEOUT, answer).await.unwrap_or_else(|_| Err("no answer".to_owned()))
}

/// With its causes: the first words of an error of the client's say little.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Asks a host so many times and counts what answers.
pub fn ask(gateway: SocketAddr, host: &str, times: usize) -> Seen {
    let runtime = Runtime::new().expect("a runtime");
    let client = client();
    let seen = Arc::new(Mutex::new(Seen::default()));
    runtime.block_on(async {
        let mut askers = tokio::task::JoinSet::new();
        for number in 0..PARALLEL {
            let share = times / PARALLEL + usize::from(number < times % PARALLEL);
            let (client, host, seen) = (client.clone(), host.to_owned(), Arc::clone(&seen));
            askers.spawn(async move {
                for _ in 0..share {
                    let answer = request(&client, gateway, &host).await;
                    seen.lock().unwrap_or_else(PoisonError::into_inner).count(answer);
                }
            });
        }
        askers.join_all().await;
    });
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A steady load on some hosts, until it is stopped.
pub struct Load {
    // Dropped, it ends the tasks.
    _runtime: Runtime,
    seen: Arc<Mutex<BTreeMap<String, Seen>>>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Sends a request to each host in turn, every so often.
    pub fn start(gateway: SocketAddr, hosts: &[&str], every: Duration) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let (seen, stop) = (Arc::<Mutex<BTreeMap<String, Seen>>>::default(), Arc::<AtomicBool>::default());
        for &host in hosts {
            let (client, host, seen, stop) =
                (client(), host.to_owned(), Arc::clone(&seen), Arc::clone(&stop));
            runtime.spawn(async move {
                let mut ticks = interval(every);
                while !stop.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    let answer = request(&client, gateway, &host).await;
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.entry(host.clone()).or_default().count(answer);
                }
            });
        }
        Self { _runtime: runtime, seen, stop }
    }

    /// What was seen since the last time, by host.
    pub fn take(&self) -> BTreeMap<String, Seen> {
        std::mem::take(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the load; what was seen since the last time, by host.
    pub fn stop(self) -> BTreeMap<String, Seen> {
        self.stop.store(true, Ordering::Relaxed);
        self.take()
    }
}

/// Fails if a single request failed.
#[track_caller]
pub fn assert_no_failure(phase: &str, seen: &BTreeMap<String, Seen>) {
    for (host, seen) in seen {
        println!("{phase}: {host} answered {:?}", seen.versions);
        assert!(
            seen.failures.is_empty(),
            "{phase}: {host} failed: {:?} beside {:?}",
            seen.failures,
            seen.versions
        );
        assert!(seen.total() > 0, "{phase}: nobody asked {host}");
    }
}
