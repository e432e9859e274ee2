//! A namespace of its own for each test, in the one cluster that all tests of this process share.

use std::path::PathBuf;
use std::process::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serin_cluster::{Cluster, Options};
use serin_testkit::Kind;
use serin_testkit::oracle::Scene as _;

use crate::audit::{self, Tail, Write};
use crate::replay::{self, Judgement};
use crate::{Api, Operator, manifests};

/// How long anything may take. Generous, because tests share two cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
    let cluster = Cluster::start(Options::default()).expect("the test cluster starts");
    let crds = root().join("crds/rollouts.serin.dev.yaml");
    cluster.kubectl(&["apply", "--filename", &crds.to_string_lossy()]).expect("the CRD is accepted");
    let established = ["wait", "--for=condition=Established", "crd/rollouts.serin.dev", "--timeout=30s"];
    cluster.kubectl(&established).expect("the CRD is established");
    cluster
});

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The checkout.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the checkout").to_owned()
}

/// A namespace, and the operator that works in it.
pub struct Space {
    pub namespace: String,
    pub operator: Option<Operator>,
    log: PathBuf,
    /// Lines as of an audit log, for what was looked up beside it.
    looked_up: Vec<String>,
    tail: Mutex<Tail>,
}

impl Space {
    /// A namespace with a running operator.
    pub fn new(name: &str) -> Self {
        let mut space = Self::without_operator(name);
        space.start();
        space
    }

    /// A namespace in which version 2 of [`manifests::all`](crate::manifests::all) pauses at weight 10.
    pub fn paused(name: &str) -> Self {
        let space = Self::new(name);
        space.apply_all(&manifests::all());
        space.until_phase("web", "Healthy");
        space.set_image("web", "web:2");
        space.until_paused_at("web", 1);
        space
    }

    /// A namespace in which the chart's ServiceAccount and rights are installed, but nothing runs.
    pub fn without_operator(name: &str) -> Self {
        let space = Self::bare(name);
        space.install_rights(&["--set", &format!("watchNamespace={}", space.namespace)]);
        space
    }

    /// A namespace whose operator lives in another one and outlives it, with rights for the whole cluster.
    pub fn with_distant_operator(name: &str) -> Self {
        let (mut space, home) = (Self::bare(name), Self::bare("home"));
        home.install_rights(&[
            "--set",
            &format!("fullnameOverride={},serviceAccount.name=serin", home.namespace),
        ]);
        let kubeconfig = CLUSTER.service_account_kubeconfig(&home.namespace, "serin").expect("a token");
        space.operator = Some(Operator::start(
            &space.namespace,
            (&home.namespace, &home.namespace),
            &kubeconfig,
            space.log.clone(),
        ));
        space
    }

