//! Two hundred requests a second for as long as it takes, and every answer: when, on which connection, by whom.
//!
//! Requests are sent by the clock, whether or not the ones before are answered. Half of them have a connection of their
//! own, the others one that was there before.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::time::interval;

use crate::load::{Http, send};

/// Requests a second, to all hosts together.
pub const RATE: u32 = 200;

/// Who is asked in which order: most ask for the host whose answers are counted.
const ROUND: [Host; 10] = {
    use Host::{App, New, Old};
    [App, App, App, App, Old, App, App, App, App, New]
};

/// How many clients with connections of their own each host has.
const CLIENTS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Follows the canary.
    App,
    /// Is pinned to the stable Service.
    Old,
    /// Is pinned to the canary Service.
    New,
}

impl Host {
    pub const ALL: [Self; 3] = [Self::App, Self::Old, Self::New];

    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app.example.com",
            Self::Old => "old.example.com",
            Self::New => "new.example.com",
        }
    }
}

/// A request and what came of it. Times are microseconds since 1970.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Counted from 0; the gateway's log has it in the user agent.
    pub number: u64,
    pub host: Host,
    /// On a connection that was made for it.
    pub fresh: bool,
    pub sent: i64,
    pub answered: i64,
    /// The version that answered, or what happened instead.
    pub got: Result<u32, String>,
}

/// The user agent of a request.
pub fn agent(number: u64) -> String {
    format!("serin-proof/{number}")
}

pub fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// The load, until it is stopped.
pub struct Traffic {
    // Dropped, it ends the tasks.
    _runtime: Runtime,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    under_way: AtomicUsize,
    answers: Mutex<Vec<Answer>>,
}

struct Clients {
    fresh: Http,
    kept: Vec<[Http; Host::ALL.len()]>,
}

impl Traffic {
    pub fn start(gateway: SocketAddr) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let shared = Arc::<Shared>::default();
        runtime.spawn(send_by_the_clock(gateway, Arc::clone(&shared)));
        Self { _runtime: runtime, shared }
    }

    /// How many requests to a host were sent since then and are answered.
    pub fn answered_since(&self, host: Host, since: i64) -> usize {
        let answers = self.shared.answers();
        let recent = answers.iter().rev().take_while(|answer| answer.answered >= since);
        recent.filter(|answer| answer.host == host && answer.sent >= since).count()
    }

    /// The failures among the answers from this one on, and how many answers there are by now.
    pub fn failures_from(&self, first: usize) -> (Vec<Answer>, usize) {
        let answers = self.shared.answers();
        let failures = answers.iter().skip(first).filter(|answer| answer.got.is_err()).cloned().collect();
        (failures, answers.len())
    }

    /// Sends no more, waits for what is under way, and returns all answers in the order in which they were asked for.
    pub fn stop(self) -> Vec<Answer> {
        self.shared.stop.store(true, Ordering::SeqCst);
        while self.shared.under_way.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut answers = std::mem::take(&mut *self.shared.answers());
        answers.sort_by_key(|answer| answer.number);
        answers
    }
}

impl Shared {
    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    fn new() -> Self {
        // A request that finds its connection closed has failed, and is not sent again in silence.
        let client = |idle: usize| {
            Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(idle)
                .retry_canceled_requests(false)
                .build_http()
        };
        let kept = std::iter::repeat_with(|| Host::ALL.map(|_| client(usize::MAX)));
        Self { fresh: client(0), kept: kept.take(CLIENTS).collect() }
    }

    fn of(&self, host: Host, fresh: bool, turn: usize) -> &Http {
        if fresh { &self.fresh } else { &self.kept[turn % CLIENTS][host as usize] }
    }
}

async fn send_by_the_clock(gateway: SocketAddr, shared: Arc<Shared>) {
    let clients = Clients::new();
    // Ticks that are missed are made up for.
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    for number in 0_u64.. {
        ticks.tick().await;
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let turn = usize::try_from(number).unwrap_or_default();
        let (round, place) = (turn / ROUND.len(), turn % ROUND.len());
        let host = ROUND[place];
        let fresh = (round + place).is_multiple_of(2);
        let client = clients.of(host, fresh, turn / 2).clone();
        let shared = Arc::clone(&shared);
        shared.under_way.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(async move {
            let sent = now();
            let version = send(&client, gateway, host.name(), &agent(number)).await;
            let got = version.and_then(|version| {
                version.parse().map_err(|_| format!("version {version:?}, which is no number"))
            });
            let answer = Answer { number, host, fresh, sent, answered: now(), got };
            shared.answers().push(answer);
            shared.under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }
}
