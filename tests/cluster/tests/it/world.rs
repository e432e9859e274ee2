//! One cluster for all tests that can share it, and a namespace of its own for each.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serin_cluster::{Cluster, Options};

/// `cluster`, as it was built for these tests.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_cluster");

/// Never dropped, as statics are not: it shows that the end of the process is enough.
static CLUSTER: LazyLock<Cluster> =
    LazyLock::new(|| Cluster::start(Options::default()).unwrap_or_else(|error| panic!("{error:#}")));

pub fn cluster() -> &'static Cluster {
    &CLUSTER
}

pub struct Namespace(pub &'static str);

impl Namespace {
    pub fn new(name: &'static str) -> Self {
        cluster().kubectl(&["create", "namespace", name]).unwrap();
        Self(name)
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        cluster().kubectl(&[args, &["--namespace", self.0]].concat()).unwrap()
    }

    /// A Service and its ReplicaSet of the same name, with these annotations on the pods.
    pub fn web(&self, replicas: u32, annotations: &[(&str, &str)]) {
        let annotations: serde_json::Map<_, _> =
            annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let labels = serde_json::json!({"app": "web"});
        let manifest = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                "spec": {"selector": labels, "ports": [{"port": 80}]},
            },
            {
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web"},
                "spec": {
                    "replicas": replicas, "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": labels, "annotations": annotations},
                        "spec": {"containers": [{"name": "web", "image": "web:1"}]},
                    },
                },
            },
        ]});
        cluster()
            .kubectl_with_input(&["create", "--namespace", self.0, "-f", "-"], &manifest.to_string())
            .unwrap();
    }

    /// "True" or "False" for every pod that has got as far as having the condition.
    pub fn readiness(&self) -> String {
        self.kubectl(&[
            "get",
            "pods",
            "-o",
            r#"jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}"#,
        ])
    }

    pub fn endpoint_readiness(&self) -> String {
        let query = "jsonpath={.items[*].endpoints[*].conditions.ready}";
        self.kubectl(&["get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", query])
    }

    pub fn annotate_pods(&self, annotation: &str) {
        self.kubectl(&["annotate", "pods", "--all", "--overwrite", annotation]);
    }
}

pub fn eventually<T: PartialEq + std::fmt::Debug>(expected: T, mut actual: impl FnMut() -> T) {
    let started = Instant::now();
    loop {
        let seen = actual();
        if seen == expected {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "still {seen:?}, and never {expected:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The command lines of all processes that name the folder.
pub fn processes_using(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().unwrap();
    let command_lines = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        // A process may end between being listed and being read.
        std::fs::read_to_string(entry.ok()?.path().join("cmdline")).ok()
    });
    command_lines.filter(|line| line.contains(folder)).collect()
}
