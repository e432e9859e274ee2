//! A small API server for unit tests: objects with versions, and faults on demand.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};

use http::{Method, Request, Response};
use kube::client::Body;
use serde_json::{Value, json};

/// What happens to a call instead of an answer.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// It is answered with this status code and has no effect.
    Status(u16),
    /// It is never answered and has no effect.
    Hang,
    /// It takes effect but is never answered.
    LoseAnswer,
}

/// A small API server. Clones share their objects.
#[derive(Clone, Default)]
pub struct FakeApi(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    objects: BTreeMap<String, Value>,
    version: u64,
    faults: VecDeque<(Method, Fault)>,
    down: bool,
}

impl FakeApi {
    /// A client whose every call this answers.
    pub fn client(&self) -> kube::Client {
        let contents = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let contents = contents.clone();
            async move { Ok::<_, Infallible>(contents.serve(request).await) }
        });
        kube::Client::new(service, "shop")
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, path: &str, mut object: Value) {
        let mut contents = self.lock();
        contents.stamp(&mut object);
        contents.objects.insert(path.to_owned(), object);
    }

    /// Removes an object, as somebody else would.
    pub fn remove(&self, path: &str) {
        self.lock().objects.remove(path);
    }

    /// The object, or null.
    pub fn object(&self, path: &str) -> Value {
        self.lock().objects.get(path).cloned().unwrap_or_default()
    }

    /// All objects, by path.
    pub fn objects(&self) -> Vec<Value> {
        self.lock().objects.values().cloned().collect()
    }

    /// Makes the next call with that method fail.
    pub fn fail_next(&self, method: Method, fault: Fault) {
        self.lock().faults.push_back((method, fault));
    }

    /// Answers nothing from now on, or everything again.
    pub fn set_down(&self, down: bool) {
        self.lock().down = down;
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await.unwrap();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        let answer = {
            let mut contents = self.lock();
            let due = contents.faults.front().is_some_and(|(method, _)| *method == parts.method);
            let fault = if due { contents.faults.pop_front().map(|(_, fault)| fault) } else { None };
            match fault {
                _ if contents.down => None,
                Some(Fault::Hang) => None,
                Some(Fault::Status(code)) => Some(failure(code)),
                Some(Fault::LoseAnswer) => {
                    contents.answer(&parts.method, parts.uri.path(), body);
                    None
                }
                None => Some(contents.answer(&parts.method, parts.uri.path(), body)),
            }
        };
        let Some((code, body)) = answer else { return std::future::pending().await };
        Response::builder().status(code).body(Body::from(body.to_string().into_bytes())).unwrap()
    }
}

impl Contents {
    fn answer(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        match method.as_str() {
            "GET" if self.objects.contains_key(path) => (200, self.objects[path].clone()),
            "GET" if is_collection(path) => (200, self.list(path)),
            "POST" => {
                let path = format!("{path}/{}", body["metadata"]["name"].as_str().unwrap());
                if self.objects.contains_key(&path) { failure(409) } else { self.store(&path, body) }
            }
            _ if !self.objects.contains_key(path) => failure(404),
            "PUT" => {
                let version = &body["metadata"]["resourceVersion"];
                if *version == self.objects[path]["metadata"]["resourceVersion"] {
                    self.store(path, body)
                } else {
                    failure(409)
                }
            }
            "PATCH" => {
                let mut object = self.objects[path].clone();
                match json_patch::patch(
                    &mut object,
                    &serde_json::from_value::<json_patch::Patch>(body).unwrap(),
                ) {
                    Ok(()) => self.store(path, object),
                    Err(_) => failure(422),
                }
            }
            _ => failure(405),
        }
    }

    fn store(&mut self, path: &str, mut object: Value) -> (u16, Value) {
        self.stamp(&mut object);
        self.objects.insert(path.to_owned(), object.clone());
        (200, object)
    }

    fn stamp(&mut self, object: &mut Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
    }

    /// The objects of one kind, in one namespace or in all.
    fn list(&self, collection: &str) -> Value {
        let (parent, plural) = collection.rsplit_once('/').unwrap();
        let listed = |path: &&String| {
            let path_collection = path.rsplit_once('/').unwrap().0;
            path_collection == collection
                || path_collection.starts_with(&format!("{parent}/namespaces/"))
                    && path_collection.ends_with(&format!("/{plural}"))
        };
        let items: Vec<_> = self.objects.keys().filter(listed).map(|path| &self.objects[path]).collect();
        json!({ "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": self.version.to_string() }, "items": items })
    }
}

/// Whether the path names a kind rather than an object: those have a plural noun in the last place.
fn is_collection(path: &str) -> bool {
    let segments = path.trim_start_matches('/').split('/').count();
    let groups = if path.starts_with("/api/") { 2 } else { 3 };
    (segments - groups) % 2 == 1
}

fn failure(code: u16) -> (u16, Value) {
    let reason = match code {
        404 => "NotFound",
        409 => "Conflict",
        422 => "Invalid",
        _ => "",
    };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": "no" });
    (code, status)
}
