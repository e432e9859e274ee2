//! Run inside of a node with a gateway by the test outside, never by itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use serin_cluster::{Inside, gateway};

use crate::node::inside::{apply, kubectl};
use crate::world::eventually;

const HOST: &str = "web.example";
const REQUESTS: usize = 1000;

#[test]
#[ignore = "runs inside of a node"]
fn a_route_is_followed_by_its_host_and_its_weights() {
    let gateway = Inside::from_env().unwrap().gateway.expect("a gateway");
    apply(&[pod("one"), service("one"), pod("other"), service("other"), route(100, 0)]);
    kubectl(&["wait", "--for=condition=Ready", "pod", "one", "other", "--timeout=60s"]);
    eventually(Some("one\n".to_owned()), || answer(gateway, HOST));
    assert_eq!(answer(gateway, "nowhere.example"), None);

    apply(&[route(90, 10)]);
    eventually(Some("other\n".to_owned()), || answer(gateway, HOST));
    let answers: Vec<_> = (0..REQUESTS).map(|_| answer(gateway, HOST)).collect();
    let count = |expected: &str| answers.iter().flatten().filter(|answer| answer.trim() == expected).count();
    let (one, other) = (count("one"), count("other"));
    assert_eq!(one + other, REQUESTS, "{answers:?}");
    // Room for a gateway that throws dice: four standard deviations.
    assert!((62..=138).contains(&other), "{other} of {REQUESTS}");
}

/// What the gateway answers for a host, unless it is an error.
fn answer(gateway: SocketAddr, host: &str) -> Option<String> {
    let mut connection = TcpStream::connect(gateway).unwrap();
    connection.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(connection, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": name, "image": gateway::WEB_IMAGE, "imagePullPolicy": "Never",
                "env": [{"name": "ANSWER", "value": name}],
                "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
            }],
        },
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    })
}

fn route(one: u32, other: u32) -> Value {
    let backend = |name: &str, weight: u32| json!({"name": name, "port": 80, "weight": weight});
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"},
        "spec": {
            "parentRefs": [{"name": gateway::NAME}],
            "hostnames": [HOST],
            "rules": [{"backendRefs": [backend("one", one), backend("other", other)]}],
        },
    })
}
