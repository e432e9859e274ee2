//! The chart on a real cluster: with the operator's own image, as in production.

use serde_json::Value;
use serin_node::rollout::identities;
use serin_node::site::{RELEASE, SYSTEM, root};
use serin_node::{Rollout, Site};

#[test]
fn helm_test_passes() {
    let site = Site::open();
    let said = site.helm(&["test", RELEASE, "--namespace", SYSTEM, "--timeout=60s"]);
    assert!(said.contains("Succeeded"), "{said}");
}

#[test]
fn pods_run_restricted_and_as_nobody() {
    let site = Site::open();
    // Enforced by the cluster, not only asked for by the chart.
    site.must(&[
        "label",
        "namespace",
        SYSTEM,
        "pod-security.kubernetes.io/enforce=restricted",
        "--overwrite",
    ]);
    site.must(&["rollout", "restart", "deployment", RELEASE, "--namespace", SYSTEM]);
    site.must(&["rollout", "status", "deployment", RELEASE, "--namespace", SYSTEM, "--timeout=90s"]);
    let said = site.helm(&["test", RELEASE, "--namespace", SYSTEM, "--timeout=60s"]);
    assert!(said.contains("Succeeded"), "{said}");
}

#[test]
fn a_release_of_another_name_takes_the_crd_over() {
    let site = Site::open();
    let chart = root().join("charts/serin");
    let chart = chart.to_string_lossy();
    let crd_only = "replicaCount=0,rbac.create=false,serviceAccount.create=false,serviceAccount.name=default,\
                    pdb.enabled=false,hooks.release.enabled=false";
    let upgrade =
        ["upgrade", "--install", "canaries", &chart, "--namespace", "canaries", "--create-namespace"];
    site.helm(&[&upgrade[..], &["--set", crd_only, "--take-ownership"]].concat());
    let owner = |site: &Site| {
        let crd = site.get("crd", "rollouts.serin.dev");
        crd["metadata"]["annotations"]["meta.helm.sh/release-name"].as_str().map(str::to_owned)
    };
    assert_eq!(owner(&site).as_deref(), Some("canaries"));
    site.helm(&["uninstall", "canaries", "--namespace", "canaries", "--wait"]);
    assert_ne!(site.get("crd", "rollouts.serin.dev"), Value::Null, "the CRD stays");
    site.install(RELEASE, &["--take-ownership"]);
    assert_eq!(owner(&site).as_deref(), Some(RELEASE));
}

#[test]
fn an_upgrade_brings_the_new_crd() {
    let site = Site::open();
    // An older chart, as far as its CRD goes.
    let older = std::env::temp_dir().join("serin-older-chart");
    std::fs::remove_dir_all(&older).ok();
    let chart = root().join("charts/serin");
    let copied = std::process::Command::new("cp").arg("-r").arg(&chart).arg(&older).status().unwrap();
    assert!(copied.success());
    let template = older.join("templates/crds.yaml");
    let crd = std::fs::read_to_string(&template).unwrap();
    assert!(crd.contains("name: Message"));
    std::fs::write(&template, crd.replace("name: Message", "name: Remark")).unwrap();
    let columns = |site: &Site| {
        let crd = site.get("crd", "rollouts.serin.dev");
        crd["spec"]["versions"][0]["additionalPrinterColumns"].to_string()
    };
    site.helm(&[
        "upgrade",
        RELEASE,
        &older.to_string_lossy(),
        "--namespace",
        SYSTEM,
        "--wait",
        "--timeout=120s",
    ]);
    assert!(columns(&site).contains("Remark"));
    site.install(RELEASE, &[]);
    assert!(columns(&site).contains("Message") && !columns(&site).contains("Remark"));
    std::fs::remove_dir_all(&older).ok();
}

/// What an uninstall must not touch.
fn state(site: &Site, rollout: &Rollout<'_>) -> Value {
    let spec = |kind: &str, name: &str| site.get(kind, name)["spec"].clone();
    let pods = identities(&site.list("pods", "app=static-rollouts-demo"));
    let sets = site.list("replicasets", "app=static-rollouts-demo");
    let routes =
        ["canary-route", "always-old-version", "always-new-version"].map(|name| spec("httproute", name));
    let services =
        ["argo-rollouts-stable-service", "argo-rollouts-canary-service"].map(|name| spec("service", name));
    serde_json::json!({
        "crd": site.get("crd", "rollouts.serin.dev")["metadata"]["uid"],
        "rollout": rollout.object()["spec"],
        "routes": routes,
        "services": services,
        "replica sets": sets.iter().map(|set| set["spec"].clone()).collect::<Vec<_>>(),
        "pods": pods,
    })
}

#[test]
fn uninstalled_in_the_middle_of_a_canary_everything_stays_and_a_new_install_goes_on() {
    let site = Site::open();
    let rollout = Rollout::pinned_clients(&site);
    rollout.set_image("localhost/web-app:v2");
    rollout.until_paused_at(1);

    let before = state(&site, &rollout);
    site.helm(&["uninstall", RELEASE, "--namespace", SYSTEM, "--wait"]);
    assert_eq!(before, state(&site, &rollout));
    assert_eq!(
        rollout.object()["metadata"]["finalizers"],
        Value::Null,
        "it can be deleted without an operator"
    );

    site.install(RELEASE, &[]);
    rollout.resume(1);
    rollout.until_healthy();
    assert_eq!(rollout.weights("canary-route"), (100, 0));
}
