use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Error, ResourceExt};
use serde_json::json;
use serin_api::{Rollout, RolloutApi};
use serin_testkit::world::Verb;
use serin_testkit::{FakeApi, Fault, Kind, Matcher};
use tokio::time::timeout;

use crate::{replica_set, world};

fn api() -> FakeApi {
    FakeApi::new(world())
}

fn services(api: &FakeApi) -> Api<Service> {
    Api::namespaced(api.client("serin"), "default")
}

fn code(error: &Error) -> u16 {
    match error {
        Error::Api(status) => status.code,
        _ => 0,
    }
}

fn selecting(value: &str) -> Patch<serde_json::Value> {
    Patch::Merge(json!({ "spec": { "selector": { "app": value } } }))
}

#[tokio::test]
async fn typed_clients_create_read_change_and_delete() {
    let api = api();
    let replica_sets: Api<ReplicaSet> = Api::namespaced(api.client("serin"), "default");
    let new = serde_json::from_value(replica_set("x", 2, "web:1")).unwrap();
    let created = replica_sets.create(&PostParams::default(), &new).await.unwrap();
    assert_eq!(created.metadata.generation, Some(1));
    assert_eq!(
        replica_sets.create(&PostParams::default(), &new).await.map_err(|error| code(&error)),
        Err(409)
    );
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let other = serde_json::from_value(replica_set("y", 2, "web:1")).unwrap();
    assert_eq!(replica_sets.create(&dry, &other).await.unwrap().resource_version(), None);
    let patch: json_patch::Patch = serde_json::from_value(json!([
        { "op": "test", "path": "/metadata/uid", "value": created.uid() },
        { "op": "replace", "path": "/spec/replicas", "value": 3 },
    ]))
    .unwrap();
    let patch = Patch::<()>::Json(patch);
    let patched = replica_sets.patch("x", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.metadata.generation, Some(2));
    assert_eq!(replica_sets.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert_eq!(replica_sets.list_metadata(&ListParams::default()).await.unwrap().items[0].name_any(), "x");
    let stale = DeleteParams::default().preconditions(kube::api::Preconditions {
        uid: created.uid(),
        resource_version: created.resource_version(),
    });
    assert_eq!(replica_sets.delete("x", &stale).await.map_err(|error| code(&error)).err(), Some(409));
    assert!(replica_sets.delete("x", &DeleteParams::default()).await.unwrap().is_right());
    assert_eq!(replica_sets.get_opt("x").await.unwrap(), None);
    let writes: Vec<_> = api.world().writes_by("serin").iter().map(ToString::to_string).collect();
    assert_eq!(
        writes,
        [
            "create replicasets/x 201",
            "create replicasets/x 409",
            "patch replicasets/x 200",
            "delete replicasets/x 409",
            "delete replicasets/x 200",
        ]
    );
}

#[tokio::test]
async fn rollouts_are_read_through_their_own_type() {
    let api = api();
    let rollouts: Api<Rollout> = Api::namespaced_with(api.client("serin"), "default", &RolloutApi::default());
    assert_eq!(rollouts.get("a").await.unwrap().spec.replicas, Some(1));
    let status = Patch::Merge(json!({ "status": { "phase": "Healthy" } }));
    let patched = rollouts.patch_status("a", &PatchParams::default(), &status).await.unwrap();
    assert_eq!(patched.recorded_status().phase, Some(serin_api::status::Phase::Healthy));
    assert_eq!(rollouts.list(&ListParams::default()).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn a_lease_is_replaced_by_the_one_who_read_it_last() {
    let api = api();
    let leases: Api<Lease> = Api::namespaced(api.client("serin"), "default");
    let lease =
        serde_json::from_value(json!({ "metadata": { "name": "l" }, "spec": { "holderIdentity": "a" } }))
            .unwrap();
    let read = leases.create(&PostParams::default(), &lease).await.unwrap();
    let mut mine = read.clone();
    mine.spec.as_mut().unwrap().holder_identity = Some("b".to_owned());
    leases.replace("l", &PostParams::default(), &mine).await.unwrap();
    let late = leases.replace("l", &PostParams::default(), &read).await;
    assert_eq!(late.map_err(|error| code(&error)).err(), Some(409));
}

async fn next<S: Stream<Item = watcher::Result<watcher::Event<Service>>> + Unpin>(events: &mut S) -> String {
    let event = timeout(Duration::from_secs(60), events.next()).await.unwrap().unwrap();
    let version = |service: &Service| service.spec.as_ref().unwrap().selector.clone().unwrap_or_default();
    match event {
        Ok(watcher::Event::Init) => "init".to_owned(),
        Ok(watcher::Event::InitApply(service)) => format!("listed {}", service.name_any()),
        Ok(watcher::Event::InitDone) => "done".to_owned(),
        Ok(watcher::Event::Apply(service)) => {
            format!("{} {:?}", service.name_any(), version(&service)["app"])
        }
        Ok(watcher::Event::Delete(service)) => format!("{} gone", service.name_any()),
        Err(error) => format!("error {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_lists_and_follows() {
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let api = api();
        let mut events = pin!(watcher(services(&api), config));
        for expected in ["init", "listed canary", "listed stable", "done"] {
            assert_eq!(next(&mut events).await, expected);
        }
        services(&api).patch("stable", &PatchParams::default(), &selecting("api")).await.unwrap();
        assert_eq!(next(&mut events).await, "stable \"api\"");
        api.world().patch(Kind::Service, "stable", json!({ "spec": { "selector": { "app": "x" } } }));
        api.world().delete(Kind::Service, "canary");
        assert_eq!(next(&mut events).await, "stable \"x\"");
        assert_eq!(next(&mut events).await, "canary gone");
    }
}

#[tokio::test(start_paused = true)]
async fn a_watcher_comes_back_after_an_end_and_after_an_expired_version() {
    let api = api();
    let mut events = pin!(watcher(services(&api), watcher::Config::default()));
    for expected in ["init", "listed canary", "listed stable", "done"] {
        assert_eq!(next(&mut events).await, expected);
    }
    let follow = async {
        assert_eq!(next(&mut events).await, "stable \"after\"");
        let told = next(&mut events).await;
        assert!(told.contains("410") || told.contains("too old"), "{told}");
        for expected in ["init", "listed stable", "done"] {
            assert_eq!(next(&mut events).await, expected);
        }
    };
    let disturb = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        api.end_watches();
        api.world().patch(Kind::Service, "stable", json!({ "spec": { "selector": { "app": "after" } } }));
        tokio::time::sleep(Duration::from_secs(1)).await;
        api.freeze_watches(Kind::Service);
        api.world().delete(Kind::Service, "canary");
        api.world().forget_history();
        api.thaw_watches();
    };
    tokio::join!(follow, disturb);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_watch_tells_later() {
    let api = api();
    let config = watcher::Config::default().fields("metadata.name=stable");
    let mut events = pin!(watcher(services(&api), config));
    for expected in ["init", "listed stable", "done"] {
        assert_eq!(next(&mut events).await, expected);
    }
    api.freeze_watches(Kind::Service);
    api.world().patch(Kind::Service, "stable", json!({ "spec": { "selector": { "app": "late" } } }));
    assert!(timeout(Duration::from_secs(5), events.next()).await.is_err());
    api.thaw_watches();
    assert_eq!(next(&mut events).await, "stable \"late\"");
}

#[tokio::test(start_paused = true)]
async fn metadata_can_be_watched_alone() {
    let api = api();
    let pods: Api<PartialObjectMeta<Pod>> = Api::all(api.client("serin"));
    let mut events = pin!(watcher(pods, watcher::Config::default()));
    for _ in 0..2 {
        events.try_next().await.unwrap();
    }
    api.world().create(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "p" } }));
    let Some(watcher::Event::Apply(pod)) = events.try_next().await.unwrap() else { unreachable!() };
    assert_eq!(pod.name_any(), "p");
}

#[tokio::test(start_paused = true)]
async fn faults_reach_the_client() {
    let api = api();
    let services = services(&api);
    let set = |value: &'static str| {
        let services = services.clone();
        async move { services.patch("stable", &PatchParams::default(), &selecting(value)).await }
    };
    api.world().fail_next(Matcher::writes(), Fault::Status(503));
    assert_eq!(set("1").await.map_err(|error| code(&error)).err(), Some(503));
    api.world().fail_next(Matcher::writes(), Fault::LoseAnswer);
    assert!(matches!(set("2").await, Err(Error::Service(_))));
    assert_eq!(api.world().get(Kind::Service, "stable")["spec"]["selector"]["app"], "2");
    api.world().fail_next(Matcher::writes(), Fault::Hang);
    assert!(timeout(Duration::from_secs(60), set("3")).await.is_err());
    api.world().fail_next(Matcher::verb(Verb::List), Fault::Status(500));
    assert!(services.list(&ListParams::default()).await.is_err());
}

#[tokio::test]
async fn somebody_else_can_write_just_before_a_request() {
    let api = api();
    let services = services(&api);
    let read = services.get("stable").await.unwrap();
    api.before_next(Matcher::writes().by("serin"), |world| {
        world.patch(Kind::Service, "stable", json!({ "metadata": { "labels": { "a": "b" } } }));
    });
    let patch = Patch::Merge(json!({ "metadata": { "resourceVersion": read.resource_version() } }));
    let answer = services.patch("stable", &PatchParams::default(), &patch).await;
    assert_eq!(answer.map_err(|error| code(&error)).err(), Some(409));
    let answer = services.patch("stable", &PatchParams::default(), &selecting("x")).await;
    assert_eq!(answer.unwrap().labels()["a"], "b");
}
