//! Scenario A with real requests: the hosts see what the documentation says, and nobody sees a failure.

use std::time::Duration;

use serin_node::load::assert_no_failure;
use serin_node::{Load, Rollout, Seen, Site, ask};

const APP: &str = "app.example.com";
const OLD: &str = "old.example.com";
const NEW: &str = "new.example.com";
const ROUTE: &str = "canary-route";

/// So many requests tell a share from one that is three percent off.
const REQUESTS: usize = 2000;

/// Longer than the gateway needs to follow a weight.
const SETTLE: Duration = Duration::from_secs(1);

fn deployed(site: &Site) -> Rollout<'_> {
    let rollout = Rollout::pinned_clients(site);
    let gateway = site.inside.gateway.expect("a gateway");
    site.until("the routes are served", || {
        [APP, OLD, NEW].into_iter().all(|host| ask(gateway, host, 1).failures.is_empty())
    });
    rollout
}

#[track_caller]
fn assert_share(seen: &Seen, version: &str, percent: f64) {
    let share = seen.share(version);
    println!("{REQUESTS} requests: {:?}, {share:.1} % of {version}", seen.versions);
    assert!(seen.failures.is_empty(), "{:?}", seen.failures);
    assert!(
        (share - percent).abs() <= 3.0,
        "{share:.1} % of {version}, and not {percent} %: {:?}",
        seen.versions
    );
}

#[track_caller]
fn assert_only(seen: &Seen, version: &str) {
    assert!(seen.failures.is_empty(), "{:?}", seen.failures);
    assert_eq!(seen.versions.keys().collect::<Vec<_>>(), [version], "{seen:?}");
}

#[test]
fn requests_follow_the_weights_pinned_hosts_do_not_and_none_fails() {
    let site = Site::open();
    let gateway = site.inside.gateway.expect("a gateway");
    let rollout = deployed(&site);
    let v1 = rollout.status()["stableRS"].as_str().unwrap().to_owned();
    let load = Load::start(gateway, &[APP, OLD, NEW], Duration::from_millis(20));

    rollout.set_image("localhost/web-app:v2");
    rollout.until_paused_at(1);
    assert_eq!(rollout.weights(ROUTE), (90, 10));
    std::thread::sleep(SETTLE);
    assert_share(&ask(gateway, APP, REQUESTS), "v2", 10.0);
    assert_only(&ask(gateway, OLD, 200), "v1");
    assert_only(&ask(gateway, NEW, 200), "v2");
    assert_no_failure("at 10 %", &load.take());

    rollout.resume(1);
    rollout.until_paused_at(3);
    assert_eq!(rollout.weights(ROUTE), (50, 50));
    std::thread::sleep(SETTLE);
    assert_share(&ask(gateway, APP, REQUESTS), "v2", 50.0);
    assert_only(&ask(gateway, OLD, 200), "v1");
    assert_only(&ask(gateway, NEW, 200), "v2");
    assert_no_failure("at 50 %", &load.take());

    rollout.until_healthy();
    assert_eq!(rollout.weights(ROUTE), (100, 0));
    std::thread::sleep(SETTLE);
    load.take().into_iter().for_each(|(host, seen)| assert!(seen.failures.is_empty(), "{host}: {seen:?}"));
    for host in [APP, OLD, NEW] {
        assert_only(&ask(gateway, host, 200), "v2");
    }
    // The old pods end by SIGTERM at once; nobody may still be sent to them.
    rollout.until_gone(&v1);
    std::thread::sleep(SETTLE);
    assert_no_failure("promoted", &load.stop());
}

#[test]
fn an_abort_returns_every_host_to_the_stable_version_without_a_failure() {
    let site = Site::open();
    let gateway = site.inside.gateway.expect("a gateway");
    let rollout = deployed(&site);
    let load = Load::start(gateway, &[APP, OLD, NEW], Duration::from_millis(20));

    rollout.set_image("localhost/web-app:v2");
    let paused = rollout.until_paused_at(1);
    let v2 = paused["currentPodHash"].as_str().unwrap().to_owned();
    rollout.resume(1);
    rollout.until_paused_at(3);
    rollout.abort();
    rollout.until_aborted();
    assert_eq!(rollout.weights(ROUTE), (100, 0));
    std::thread::sleep(SETTLE);
    for host in [APP, OLD, NEW] {
        assert_only(&ask(gateway, host, 200), "v1");
    }
    assert_no_failure("aborted", &load.take());
    rollout.until_gone(&v2);
    std::thread::sleep(SETTLE);
    assert_no_failure("after the canary's pods have gone", &load.stop());
}
