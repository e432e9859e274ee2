use std::collections::VecDeque;
use std::sync::Mutex;

use http::{Request, Response};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::client::Body;
use serde_json::{Value, json};

use super::*;

/// What the fake API server answers: lists from one queue, watches from another. An exhausted queue of watches
/// leaves the watch open and silent.
#[derive(Default)]
struct Script {
    lists: VecDeque<(u16, Value)>,
    watches: VecDeque<Vec<Value>>,
    requests: Vec<String>,
}

fn server(lists: Vec<(u16, Value)>, watches: Vec<Vec<Value>>) -> (Api<ConfigMap>, Arc<Mutex<Script>>) {
    let script =
        Arc::new(Mutex::new(Script { lists: lists.into(), watches: watches.into(), requests: Vec::new() }));
    let service = tower::service_fn({
        let script = Arc::clone(&script);
        move |request: Request<Body>| {
            let script = Arc::clone(&script);
            async move { Ok::<_, std::convert::Infallible>(answer(&script, request.uri().to_string()).await) }
        }
    });
    (Api::namespaced(kube::Client::new(service, "shop"), "shop"), script)
}

async fn answer(script: &Mutex<Script>, uri: String) -> Response<Body> {
    let is_watch = uri.contains("watch=true");
    let (list, watch) = {
        let mut script = script.lock().unwrap();
        script.requests.push(uri);
        if is_watch { (None, script.watches.pop_front()) } else { (script.lists.pop_front(), None) }
    };
    match (list, watch) {
        (Some((status, body)), _) => response(status, body.to_string()),
        (_, Some(events)) => response(200, events.iter().map(|event| format!("{event}\n")).collect()),
        _ => std::future::pending().await,
    }
}

fn response(status: u16, body: String) -> Response<Body> {
    Response::builder().status(status).body(Body::from(body.into_bytes())).unwrap()
}

fn config_map(name: &str, version: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "namespace": "shop", "name": name, "uid": name, "resourceVersion": version },
    })
}

fn list(objects: &[Value]) -> (u16, Value) {
    let body = json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": "5" }, "items": objects });
    (200, body)
}

fn failure(code: u16) -> (u16, Value) {
    (
        code,
        json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "no" }),
    )
}

fn names(cache: &Cache<ConfigMap>) -> Vec<String> {
    cache.all().iter().filter_map(|object| object.metadata.name.clone()).collect()
}

/// Runs the watch until nothing more happens within `time`.
async fn run_for(time: Duration, api: Api<ConfigMap>, cache: &Arc<Cache<ConfigMap>>) -> usize {
    let changes = Mutex::new(0);
    let watch = run_watch(api, (), watcher::Config::default(), Arc::clone(cache), |changed| {
        *changes.lock().unwrap() += changed.iter().count();
    });
    assert!(timeout(time, watch).await.is_err(), "a watch never ends");
    changes.into_inner().unwrap()
}

fn cache() -> Arc<Cache<ConfigMap>> {
    Arc::new(Cache::new(|_| Vec::new(), |_| {}))
}

#[tokio::test(start_paused = true)]
async fn lists_then_watches() {
    let added = json!({ "type": "ADDED", "object": config_map("b", "6") });
    let deleted = json!({ "type": "DELETED", "object": config_map("a", "7") });
    let (api, _) = server(vec![list(&[config_map("a", "1")])], vec![vec![added, deleted]]);
    let cache = cache();
    assert_eq!(run_for(Duration::from_secs(60), api, &cache).await, 3);
    assert_eq!(names(&cache), ["b"]);
    assert!(cache.is_synced());
}

#[tokio::test(start_paused = true)]
async fn survives_errors_and_lists_again_when_its_version_is_too_old() {
    let gone = json!({ "type": "ERROR", "object": {
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "old" } });
    let lists =
        vec![failure(500), list(&[config_map("a", "1")]), failure(403), list(&[config_map("b", "8")])];
    let (api, script) = server(lists, vec![vec![gone]]);
    let cache = cache();
    run_for(Duration::from_secs(120), api, &cache).await;
    assert_eq!(names(&cache), ["b"]);
    assert!(script.lock().unwrap().lists.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_a_crd_is_empty_until_the_crd_arrives() {
    let (api, _) = server(vec![failure(404), failure(404)], vec![]);
    let missing = cache();
    run_for(Duration::from_secs(5), api, &missing).await;
    assert!(missing.is_synced() && !missing.is_served());

    let (api, _) = server(vec![failure(404), failure(404), list(&[config_map("a", "1")])], vec![]);
    let arriving = cache();
    run_for(Duration::from_secs(25), api, &arriving).await;
    assert!(arriving.is_served());
    assert_eq!(names(&arriving), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn one_not_found_is_not_enough_to_forget_a_known_kind() {
    let cache = cache();
    let (api, _) = server(vec![list(&[config_map("a", "1")])], vec![]);
    run_for(Duration::from_secs(5), api, &cache).await;

    let (api, _) = server(vec![failure(404)], vec![]);
    run_for(Duration::from_secs(9), api, &cache).await;
    assert!(cache.is_served());
    assert_eq!(names(&cache), ["a"]);

    let (api, _) = server(vec![failure(404), failure(404)], vec![]);
    assert_eq!(run_for(Duration::from_secs(15), api, &cache).await, 1);
    assert!(!cache.is_served());
    assert_eq!(names(&cache), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_object_written_during_the_list_is_looked_up_when_the_list_lacks_it() {
    let written = |name: &str| serde_json::from_value::<ConfigMap>(config_map(name, "6")).unwrap();
    for (found, expected) in [(vec![config_map("a", "6")], vec!["a"]), (vec![], vec![])] {
        let cache = cache();
        cache.apply_event(Event::Init);
        cache.written(written("a"));
        cache.apply_event(Event::InitDone);
        let (api, script) = server(vec![list(&found)], vec![]);
        check_unlisted(&api, &cache, &|_| {}).await;
        assert_eq!(names(&cache), expected);
        let asked = script.lock().unwrap().requests.join(" ");
        assert!(asked.contains("metadata.name%3Da%2Cmetadata.namespace%3Dshop"), "{asked}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_hangs_is_asked_for_again() {
    let (api, script) = server(vec![], vec![]);
    let cache = cache();
    let late = async {
        sleep(Duration::from_secs(65)).await;
        script.lock().unwrap().lists.push_back(list(&[config_map("a", "1")]));
        std::future::pending::<()>().await
    };
    tokio::select! { _ = late => {}, _ = run_for(Duration::from_secs(80), api, &cache) => {} }
    assert_eq!(names(&cache), ["a"]);
}
