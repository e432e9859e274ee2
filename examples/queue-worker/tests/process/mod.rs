//! The program as a process: its folder of labels, its log, its HTTP side and its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_queue-worker");

/// Asks until there is an answer. The limit is for what never comes: a slow machine may take its time.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited a minute for: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A volume of the downward API, changed as the kubelet changes it.
pub struct Podinfo {
    folder: tempfile::TempDir,
    version: u32,
}

impl Podinfo {
    pub fn new(labels: &str) -> Self {
        let mut podinfo = Self { folder: tempfile::tempdir().unwrap(), version: 0 };
        podinfo.write(labels);
        symlink("..data/labels", podinfo.file()).unwrap();
        podinfo
    }

    pub fn file(&self) -> PathBuf {
        self.folder.path().join("labels")
    }

    pub fn write(&mut self, labels: &str) {
        let folder = self.folder.path();
        let old = folder.join(format!("..2026_11_25_09_41_07.{}", self.version));
        self.version += 1;
        let new = format!("..2026_11_25_09_41_07.{}", self.version);
        std::fs::create_dir(folder.join(&new)).unwrap();
        std::fs::write(folder.join(&new).join("labels"), labels).unwrap();
        symlink(&new, folder.join("..data_tmp")).unwrap();
        std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        if old.exists() {
            std::fs::remove_dir_all(old).unwrap();
        }
    }
}

/// A worker. Killed if the test forgets it.
pub struct Process {
    child: Child,
    address: String,
}

impl Process {
    pub fn start(labels: &Path, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(PROGRAM)
            .env("LISTEN", "127.0.0.1:0")
            .env("LABELS_FILE", labels)
            .env("RUST_LOG", "info")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut next = move || log.next().and_then(Result::ok);
        let address = loop {
            let line = next().expect("it ended at once");
            eprintln!("{line}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "started" {
                break line["listen"].as_str().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || {
            while let Some(line) = next() {
                eprintln!("{line}");
            }
        });
        Self { child, address }
    }

    /// Status and body; None if nobody serves.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// What it says of itself.
    pub fn describe(&self) -> Value {
        let (status, body) = self.get("/").expect("it serves");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn is_ready(&self) -> bool {
        self.get("/readyz").is_some_and(|(status, _)| status == 200)
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// How it ended, and how long that took.
    pub fn wait(mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        let status = wait_for("its end", || self.child.try_wait().unwrap());
        (status, began.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
