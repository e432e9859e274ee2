//! Pods that are let go.

use serde_json::{Value, json};

use super::town::{NOON, Town};
use serin_world::world::Kind;

const EARLY: &str = "2030-01-01T10:00:00Z";
const ASKED: &str = "2030-01-01T11:00:00Z";

/// Every pod is ready and older than the restart that is asked for; the stable revision has one pod more than wanted.
fn restarting() -> Town {
    let mut town = Town::new();
    let ready = json!([{"type": "Ready", "status": "True"}]);
    town.both(|world| {
        for name in ["web-v1-0", "web-v1-1", "web-v1-2", "web-v1-3", "web-v2-0", "web-v2-1"] {
            let mut pod = Value::clone(world.find(Kind::Pod, name).unwrap());
            pod["metadata"]["creationTimestamp"] = json!(EARLY);
            pod["status"]["conditions"] = ready.clone();
            let owner = if name.starts_with("web-v1") { "uid-v1" } else { "uid-v2" };
            pod["metadata"]["ownerReferences"] = json!([{"uid": owner, "controller": true}]);
            world.put(Kind::Pod, pod.clone());
            if name == "web-v1-0" {
                pod["metadata"]["name"] = json!("web-v1-more");
                pod["metadata"]["creationTimestamp"] = json!(NOON);
                world.put(Kind::Pod, pod);
            }
        }
    });
    town.given(Kind::ReplicaSet, "web-v1", "/spec/replicas", json!(5));
    town.given(Kind::Rollout, "web", "/spec/restartAt", json!(ASKED));
    town
}

fn lets_go<'t>(town: &'t mut Town, pod: &str) -> &'t mut Town {
    town.written(Kind::Pod, pod, "/metadata/deletionTimestamp", json!(NOON))
}

#[test]
fn an_old_pod_goes_when_it_is_not_missed() {
    lets_go(&mut restarting(), "web-v1-0").is_fine();
}

#[test]
fn no_pod_goes_unasked() {
    lets_go(&mut restarting(), "web-v1-more").breaks("no restart asks for that");
    let mut town = restarting();
    town.given(Kind::Rollout, "web", "/spec/restartAt", json!("2030-01-01T13:00:00Z"));
    lets_go(&mut town, "web-v1-0").breaks("no restart asks for that");
}

#[test]
fn no_pod_goes_that_is_missed_unless_it_serves_nobody() {
    let unready = |pod: &str| {
        let mut town = restarting();
        town.given(Kind::Pod, pod, "/status/conditions", json!([]));
        town
    };
    lets_go(&mut unready("web-v1-1"), "web-v1-0").breaks("3 ready pods left, and 4 are needed");
    lets_go(&mut unready("web-v1-0"), "web-v1-0").is_fine();
}

#[test]
fn one_pod_more_is_allowed_for_a_restart_and_no_second_one() {
    let mut town = restarting();
    town.both(|world| {
        let mut set = Value::clone(world.find(Kind::ReplicaSet, "web-v1").unwrap());
        set["spec"]["replicas"] = json!(4);
        world.put(Kind::ReplicaSet, set);
    });
    town.written(Kind::ReplicaSet, "web-v1", "/spec/replicas", json!(5)).is_fine();
    town.written(Kind::ReplicaSet, "web-v1", "/spec/replicas", json!(6)).breaks("for 4 replicas");
}
