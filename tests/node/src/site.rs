//! The cluster around the tests, and the operator in it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use serin_cluster::Inside;

/// How long anything may take. Generous, because all of a cluster shares two cores with the test.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Where the operator is installed, and its release.
pub const SYSTEM: &str = "serin-system";
pub const RELEASE: &str = "serin";

/// The cluster that this process runs in.
pub struct Site {
    pub inside: Inside,
}

/// The checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the checkout").to_owned()
}

impl Site {
    /// The cluster with the operator as the chart installs it, and nothing of earlier tests.
    pub fn open() -> Self {
        let inside = Inside::from_env().expect("run this by `make e2e-node`");
        let site = Self { inside };
        site.kubectl(&["delete", "rollouts.serin.dev", "--all", "--ignore-not-found", "--timeout=90s"]).ok();
        site.install(RELEASE, &[]);
        site
    }

    /// Installs or upgrades the operator and waits until it is there.
    pub fn install(&self, release: &str, more: &[&str]) {
        let chart = root().join("charts/serin");
        let chart = chart.to_string_lossy();
        let mut args =
            vec!["upgrade", "--install", release, &chart, "--namespace", SYSTEM, "--create-namespace"];
        args.extend(["--wait", "--timeout=120s"]);
        args.extend(more);
        self.helm(&args);
    }

    /// Runs helm; fails with what it says.
    pub fn helm(&self, args: &[&str]) -> String {
        self.run("helm", args, "").unwrap_or_else(|error| panic!("helm {}: {error}", args.join(" ")))
    }

    /// Runs kubectl in the namespace `default`.
    pub fn kubectl(&self, args: &[&str]) -> Result<String, String> {
        self.run("kubectl", args, "")
    }

    /// The same, and fails with what it says.
    pub fn must(&self, args: &[&str]) -> String {
        self.kubectl(args).unwrap_or_else(|error| panic!("kubectl {}: {error}", args.join(" ")))
    }

    /// Applies a manifest.
    pub fn apply(&self, manifest: &str) {
        let done = self.run("kubectl", &["apply", "--filename", "-"], manifest);
        done.unwrap_or_else(|error| panic!("kubectl apply: {error}\n{manifest}"));
    }

    /// Applies a file of the examples, with some of its text replaced.
    pub fn apply_example(&self, file: &str, replacements: &[(&str, &str)]) {
        let path = root().join("examples").join(file);
        let mut manifest = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        for (from, to) in replacements {
            assert!(manifest.contains(from), "{file} does not hold {from:?}");
            manifest = manifest.replace(from, to);
        }
        self.apply(&manifest);
    }

    /// An object, or null where there is none.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        self.json(&["get", kind, name, "--ignore-not-found"])
    }

    /// The objects that carry a label.
    pub fn list(&self, kind: &str, selector: &str) -> Vec<Value> {
        self.json(&["get", kind, "--selector", selector])["items"].as_array().cloned().unwrap_or_default()
    }

    /// What kubectl answers in JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let answer = self.must(&[args, &["--output=json"]].concat());
        if answer.trim().is_empty() { Value::Null } else { serde_json::from_str(&answer).expect("JSON") }
    }

    /// Waits for something that must come true.
    pub fn until(&self, what: &str, is_true: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_true() {
            if begun.elapsed() > PATIENCE {
                self.explain();
                panic!("{what} does not come about in {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Who holds the Lease: one process of one pod.
    pub fn holder(&self) -> String {
        let lease = self.json(&["get", "lease", RELEASE, "--namespace", SYSTEM, "--ignore-not-found"]);
        lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }

    /// The pod that leads; none while nobody does.
    pub fn leader(&self) -> Option<String> {
        let holder = self.holder();
        let pods = self.json(&["get", "pods", "--namespace", SYSTEM]);
        let names = pods["items"].as_array().into_iter().flatten();
        let mut names = names.filter_map(|pod| pod["metadata"]["name"].as_str());
        names.find(|name| holder.starts_with(name)).map(str::to_owned)
    }

    /// Ends the process in a pod of the operator's as a crash does.
    pub fn kill(&self, pod: &str) {
        let pod = self.json(&["get", "pod", pod, "--namespace", SYSTEM]);
        let container = pod["status"]["containerStatuses"][0]["containerID"].as_str().expect("a container");
        let container = container.trim_start_matches("containerd://");
        let task = ["--namespace", "k8s.io", "task", "kill", "--signal", "SIGKILL", container];
        self.run("ctr", &task, "").unwrap_or_else(|error| panic!("ctr: {error}"));
    }

    /// Prints what a person would look at first.
    fn explain(&self) {
        for question in [
            &["get", "rollouts.serin.dev", "--output=yaml"][..],
            &["get", "pods", "--all-namespaces", "--output=wide"],
            &["get", "events", "--sort-by=.lastTimestamp"],
            &[
                "logs",
                "--namespace",
                SYSTEM,
                "--selector=app.kubernetes.io/name=serin",
                "--tail=50",
                "--prefix",
            ],
        ] {
            eprintln!("--- kubectl {}\n{}", question.join(" "), self.kubectl(question).unwrap_or_else(|e| e));
        }
    }

    fn run(&self, program: &str, args: &[&str], input: &str) -> Result<String, String> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let pipe = child.stdin.take();
        let output = std::thread::scope(|scope| {
            // One that reads nothing closes its end, which is no failure.
            scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
            child.wait_with_output()
        });
        let output = output.map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }
}
