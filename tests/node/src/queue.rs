//! The broker beside the node, and the queues in it.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::Site;

/// The program of the example, whose subcommands speak to the broker.
const WORKER: &str = "SERIN_WORKER";

/// Where the broker listens.
const BROKER: &str = "SERIN_BROKER";

/// How many messages a background producer stores before it looks whether to stop.
const BATCH: u64 = 25;

/// The broker.
#[derive(Clone)]
pub struct Queue {
    worker: std::path::PathBuf,
    address: SocketAddr,
}

impl Queue {
    /// The broker that `make e2e-node` has started, known in the cluster as the Service `rabbitmq`.
    pub fn open(site: &Site) -> Self {
        let variable = |name: &str| {
            std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run this by `make e2e-node`"))
        };
        let address = variable(BROKER).to_string_lossy().parse().expect("an address with a port");
        let queue = Self { worker: variable(WORKER).into(), address };
        let (ip, port) = (queue.address.ip(), queue.address.port());
        site.apply(&format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: rabbitmq}}\nspec: {{ports: [{{port: 5672, targetPort: {port}}}]}}\n\
             ---\n\
             apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: rabbitmq, labels: {{kubernetes.io/service-name: rabbitmq}}}}\n\
             addressType: IPv4\nendpoints: [{{addresses: [{ip}]}}]\nports: [{{name: \"\", port: {port}}}]\n"
        ));
        queue
    }

    fn tool(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.worker);
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        command.args(args).args(["--host", &host, "--port", &port]).stdin(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.tool(args).output().expect("the worker's program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Stores messages with these numbers, so many a second, and returns when the broker has them.
    pub fn produce(&self, queue: &str, from: u64, count: u64, rate: u64) {
        let (from, count, rate) = (from.to_string(), count.to_string(), rate.to_string());
        self.run(&["produce", "--queue", queue, "--from", &from, "--count", &count, "--rate", &rate]);
    }

    /// Messages that wait, and that nobody works on.
    pub fn depth(&self, queue: &str) -> u64 {
        self.run(&["depth", "--queue", queue]).trim().parse().expect("a number")
    }

    /// What workers have said of the messages that they worked on; told once.
    pub fn receipts(&self) -> Vec<Value> {
        let lines = self.run(&["receipts", "--drain"]);
        lines.lines().map(|line| serde_json::from_str(line).expect("a receipt")).collect()
    }

    /// Stores messages from number 1 on, until it is stopped.
    pub fn keep_producing(&self, queue: &'static str, rate: u64) -> Producer {
        let (stop, broker) = (Arc::<AtomicBool>::default(), self.clone());
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut produced = 0;
            while !stopped.load(Ordering::Relaxed) {
                broker.produce(queue, produced + 1, BATCH, rate);
                produced += BATCH;
            }
            produced
        });
        Producer { stop, thread }
    }
}

/// A producer in the background.
pub struct Producer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<u64>,
}

impl Producer {
    /// Stops, and tells how many messages were stored.
    pub fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the producer")
    }
}
