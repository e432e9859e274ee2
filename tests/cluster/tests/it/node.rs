//! A real node: what its pods can do is tried from `inside`, and what is left of it from here.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serin_cluster::{Kit, node};
use serin_image::{File, Image};

use crate::world::{PROGRAM, eventually, processes_using};

pub mod inside;

/// What the kubelet and its companions write to when they are not kept from it.
const MACHINES: [&str; 5] =
    ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/opt/containerd", "/run/containerd"];

#[test]
fn pods_run_on_a_real_node_and_nothing_is_left_of_it() {
    if left_out("pods_run_on_a_real_node_and_nothing_is_left_of_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let etcd = std::fs::read(Kit::ready().unwrap().bin("etcd")).unwrap();
    let imported = image(inside::IMPORTED, "/nothing", Vec::new(), folder.path());
    let loaded = image(inside::LOADED, "/etcd", etcd, folder.path());
    let files = folder.path().join("cluster");
    let machine = || MACHINES.map(|path| Path::new(path).exists());
    let settings = || std::fs::read_to_string("/proc/sys/kernel/panic_on_oops").unwrap();
    let before = (machine(), settings());

    let mut run = Command::new(PROGRAM);
    run.args(["run", "--node", "--dir"]).arg(&files).arg("--image").arg(imported).arg("--");
    // This very program again, with the tests that are left out otherwise.
    run.arg(std::env::current_exe().unwrap()).args(["node::inside::", "--ignored"]);
    let mut run = run.env(inside::ARCHIVE, loaded).spawn().unwrap();
    let group = group_of(&run);
    assert_eq!(run.wait().unwrap().code(), Some(0));

    assert_eq!((machine(), settings()), before);
    assert_eq!(groups_named(&group), Vec::<PathBuf>::new());
    assert_eq!(processes_using(&files), Vec::<String>::new());
    assert!(files.join("logs/kubelet.log").exists());
}

#[test]
fn nothing_is_left_of_a_node_whose_owner_is_killed() {
    if left_out("nothing_is_left_of_a_node_whose_owner_is_killed") {
        return;
    }
    let (mut owner, folder) = start_with_a_pod();
    let group = group_of(&owner);
    assert!(!groups_named(&group).is_empty());
    assert!(!processes_using(&folder).is_empty());

    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually(Vec::<String>::new(), || processes_using(&folder));
    eventually(Vec::<PathBuf>::new(), || groups_named(&group));
    eventually(false, || folder.exists());
}

#[test]
fn a_node_told_to_end_ends_its_command_and_leaves_nothing() {
    if left_out("a_node_told_to_end_ends_its_command_and_leaves_nothing") {
        return;
    }
    let (mut owner, folder) = start_with_a_pod();
    let group = group_of(&owner);
    kill_process(Pid::from_child(&owner), Signal::TERM).unwrap();
    // What a shell makes of it: the command ended by that signal.
    assert_eq!(owner.wait().unwrap().code(), Some(128 + 15));
    assert_eq!(processes_using(&folder), Vec::<String>::new());
    assert_eq!(groups_named(&group), Vec::<PathBuf>::new());
    assert!(!folder.exists());
}

/// Whether this machine cannot be a node; with SERIN_REQUIRE_NODE=1 that is a failure.
pub fn left_out(test: &str) -> bool {
    let Err(reason) = node::check() else { return false };
    assert_ne!(std::env::var_os("SERIN_REQUIRE_NODE").unwrap_or_default(), "1", "{reason}");
    // Not eprintln, which the test runner keeps to itself when a test passes.
    std::io::stderr().write_all(format!("left out: {test}: {reason}\n").as_bytes()).unwrap();
    true
}

/// A node with a running pod, and the folder of its cluster.
fn start_with_a_pod() -> (Child, PathBuf) {
    let script = format!(
        "kubectl run pod --image {} >&2 && kubectl wait --for=condition=Ready pod/pod >&2 && \
         echo $SERIN_NODE_DIR && exec sleep 1000",
        node::PAUSE_IMAGE
    );
    let mut owner = Command::new(PROGRAM);
    owner.args(["run", "--node", "--", "sh", "-c", &script]);
    let mut owner = owner.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(owner.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "the node does not start");
    (owner, PathBuf::from(line.trim()))
}

/// An archive with one file, which is the image's program.
fn image(reference: &str, path: &str, content: Vec<u8>, folder: &Path) -> PathBuf {
    let archive = folder.join(reference.replace(['/', ':'], "-"));
    let image = Image {
        reference: reference.to_owned(),
        files: vec![File { path: path.to_owned(), content, mode: 0o755 }],
        entrypoint: vec![path.to_owned()],
        env: Vec::new(),
        user: Some("65532:65532".to_owned()),
        labels: BTreeMap::new(),
    };
    image.write_archive(&archive).unwrap();
    archive
}

/// How the control groups of a node begin.
fn group_of(owner: &Child) -> String {
    format!("serin-node-{}-", owner.id())
}

fn groups_named(prefix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = folders.pop() {
        // Other groups come and go meanwhile.
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
                found.extend(entry.file_name().to_string_lossy().starts_with(prefix).then(|| entry.path()));
            }
        }
    }
    found
}
