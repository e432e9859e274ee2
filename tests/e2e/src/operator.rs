//! The operator as a process, with the rights that the chart gives it and no others.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

/// A running operator. Ends with this value.
pub struct Operator {
    child: Child,
    log: PathBuf,
}

/// The binary under test: `SERIN_BIN`, else the one beside the test's own binary.
fn binary() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests are configured by their environment")]
    let named = std::env::var("SERIN_BIN").map(PathBuf::from);
    let path = named.unwrap_or_else(|_| {
        let own = std::env::current_exe().expect("the path of this test");
        own.ancestors().nth(2).expect("target/PROFILE/deps/TEST").join("serin")
    });
    assert!(path.is_file(), "{} is missing: run `cargo build -p serin`, or set SERIN_BIN", path.display());
    path
}

impl Operator {
    /// Starts an operator for one namespace, with its Lease, as `namespace/name`, in another or the same.
    pub fn start(namespace: &str, lease: (&str, &str), kubeconfig: &Path, log: PathBuf) -> Self {
        let out = File::options().create(true).append(true).open(&log).expect("a log file");
        let child = Command::new(binary())
            .args([
                "operator",
                "--namespace",
                namespace,
                "--lease-namespace",
                lease.0,
                "--lease-name",
                lease.1,
            ])
            .args(["--admin-addr", "127.0.0.1:0", "--log-level", "debug"])
            .env("KUBECONFIG", kubeconfig)
            .stdout(out.try_clone().expect("a second handle"))
            .stderr(out)
            .spawn()
            .expect("the operator starts");
        Self { child, log }
    }

    /// Runs `serin release` for one namespace, as the chart does before it is uninstalled.
    pub fn release(namespace: &str, lease: (&str, &str), kubeconfig: &Path) -> Output {
        Command::new(binary())
            .args([
                "release",
                "--namespace",
                namespace,
                "--lease-namespace",
                lease.0,
                "--lease-name",
                lease.1,
            ])
            .env("KUBECONFIG", kubeconfig)
            .output()
            .expect("`serin release` runs")
    }

    /// Runs another command of the binary, such as `serin explain`, with this text as its input.
    pub fn command(args: &[&str], kubeconfig: &Path, input: &str) -> Output {
        let mut child = Command::new(binary())
            .args(args)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // The end of the handle is the end of the input. A command that reads none may have ended by now.
        let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
        child.wait_with_output().expect("the command ends")
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} was not sent");
    }

    /// Ends it without any chance to tidy up.
    pub fn kill(mut self) {
        self.child.kill().expect("SIGKILL is sent");
        self.child.wait().expect("the process ends");
    }

    /// Asks it to end, and tells how it ended.
    pub fn end(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().expect("the process ends")
    }

    /// Waits for it to end by itself.
    pub fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("the process can be waited for") {
                return status;
            }
            assert!(Instant::now() < deadline, "the operator still runs:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
