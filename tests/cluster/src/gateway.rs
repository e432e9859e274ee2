//! Envoy Gateway on the real node: a Gateway whose routes a real Envoy follows.

use std::fs;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cluster::Cluster;
use crate::tools;

/// The variable that has the address of the Gateway, with its port.
pub(crate) const ADDRESS: &str = "SERIN_GATEWAY";
/// The Gateway, in the namespace `default`, and its GatewayClass.
pub const NAME: &str = "eg";
/// Where Envoy Gateway and its Envoy run.
pub const NAMESPACE: &str = "envoy-gateway-system";
/// Answers every request on port 8080 with `$ANSWER`, or else with the name of its pod.
pub const WEB_IMAGE: &str = "localhost/web:1";
pub(crate) const ENVOY_IMAGE: &str = "localhost/envoy:1.39.1";
pub(crate) const CONTROLLER_IMAGE: &str = "localhost/envoy-gateway:v1.9.1";

const PORT: u16 = 80;
const PATIENCE: Duration = Duration::from_secs(180);

/// Installs all of it. Pods need not be possible yet: these then wait for the node.
pub(crate) fn install(cluster: &Cluster) -> Result<()> {
    let kit = &cluster.layout.kit;
    cluster.kubectl(&["create", "namespace", NAMESPACE])?;
    let values = cluster.dir().join("gateway-values.yaml");
    fs::write(&values, include_str!("../manifests/gateway-values.yaml"))?;

    // What a hook of the chart does otherwise, in a pod, before anything else.
    let mut certificates = Command::new(kit.gateway_program()?);
    cluster.configure(&mut certificates).args(["certgen", "--disable-topology-injector"]);
    certificates.env("ENVOY_GATEWAY_NAMESPACE", NAMESPACE);
    let mut helm = Command::new(cluster.bin("helm"));
    cluster.configure(&mut helm).args(["install", NAME]).arg(kit.gateway_chart()?);
    helm.args(["--namespace", NAMESPACE, "--no-hooks", "--values"]).arg(values);
    std::thread::scope(|scope| {
        let certificates = scope.spawn(move || tools::succeed(&mut certificates));
        tools::succeed(&mut helm)?;
        certificates.join().unwrap_or_else(|_| bail!("certgen has panicked"))
    })?;
    let manifest = include_str!("../manifests/gateway.yaml").replace("{envoy-image}", ENVOY_IMAGE);
    cluster.kubectl_with_input(&["apply", "-f", "-"], &manifest)?;
    Ok(())
}

/// Waits until requests to the Gateway are answered, and answers its address.
pub(crate) fn wait(cluster: &mut Cluster) -> Result<SocketAddr> {
    let gateway = format!("gateway/{NAME}");
    let started = Instant::now();
    while cluster.kubectl(&["wait", "--for=condition=Programmed", "--timeout=2s", &gateway]).is_err() {
        cluster.check()?;
        if started.elapsed() > PATIENCE {
            bail!("the Gateway is not programmed after {} s{}", PATIENCE.as_secs(), diagnosis(cluster));
        }
    }
    let address = cluster.kubectl(&["get", &gateway, "-o", "jsonpath={.status.addresses[0].value}"])?;
    let address: IpAddr =
        address.parse().with_context(|| format!("the address of {gateway}: `{address}`"))?;
    let address = SocketAddr::from((address, PORT));
    cluster.wait_until("kube-proxy", |_| {
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).with_context(|| address.to_string())?;
        Ok(())
    })?;
    Ok(address)
}

/// What is known of why it is not.
fn diagnosis(cluster: &Cluster) -> String {
    let questions: [&[&str]; 5] = [
        &["get", "gateway", NAME, "-o", "jsonpath={.status.conditions}"],
        &["get", "pods", "--all-namespaces", "-o", "wide"],
        &["get", "events", "--all-namespaces", "--field-selector=type=Warning"],
        &["logs", "--namespace", NAMESPACE, "--selector=control-plane=envoy-gateway", "--tail=25"],
        &[
            "logs",
            "--namespace",
            NAMESPACE,
            "--selector=app.kubernetes.io/managed-by=envoy-gateway",
            "--all-containers",
            "--tail=25",
        ],
    ];
    let answers = questions.map(|question| {
        let answer = cluster.kubectl(question).unwrap_or_else(|error| format!("{error:#}"));
        format!("\n`kubectl {}` answers:\n{}", question.join(" "), answer.trim_end())
    });
    answers.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::versions;

    #[test]
    fn the_images_are_of_the_versions_that_are_named() {
        assert!(ENVOY_IMAGE.ends_with(&format!(":{}", versions::ENVOY)));
        assert!(CONTROLLER_IMAGE.ends_with(&format!(":{}", versions::ENVOY_GATEWAY)));
    }
}
