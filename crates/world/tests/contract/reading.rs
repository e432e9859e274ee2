use serde_json::{Value, json};
use serin_testkit::world::Request;
use serin_testkit::{Kind, World};

use crate::{path, replica_set, world};

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[test]
fn one_object_is_read_by_name() {
    let mut world = world();
    let rollout = path(&world, Kind::Rollout, "a");
    let read = world.request(Request::get(&rollout)).unwrap();
    assert_eq!(&read, world.get(Kind::Rollout, "a"));
    assert_eq!(world.request(Request::get(format!("{rollout}x"))).unwrap_err().code(), 404);
}

#[test]
fn lists_carry_the_version_of_everything() {
    let mut world = world();
    let list = world.request(Request::get("/apis/serin.dev/v1alpha1/rollouts")).unwrap();
    assert_eq!(list["kind"], "RolloutList");
    assert_eq!(names(&list), ["a"]);
    assert_eq!(list["metadata"]["resourceVersion"], world.version().to_string());
    assert_eq!(list["items"][0]["kind"], "Rollout", "items of custom kinds name their kind");
    let list = world.request(Request::get("/api/v1/namespaces/default/services")).unwrap();
    assert_eq!(names(&list), ["canary", "stable"]);
    assert_eq!(list["items"][0]["kind"], Value::Null, "items of built-in kinds do not");
}

#[test]
fn lists_are_selected_by_label_field_and_namespace() {
    let mut world = world();
    for name in ["x", "y"] {
        world.create(replica_set(name, 1, "web:1"));
        world.patch(Kind::ReplicaSet, name, json!({ "metadata": { "labels": { "hash": name } } }));
    }
    let mut list = |query: &str| {
        let list = world.request(Request::get(format!("/apis/apps/v1/replicasets?{query}"))).unwrap();
        names(&list).join(" ")
    };
    assert_eq!(list(""), "x y");
    assert_eq!(list("labelSelector=hash%3Dx"), "x");
    assert_eq!(list("labelSelector=hash%20in%20(x,y),app=web"), "x y");
    assert_eq!(list("fieldSelector=metadata.name%3Dy%2Cmetadata.namespace%3Ddefault"), "y");
    assert_eq!(list("fieldSelector=metadata.namespace%3Dshop"), "");
}

#[test]
fn unknown_paths_and_unserved_kinds_are_not_found() {
    let mut world = world();
    for path in
        ["/apis/apps/v1/deployments", "/apis/apps/v2/replicasets", "/nonsense", "/apis/apps/v1/replicasets/x"]
    {
        assert_eq!(world.request(Request::get(path)).unwrap_err().code(), 404, "{path}");
    }
    world.set_served(Kind::HttpRoute, false);
    let routes = "/apis/gateway.networking.k8s.io/v1/httproutes";
    assert_eq!(world.request(Request::get(routes)).unwrap_err().code(), 404);
    world.set_served(Kind::HttpRoute, true);
    assert_eq!(names(&world.request(Request::get(routes)).unwrap()), ["route"]);
}

#[test]
fn every_request_is_logged_with_its_outcome() {
    let mut world = World::new();
    world.create(replica_set("x", 1, "web:1"));
    world.patch(Kind::ReplicaSet, "x", json!({ "spec": { "replicas": 2 } }));
    world.patch_status(Kind::ReplicaSet, "x", json!({ "replicas": 2 }));
    let missing = path(&world, Kind::Pod, "nobody");
    drop(world.request(Request::delete(missing, Value::Null).by("serin")));
    let dry = format!("{}?dryRun=All", world.collection_path(Kind::ReplicaSet, "default"));
    drop(world.request(Request::post(dry, replica_set("y", 1, "web:1")).by("serin")));
    let lines: Vec<_> = world.log().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "create replicasets/x 201",
            "patch replicasets/x 200",
            "patch replicasets/x/status 200",
            "delete pods/nobody 404",
            "create replicasets/y (dry run) 201",
        ]
    );
    assert_eq!(world.log()[1].body, json!({ "spec": { "replicas": 2 } }));
    let writes: Vec<_> = world.writes_by("serin").iter().map(ToString::to_string).collect();
    assert_eq!(writes, ["delete pods/nobody 404"]);
    assert_eq!(world.take_log().len(), 5);
    assert!(world.log().is_empty());
}
