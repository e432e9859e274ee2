//! Can requests fail here at all? The same application as a Deployment that is restarted, behind the same gateway.

use std::time::Duration;

use serin_node::{Load, Site, ask};

const HOST: &str = "control.example.com";

/// How often it is restarted at most until a request has failed.
const RESTARTS: usize = 5;

const MANIFEST: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: control}
spec:
  replicas: 5
  selector: {matchLabels: {app: control}}
  template:
    metadata: {labels: {app: control}}
    spec:
      containers:
        - name: control
          image: localhost/web-app:v1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: control}
spec:
  selector: {app: control}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: control}
spec:
  parentRefs: [{name: eg}]
  hostnames: [control.example.com]
  rules: [{backendRefs: [{name: control, port: 80}]}]
";

/// What restarts of a Deployment cost.
pub struct Control {
    pub restarts: usize,
    pub requests: usize,
    pub failed: usize,
}

/// Restarts it until a request has failed, and removes it.
pub fn play(site: &Site) -> Control {
    let gateway = site.inside.gateway.expect("a gateway");
    site.apply(MANIFEST);
    let wait = ["rollout", "status", "deployment", "control", "--timeout=120s"];
    site.must(&wait);
    site.until("the control is served", || ask(gateway, HOST, 1).failures.is_empty());
    let mut control = Control { restarts: 0, requests: 0, failed: 0 };
    while control.failed == 0 && control.restarts < RESTARTS {
        // As many requests as the split route gets.
        let load = Load::start(gateway, &[HOST], Duration::from_micros(6250));
        site.must(&["rollout", "restart", "deployment", "control"]);
        site.must(&wait);
        std::thread::sleep(Duration::from_secs(1));
        let seen = load.stop().remove(HOST).unwrap_or_default();
        control.restarts += 1;
        control.failed += seen.failures.values().sum::<usize>();
        control.requests += seen.total() + seen.failures.values().sum::<usize>();
    }
    for kind in ["httproute", "service", "deployment"] {
        site.must(&["delete", kind, "control", "--timeout=60s"]);
    }
    control
}
