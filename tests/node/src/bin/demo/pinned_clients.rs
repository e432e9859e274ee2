//! Scenario A: three hosts, of which one follows the canary.

use std::collections::BTreeMap;
use std::time::Duration;

use serin_node::rollout::counted;
use serin_node::{Load, Rollout, Seen, Site, ask};

use crate::stage::Stage;

const NAME: &str = "static-rollouts-demo";
const ROUTE: &str = "canary-route";
const HOSTS: [&str; 3] = ["app.example.com", "old.example.com", "new.example.com"];

pub fn play(stage: &Stage, site: &Site) {
    stage.title(
        "Pinned clients: app.example.com follows the canary, old.example.com and new.example.com do not",
    );
    let rollout = stage.run("kubectl apply -f examples/pinned-clients/", || Rollout::pinned_clients(site));
    let gateway = site.inside.gateway.expect("a gateway");
    site.until("the hosts are served", || HOSTS.iter().all(|host| ask(gateway, host, 1).failures.is_empty()));

    let load = Load::start(gateway, &HOSTS, Duration::from_millis(10));
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    let mut keep = |seen: BTreeMap<String, Seen>| {
        for (host, seen) in seen {
            all.entry(host).or_default().add(&seen);
        }
    };
    let head = format!(
        "{:8} {:22} {:16} {:16} {:12} {:4} pods",
        "weights", "app.example.com", "old.example.com", "new.example.com", "phase", "step"
    );
    let seen = std::sync::Mutex::new(Vec::new());
    let row = || {
        let second = load.take();
        let told = HOSTS.map(|host| second.get(host).map(shares).unwrap_or_default());
        seen.lock().unwrap().push(second);
        let (status, (stable, canary)) = (rollout.status(), rollout.weights(ROUTE));
        let [app, old, new] = told;
        let (phase, step) = (status["phase"].as_str().unwrap_or_default(), &status["currentStepIndex"]);
        let pods = counted(&site.list("pods", &format!("app={NAME}")), |_| String::new());
        format!("{:8} {app:22} {old:16} {new:16} {phase:12} {step:4} {pods}", format!("{stable}/{canary}"))
    };
    let (at_ten, at_fifty, v1) = stage.watch(&head, row, || {
        let v1 = rollout.status()["stableRS"].as_str().unwrap_or_default().to_owned();
        std::thread::sleep(Duration::from_secs(2));
        stage.shell(&rollout.image_command("localhost/web-app:v2"));
        let paused = rollout.until_paused_at(1);
        std::thread::sleep(Duration::from_secs(3));
        let at_ten = ask(gateway, HOSTS[0], 1000);
        let how = paused["waitingFor"][0]["unblock"].as_str().unwrap_or_default().to_owned();
        stage.say("It waits for a person, and says how to go on.");
        stage.ask(&how);
        rollout.until_paused_at(3);
        std::thread::sleep(Duration::from_secs(1));
        let at_fifty = ask(gateway, HOSTS[0], 1000);
        rollout.until_healthy();
        std::thread::sleep(Duration::from_secs(3));
        stage.say("The old pods stay for scaleDownDelaySeconds, here the default of 30 s.");
        rollout.until_gone(&v1);
        (at_ten, at_fifty, v1)
    });
    seen.into_inner().unwrap().into_iter().for_each(&mut keep);
    keep(load.stop());
    let requests: usize = all.values().map(Seen::total).sum::<usize>() + at_ten.total() + at_fifty.total();
    let failures = all.values().chain([&at_ten, &at_fifty]).flat_map(|seen| seen.failures.clone());
    let failures: BTreeMap<String, usize> = failures.collect();
    let only = |host: &str, at: fn(&Seen) -> bool| all.get(host).is_some_and(at);
    stage.check(
        "at weight 10, 10 % of app.example.com came from v2 (±3)",
        (at_ten.share("v2") - 10.0).abs() <= 3.0,
    );
    stage.check(
        "at weight 50, 50 % of app.example.com came from v2 (±3)",
        (at_fifty.share("v2") - 50.0).abs() <= 3.0,
    );
    stage.check(
        "old.example.com saw v1, and v2 only when it was stable",
        only(HOSTS[1], |seen| seen.versions.len() == 2),
    );
    stage.check(
        "both Services select v2, at weights 100/0",
        rollout.weights(ROUTE) == (100, 0) && rollout.pods_of(&v1).is_empty(),
    );
    stage.check(&format!("not one of {requests} requests failed"), failures.is_empty());
    for (failure, times) in failures {
        stage.say(&format!("       {times} times: {failure}"));
    }
}

fn shares(seen: &Seen) -> String {
    let versions = seen.versions.keys().map(|version| format!("{version} {:.0} %", seen.share(version)));
    let mut told = versions.collect::<Vec<_>>().join(" ");
    if !seen.failures.is_empty() {
        told.push_str(" FAILED");
    }
    told
}
