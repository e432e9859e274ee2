//! Clusters start side by side, and leave nothing behind however they end.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serin_cluster::{Cluster, Options};

use crate::world::{PROGRAM, eventually, processes_using};

#[test]
fn two_clusters_do_not_meet_and_leave_nothing() {
    let start = || Cluster::start(Options::default()).unwrap();
    let (one, other) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(start), scope.spawn(start));
        // Joined: a cluster outlives the thread it was started from.
        (one.join().unwrap(), other.join().unwrap())
    });
    one.kubectl(&["create", "configmap", "only-in-one"]).unwrap();
    assert!(other.kubectl(&["get", "configmap", "only-in-one"]).is_err());

    let folders = [one.dir().to_path_buf(), other.dir().to_path_buf()];
    assert!(folders.iter().all(|folder| !processes_using(folder).is_empty()));
    drop((one, other));
    for folder in folders {
        assert_eq!(processes_using(&folder), Vec::<String>::new());
        assert!(!folder.exists());
    }
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    let mut owner = Command::new(PROGRAM).arg("up").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let kubeconfig = PathBuf::from(line.trim().strip_prefix("export KUBECONFIG=").unwrap());
    let folder = kubeconfig.parent().unwrap();
    assert!(!processes_using(folder).is_empty());

    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually(Vec::<String>::new(), || processes_using(folder));
    eventually(false, || folder.exists());
}

#[test]
fn run_lends_a_cluster_and_answers_as_its_command_does() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        r#"kubectl get nodes --output name && helm version --short && test -s "$SERIN_AUDIT_LOG" && exit 7"#;
    let mut run = Command::new(PROGRAM);
    let output =
        run.args(["run", "--dir"]).arg(folder.path()).args(["--", "sh", "-c", script]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(7), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.starts_with("node/node-a\nnode/node-b\nv3."), "{printed}");
    // A folder the caller names is the caller's.
    assert!(folder.path().join("logs/kube-apiserver.log").exists());
    assert_eq!(processes_using(folder.path()), Vec::<String>::new());
}
