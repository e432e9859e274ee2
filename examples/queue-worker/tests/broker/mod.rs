//! A private RabbitMQ for a test, by `broker.sh`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Whether tests with a broker can run here. This is the one place that decides what it means if they cannot.
pub fn is_here() -> bool {
    const INSTALL: &str = "apt-get install -y --no-install-recommends rabbitmq-server";
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let found = Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()
        || std::env::split_paths(&on_path).any(|folder| folder.join("rabbitmq-server").exists());
    if !found {
        let required = std::env::var_os("SERIN_REQUIRE_NODE").is_some_and(|value| value == "1");
        assert!(!required, "no rabbitmq-server on this machine: {INSTALL}");
        // Not by eprintln: the harness would keep that to itself.
        writeln!(std::io::stderr(), "left out: tests with a broker need rabbitmq-server ({INSTALL})").ok();
    }
    found
}

/// Ends when it is dropped, and also when the test is killed: then its input ends.
pub struct Broker {
    pub port: u16,
    folder: PathBuf,
    process: Option<Child>,
}

impl Broker {
    pub fn start(folder: &Path) -> Self {
        // Free now, and nobody else's by the time it is used, as far as one can tell.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut broker = Self { port, folder: folder.to_owned(), process: None };
        broker.start_again();
        broker
    }

    /// On the port and with the queues of before.
    pub fn start_again(&mut self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("broker.sh");
        let mut process = Command::new("bash")
            .arg(script)
            .arg("run")
            .arg(&self.folder)
            .arg(self.port.to_string())
            .args(["--", "sh", "-c", "echo ready; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "no broker: see above");
        self.process = Some(process);
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.stdin.take());
            process.wait().unwrap();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}
