//! Run inside of a node by the tests outside, never by themselves.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use serin_cluster::node;

use crate::world::eventually;

/// An image that the node has from the start.
pub const IMPORTED: &str = "localhost/imported:1";
/// etcd, as something that speaks HTTP and forwards connections. The node is given it by these tests.
pub const LOADED: &str = "localhost/etcd:1";
/// Names the archive of that.
pub const ARCHIVE: &str = "SERIN_TEST_ARCHIVE";

#[test]
#[ignore = "runs inside of a node"]
fn a_program_of_a_loaded_image_is_reached_by_all_ways_there_are() {
    let images = run("ctr", &["images", "list", "--quiet"], "");
    assert!(images.contains(IMPORTED), "{images}");
    let archive = std::env::var_os(ARCHIVE).expect("an archive to load");
    run("cluster", &["load", archive.to_str().unwrap()], "");

    let web = "web.default.svc.cluster.local:2379";
    let forward = ["gateway", "start", "--listen-addr=0.0.0.0:23790", &format!("--endpoints={web}")];
    apply(&[
        service("web", 2379),
        pod(
            "web",
            LOADED,
            &[
                "--data-dir=/data",
                "--listen-client-urls=http://0.0.0.0:2379",
                "--advertise-client-urls=http://localhost:2379",
            ],
            Some(2379),
        ),
        service("forward", 23790),
        pod("forward", LOADED, &forward, None),
    ]);
    kubectl(&["wait", "--for=condition=Ready", "pod", "web", "forward", "--timeout=60s"]);

    assert!(version(&format!("{}:2379", field("pod/web", ".status.podIP"))).contains("etcdserver"));
    assert!(version(&format!("{}:2379", field("service/web", ".spec.clusterIP"))).contains("etcdserver"));
    assert!(version(web).contains("etcdserver"));
    // From pod to pod: the name is asked for, and the Service's address translated, in the one in between.
    assert!(version("forward.default.svc.cluster.local:23790").contains("etcdserver"));

    assert!(kubectl(&["logs", "web"]).contains("ready to serve client requests"));
    assert!(kubectl(&["exec", "web", "--", "/etcd", "--version"]).contains("etcd Version"));
}

#[test]
#[ignore = "runs inside of a node"]
fn a_label_reaches_the_file_of_a_downward_api_volume() {
    let mut labelled = pod("labelled", node::PAUSE_IMAGE, &[], None);
    labelled["spec"]["volumes"] = json!([{"name": "data", "downwardAPI": {
        "items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}],
    }}]);
    apply(&[labelled]);
    kubectl(&["wait", "--for=condition=Ready", "pod/labelled", "--timeout=60s"]);

    let file = volume("labelled", "kubernetes.io~downward-api/data").join("labels");
    let has = |label| std::fs::read_to_string(&file).unwrap().lines().any(|line| line == label);
    assert!(has(r#"app="labelled""#));
    kubectl(&["label", "pod/labelled", "role=active"]);
    eventually(true, || has(r#"role="active""#));
}

#[test]
#[ignore = "runs inside of a node"]
fn a_pod_trusts_the_api_server_and_is_known_to_it() {
    apply(&[pod("client", node::PAUSE_IMAGE, &[], None)]);
    kubectl(&["wait", "--for=condition=Ready", "pod/client", "--timeout=60s"]);
    let spec: Value = serde_json::from_str(&kubectl(&["get", "pod/client", "-o", "json"])).unwrap();
    let names =
        spec["spec"]["volumes"].as_array().unwrap().iter().filter_map(|volume| volume["name"].as_str());
    let access = names.into_iter().find(|name| name.starts_with("kube-api-access-")).unwrap();
    let files = volume("client", &format!("kubernetes.io~projected/{access}"));

    let token = std::fs::read_to_string(files.join("token")).unwrap();
    let authority = format!("--certificate-authority={}", files.join("ca.crt").display());
    // Without the administrator's kubeconfig, whose token would win.
    for server in ["https://10.96.0.1", "https://10.99.0.1:", "https://kubernetes.default.svc"] {
        let server = match server.strip_suffix(':') {
            Some(host) => format!("{host}:{}", field("endpoints/kubernetes", ".subsets[0].ports[0].port")),
            None => server.to_owned(),
        };
        let args =
            ["auth", "whoami", "--kubeconfig=/dev/null", "--server", &server, &authority, "--token", &token];
        let answer = kubectl(&args);
        assert!(answer.contains("system:serviceaccount:default:default"), "{server}: {answer}");
    }
}

/// Every pod of these tests is one that a strict cluster lets in.
fn pod(name: &str, image: &str, args: &[&str], probed: Option<u16>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "data", "emptyDir": {}}],
            "containers": [{
                "name": name, "image": image, "imagePullPolicy": "Never", "args": args,
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "256Mi"}},
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                },
            }],
        },
    });
    if let Some(port) = probed {
        let probe = json!({"httpGet": {"path": "/health", "port": port}, "periodSeconds": 1});
        pod["spec"]["containers"][0]["readinessProbe"] = probe;
    }
    pod
}

fn service(name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
    })
}

pub fn apply(objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    run("kubectl", &["apply", "-f", "-"], &list.to_string());
}

pub fn kubectl(args: &[&str]) -> String {
    run("kubectl", args, "")
}

fn field(object: &str, path: &str) -> String {
    kubectl(&["get", object, "-o", &format!("jsonpath={{{path}}}")])
}

/// Where the node has a volume of a pod; from outside it is below `/proc/PID/root`.
fn volume(pod: &str, name: &str) -> PathBuf {
    PathBuf::from(format!(
        "/var/lib/kubelet/pods/{}/volumes/{name}",
        field(&format!("pod/{pod}"), ".metadata.uid")
    ))
}

/// What etcd tells of itself. Endpoints follow readiness by a moment: until then it is asked again.
fn version(address: &str) -> String {
    let ask = || -> std::io::Result<String> {
        let address = address.to_socket_addrs()?.next().expect("an address");
        let mut connection = TcpStream::connect(address)?;
        write!(connection, "GET /version HTTP/1.0\r\nHost: web\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let mut answer = ask();
    eventually(true, || {
        answer = ask();
        answer.as_ref().is_ok_and(|answer| answer.contains("200 OK"))
    });
    answer.unwrap()
}

fn run(program: &str, args: &[&str], input: &str) -> String {
    // Anywhere else it might be somebody's own cluster.
    assert!(std::env::var_os("SERIN_NODE_DIR").is_some(), "this test runs inside of a node only");
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
