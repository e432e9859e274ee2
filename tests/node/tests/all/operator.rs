//! Pods of the operator come and go in the middle of a canary, and the canary goes on.

use std::time::{Duration, Instant};

use serin_node::load::assert_no_failure;
use serin_node::site::{RELEASE, SYSTEM};
use serin_node::{Load, Rollout, Site, ask};

const APP: &str = "app.example.com";

/// How long nobody may lead after the leader was told to end.
const HAND_OVER: Duration = Duration::from_secs(10);

fn paused(site: &Site) -> Rollout<'_> {
    let rollout = Rollout::pinned_clients(site);
    let gateway = site.inside.gateway.expect("a gateway");
    site.until("the route is served", || ask(gateway, APP, 1).failures.is_empty());
    rollout.set_image("localhost/web-app:v2");
    rollout.until_paused_at(1);
    rollout
}

/// Waits for a leader other than this one, and tells how long that took.
fn next_leader(site: &Site, before: &str) -> Duration {
    let begun = Instant::now();
    site.until("another pod leads", || site.leader().is_some_and(|leader| leader != before));
    begun.elapsed()
}

#[test]
fn a_canary_goes_on_when_the_leader_is_evicted_killed_restarted_and_upgraded() {
    let site = Site::open();
    let gateway = site.inside.gateway.expect("a gateway");
    let rollout = paused(&site);
    let load = Load::start(gateway, &[APP], Duration::from_millis(50));

    // Drained from its node, as far as one node can show it.
    let leader = site.leader().expect("a leader");
    let eviction = format!(
        r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{leader}","namespace":"{SYSTEM}"}}}}"#
    );
    let file = std::env::temp_dir().join("serin-eviction.json");
    std::fs::write(&file, eviction).unwrap();
    let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{leader}/eviction");
    site.must(&["create", "--raw", &path, "--filename", &file.to_string_lossy()]);
    let took = next_leader(&site, &leader);
    println!("evicted: another pod leads after {took:?}");
    assert!(took < HAND_OVER, "{took:?}");

    // Killed without a word: nobody may lead until its lease has run out.
    site.must(&["rollout", "status", "deployment", RELEASE, "--namespace", SYSTEM, "--timeout=60s"]);
    let leader = site.leader().expect("a leader");
    let (holder, begun) = (site.holder(), Instant::now());
    site.kill(&leader);
    site.until("another process leads", || ![String::new(), holder.clone()].contains(&site.holder()));
    println!("killed: another process leads after {:?}", begun.elapsed());
    site.must(&["rollout", "status", "deployment", RELEASE, "--namespace", SYSTEM, "--timeout=60s"]);

    let leader = site.leader().expect("a leader");
    site.must(&["rollout", "restart", "deployment", RELEASE, "--namespace", SYSTEM]);
    let took = next_leader(&site, &leader);
    println!("restarted: another pod leads after {took:?}");
    assert!(took < HAND_OVER, "{took:?}");
    site.must(&["rollout", "status", "deployment", RELEASE, "--namespace", SYSTEM, "--timeout=60s"]);

    assert_eq!(rollout.weights("canary-route"), (90, 10));
    rollout.resume(1);
    rollout.until_paused_at(3);
    site.install(RELEASE, &["--set", "logging.level=debug"]);
    rollout.until_healthy();
    assert_eq!(rollout.weights("canary-route"), (100, 0));
    assert_no_failure("while the operator came and went", &load.stop());
}