    fn bare(name: &str) -> Self {
        let namespace = format!("{name}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let log = CLUSTER.dir().join(format!("{namespace}.log"));
        let space = Self { namespace, operator: None, log, looked_up: Vec::new(), tail: Mutex::default() };
        CLUSTER.kubectl(&["create", "namespace", &space.namespace]).expect("a namespace");
        space
    }

    /// Installs what the chart gives an operator, and no more.
    fn install_rights(&self, values: &[&str]) {
        let chart = root().join("charts/serin");
        let rendered = std::process::Command::new(CLUSTER.bin("helm"))
            .args(["template", "serin", &chart.to_string_lossy(), "--namespace", &self.namespace])
            .args(["--kube-version", "1.36.0"])
            .args(["--set", "crds.install=false,rbac.aggregateRoles=false,hooks.release.enabled=false"])
            .args(["--show-only", "templates/rbac.yaml", "--show-only", "templates/serviceaccount.yaml"])
            .args(values)
            .output()
            .expect("helm runs");
        assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
        CLUSTER
            .kubectl_with_input(&["apply", "--filename", "-"], &String::from_utf8_lossy(&rendered.stdout))
            .expect("rights");
    }

    /// Starts the operator, beside one that may be running.
    pub fn start(&mut self) {
        self.operator = Some(self.another_operator());
    }

    /// Starts one more operator.
    pub fn another_operator(&self) -> Operator {
        let kubeconfig = CLUSTER.service_account_kubeconfig(&self.namespace, "serin").expect("a token");
        Operator::start(&self.namespace, (&self.namespace, "serin"), &kubeconfig, self.log.clone())
    }

    /// SIGKILL for the operator, and a new process that need not wait for the old one's lease to run out.
    pub fn crash(&mut self) {
        if let Some(operator) = self.operator.take() {
            operator.kill();
        }
        self.kubectl(&["delete", "lease", "serin", "--ignore-not-found"]);
        self.look_up();
        self.start();
    }

    /// Lets go of all Rollouts in the namespace, as before the operator is uninstalled.
    pub fn release(&self) {
        let kubeconfig = CLUSTER.service_account_kubeconfig(&self.namespace, "serin").expect("a token");
        let output = Operator::release(&self.namespace, (&self.namespace, "serin"), &kubeconfig);
        if !output.status.success() {
            self.fail(&format!("serin release: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }

    /// Runs a command of the binary with the rights that the operator has, which must succeed, and tells what it printed.
    pub fn serin(&self, args: &[&str], input: &str) -> String {
        let output = self.serin_output(args, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "serin {args:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs a command of the binary with the rights that the operator has, which must fail, and tells why it did.
    pub fn refused_serin(&self, args: &[&str]) -> String {
        let output = self.serin_output(args, "");
        assert!(!output.status.success(), "serin {args:?} succeeds");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn serin_output(&self, args: &[&str], input: &str) -> Output {
        let kubeconfig = CLUSTER.service_account_kubeconfig(&self.namespace, "serin").expect("a token");
        Operator::command(args, &kubeconfig, input)
    }

    /// Runs kubectl in the namespace.
    pub fn kubectl(&self, args: &[&str]) -> String {
        self.try_kubectl(args).unwrap_or_else(|error| self.fail(&format!("kubectl {args:?}: {error:#}")))
    }

    /// Runs kubectl in the namespace, which may refuse.
    pub fn try_kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        CLUSTER.kubectl(&[&["--namespace", &self.namespace], args].concat())
    }

    /// The API server, asked as the administrator and without a process for each question.
    pub fn api(&self) -> Api {
        Api::of(&CLUSTER.kubeconfig(), &self.namespace)
    }

    /// Runs kubectl outside of the namespace, which may refuse.
    pub fn try_cluster_kubectl(&self, args: &[&str]) -> anyhow::Result<String> {
        CLUSTER.kubectl(args)
    }

    /// Applies manifests as a user would.
    pub fn apply(&self, manifests: &str) {
        let args = ["--namespace", &self.namespace, "apply", "--filename", "-"];
        CLUSTER
            .kubectl_with_input(&args, manifests)
            .unwrap_or_else(|error| self.fail(&format!("apply: {error:#}")));
    }

    /// Creates an object as a user would, which may be refused.
    pub fn try_create(&self, object: &Value) -> anyhow::Result<()> {
        let args = ["--namespace", &self.namespace, "create", "--filename", "-"];
        CLUSTER.kubectl_with_input(&args, &object.to_string()).map(drop)
    }

    /// Applies objects as a user would.
    pub fn apply_all(&self, objects: &[Value]) {
        self.apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string());
    }

    /// Applies a file of the checkout as it is.
    pub fn apply_file(&self, file: &str) {
        self.kubectl(&["apply", "--filename", &root().join(file).to_string_lossy()]);
    }

    /// One object, or null where there is none.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        let found = self.kubectl(&["get", kind, name, "--ignore-not-found", "--output", "json"]);
        if found.trim().is_empty() { Value::Null } else { serde_json::from_str(&found).expect("JSON") }
    }

    /// The objects of a kind.
    pub fn list(&self, kind: &str) -> Vec<Value> {
        let found = self.kubectl(&["get", kind, "--output", "json"]);
        let list: Value = serde_json::from_str(&found).expect("JSON");
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// The Rollout.
    pub fn rollout(&self, name: &str) -> Value {
        self.get("rollouts.serin.dev", name)
    }

    /// Merges a patch into the Rollout.
    pub fn patch(&self, name: &str, patch: Value) {
        self.kubectl(&[
            "patch",
            "rollouts.serin.dev",
            name,
            "--type",
            "merge",
            "--patch",
            &patch.to_string(),
        ]);
    }

    /// Merges a patch into the Rollout's status.
    pub fn patch_status(&self, name: &str, status: Value) {
        let patch = json!({"status": status}).to_string();
        let args = [
            "patch",
            "rollouts.serin.dev",
            name,
            "--subresource",
            "status",
            "--type",
            "merge",
            "--patch",
            &patch,
        ];
        self.kubectl(&args);
    }

    /// Wants another image.
    pub fn set_image(&self, name: &str, image: &str) {
        let path = "/spec/template/spec/containers/0/image";
        let patch = json!([{"op": "replace", "path": path, "value": image}]).to_string();
        self.kubectl(&["patch", "rollouts.serin.dev", name, "--type", "json", "--patch", &patch]);
    }

    /// The stable and the canary weight of a route's first rule.
    pub fn weights(&self, route: &str) -> (i64, i64) {
        let route = self.get("httproute", route);
        let weight = |backend: usize| {
            route["spec"]["rules"][0]["backendRefs"][backend]["weight"].as_i64().unwrap_or(1)
        };
        (weight(0), weight(1))
    }

    /// The revision that a Service selects.
    pub fn selected(&self, service: &str) -> Option<String> {
        let service = self.get("service", service);
        service["spec"]["selector"]["rollouts-pod-template-hash"].as_str().map(str::to_owned)
    }

    /// Waits until `wanted` holds.
    pub fn until(&self, what: &str, wanted: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted() {
            if Instant::now() > deadline {
                self.fail(&format!("never: {what}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the Rollout's status speaks of its spec and has this phase.
    pub fn until_phase(&self, name: &str, phase: &str) -> Value {
        self.until(&format!("{name} is {phase}"), || {
            let rollout = self.rollout(name);
            rollout["status"]["phase"] == json!(phase)
                && rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"]
        });
        self.rollout(name)
    }

    /// Waits until the Rollout pauses at a step.
    pub fn until_paused_at(&self, name: &str, step: i64) -> Value {
        self.until(&format!("{name} pauses at step {step}"), || {
            let status = &self.rollout(name)["status"];
            status["phase"] == "Paused" && status["currentStepIndex"] == json!(step)
        });
        self.rollout(name)
    }

    /// Waits until the route carries these weights.
    pub fn until_weights(&self, route: &str, stable: i64, canary: i64) {
        self.until(&format!("weights {stable}/{canary}"), || self.weights(route) == (stable, canary));
    }

    /// The reasons of the Rollout's Events.
    pub fn events(&self, name: &str) -> Vec<(String, String)> {
        let mut events = self.list("events.events.k8s.io");
        events.retain(|event| {
            event["regarding"]["kind"] == "Rollout" && event["regarding"]["name"] == json!(name)
        });
        events.sort_by_key(|event| event["eventTime"].as_str().unwrap_or_default().to_owned());
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        events.iter().map(|event| (text(event, "reason"), text(event, "note"))).collect()
    }

    /// Waits until an Event with this reason tells this.
    pub fn until_event(&self, name: &str, reason: &str, fragment: &str) {
        self.until(&format!("an Event {reason} about {fragment:?}"), || {
            self.events(name).iter().any(|(of, note)| of == reason && note.contains(fragment))
        });
    }

    /// The operator's writes in this namespace, in the order in which the server carried them out.
    pub fn writes(&self) -> Vec<Write> {
        audit::writes(&CLUSTER.audit_log(), &self.namespace)
    }

    /// Who the operator is to the server.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:serin", self.namespace)
    }

    /// The lines of the audit log that speak of this namespace, and what was looked up beside it.
    pub fn log(&self) -> String {
        let mut log =
            self.tail.lock().expect("nobody else reads").read(&CLUSTER.audit_log(), &self.namespace);
        for line in &self.looked_up {
            log.push_str(line);
            log.push('\n');
        }
        log
    }

    /// A Rollout, and the ReplicaSets beside it, as the audit log tells of them: looking costs no process.
    pub fn logged(&self, rollout: &str) -> (Value, Vec<Value>) {
        let last = replay::last(&self.log(), &self.namespace);
        let sets = last.all(Kind::ReplicaSet).iter().map(|set| Value::clone(set)).collect();
        let found = last.find(Kind::Rollout, &format!("{}/{rollout}", self.namespace));
        (found.map_or(Value::Null, |found| Value::clone(found)), sets)
    }

    /// Judges every write of the operator so far, in the world that it found, by what must always be true.
    ///
    /// A test does not ask for this where it plays somebody who writes what the operator has written: whoever changes a
    /// weight in the moment between the operator's look and its write makes that write wrong, and nobody can prevent it.
    pub fn judge(&self) {
        let Judgement { writes, violations } = replay::judge(&self.log(), &self.namespace, &self.user());
        assert!(writes > 0, "the operator has written nothing in {}", self.namespace);
        if !violations.is_empty() {
            self.fail(&violations.join("\n"));
        }
    }

    /// Notes for the judge what is there now. To be called when the operator was killed: the log may lack, or show as
    /// failed, the write that it waited for.
    pub fn look_up(&mut self) {
        for kind in ["rollouts.serin.dev", "replicasets", "services", "httproutes", "pods"] {
            for object in self.list(kind) {
                let line = json!({
                    "auditID": "looked up", "verb": "update", "requestURI": "/", "responseStatus": {"code": 200},
                    "user": {"username": "test"}, "requestReceivedTimestamp": jiff::Timestamp::now().to_string(),
                    "objectRef": {
                        "resource": kind.split('.').next(), "namespace": self.namespace,
                        "name": object["metadata"]["name"],
                    },
                    "responseObject": object,
                });
                self.looked_up.push(line.to_string());
            }
        }
    }

    /// Stops the test and shows what there is.
    pub fn fail(&self, why: &str) -> ! {
        let kinds = "rollouts.serin.dev,replicasets,services,httproutes,endpointslices,pods";
        let objects = self.try_kubectl(&["get", kinds, "--output", "wide"]).unwrap_or_default();
        let rollouts =
            self.try_kubectl(&["get", "rollouts.serin.dev", "--output", "yaml"]).unwrap_or_default();
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let log: Vec<&str> = log.lines().rev().filter(|line| !line.contains("DEBUG")).take(60).collect();
        let log = log.into_iter().rev().collect::<Vec<_>>().join("\n");
        panic!("{why}\n--- objects of {}\n{objects}\n{rollouts}\n--- operator\n{log}", self.namespace);
    }
}
