//! The world behind a kube client, so that code which speaks to a real API server runs against it unchanged.

mod body;
mod watch_stream;

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use http::{HeaderMap, Response, StatusCode, header};
use kube::Client;
use serde_json::{Value, json};

use self::body::ResponseBody;
use self::watch_stream::WatchStream;
use serin_world::world::{Call, Failure, Kind, Matcher, Method, Refusal, Request, Verb, World};

type BoxError = Box<dyn Error + Send + Sync>;

/// What happens in the world just before a request is judged.
type Hook = Box<dyn FnOnce(&mut World) + Send>;

/// A world that is served to clients. Clones serve the same world.
#[derive(Clone, Default)]
pub struct FakeApi(Arc<Mutex<Served>>);

#[derive(Default)]
struct Served {
    world: World,
    hooks: Vec<(Matcher, Hook)>,
    frozen: BTreeSet<Kind>,
    /// Raised when all watches are to end.
    connection: u64,
    /// The watches that wait for something to tell.
    waiting: Vec<Waker>,
}

/// The world, for a test that looks or changes something. Watches tell of it when this is dropped.
pub struct WorldGuard<'a>(MutexGuard<'a, Served>);

impl Deref for WorldGuard<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0.world
    }
}

impl DerefMut for WorldGuard<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0.world
    }
}

impl Drop for WorldGuard<'_> {
    fn drop(&mut self) {
        self.0.wake();
    }
}

impl fmt::Debug for FakeApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeApi").field("version", &self.served().world.version()).finish_non_exhaustive()
    }
}

impl Served {
    fn wake(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    /// Runs the hooks that wait for this call.
    fn run_hooks(&mut self, call: &Call) {
        let (due, left) =
            std::mem::take(&mut self.hooks).into_iter().partition(|(matcher, _)| matcher.matches(call));
        self.hooks = left;
        for (_, hook) in due {
            hook(&mut self.world);
        }
    }
}

impl FakeApi {
    /// Serves `world`.
    pub fn new(world: World) -> Self {
        Self(Arc::new(Mutex::new(Served { world, ..Served::default() })))
    }

    /// A client whose requests are logged as those of `user`. Must be called within a runtime.
    pub fn client(&self, user: &str) -> Client {
        let (api, user) = (self.clone(), user.to_owned());
        let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (api, user) = (api.clone(), user.clone());
            async move { api.answer(&user, request).await }
        });
        Client::new(service, "default")
    }

    /// The world. Requests wait while it is held, so hold it for a moment only.
    pub fn world(&self) -> WorldGuard<'_> {
        WorldGuard(self.served())
    }

    /// Runs `hook` once, just before the next request that matches is judged: what somebody else did in between.
    /// The matcher's `skip` does not count here.
    pub fn before_next(&self, matcher: Matcher, hook: impl FnOnce(&mut World) + Send + 'static) {
        self.served().hooks.push((matcher, Box::new(hook)));
    }

    /// Makes watches of one kind say nothing until [`FakeApi::thaw_watches`], as slow ones do.
    pub fn freeze_watches(&self, kind: Kind) {
        self.served().frozen.insert(kind);
    }

    /// Lets all watches tell what they have held back.
    pub fn thaw_watches(&self) {
        let mut served = self.served();
        served.frozen.clear();
        served.wake();
    }

    /// Ends all watches, as a server does every few minutes.
    pub fn end_watches(&self) {
        let mut served = self.served();
        served.connection += 1;
        served.wake();
    }

    fn served(&self) -> MutexGuard<'_, Served> {
        // A test that failed while it held the world has told why; others shall tell their own reason.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(
        self,
        user: &str,
        request: http::Request<kube::client::Body>,
    ) -> Result<Response<ResponseBody>, BoxError> {
        let (parts, body) = request.into_parts();
        let body = body.collect_bytes().await?;
        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        let asked = Request {
            user: user.to_owned(),
            method: match parts.method.as_str() {
                "POST" => Method::Post,
                "PUT" => Method::Put,
                "PATCH" => Method::Patch,
                "DELETE" => Method::Delete,
                _ => Method::Get,
            },
            path,
            content_type: text(&parts.headers, header::CONTENT_TYPE),
            body: if body.is_empty() { Value::Null } else { serde_json::from_slice(&body)? },
        };
        let metadata_only = text(&parts.headers, header::ACCEPT).contains("as=PartialObjectMetadata");
        match self.serve(asked, metadata_only) {
            Ok((status, body)) => Ok(response(status, body)),
            Err(Failure::Refused(refusal)) => Ok(refused(&refusal)),
            Err(Failure::Disconnected) => Err(io::Error::from(io::ErrorKind::ConnectionReset).into()),
            Err(Failure::Hung) => hung().await,
        }
    }

    fn serve(&self, request: Request, metadata_only: bool) -> Result<(StatusCode, ResponseBody), Failure> {
        if request.path == "/version" {
            return Ok((StatusCode::OK, ResponseBody::once(&json!({ "major": "1", "minor": "36" }))));
        }
        if let Some(group_version) =
            request.path.strip_prefix("/apis/").filter(|path| path.matches('/').count() == 1)
        {
            return Ok(resources(group_version));
        }
        let mut served = self.served();
        let call = Call::parse(request.clone(), served.world.group())?;
        served.run_hooks(&call);
        let answer = served.world.request(request);
        served.wake();
        let object = answer?;
        if call.verb == Verb::Watch {
            let stream = WatchStream::begin(self.clone(), &served, &call, metadata_only);
            return Ok((StatusCode::OK, ResponseBody::Watch(stream)));
        }
        let status = if call.verb == Verb::Create { StatusCode::CREATED } else { StatusCode::OK };
        let object = if metadata_only { only_metadata(object) } else { object };
        Ok((status, ResponseBody::once(&object)))
    }
}

/// The kinds of a group and version, as the discovery of an API server lists them.
fn resources(group_version: &str) -> (StatusCode, ResponseBody) {
    let is_of_it = |kind: &Kind| {
        let (group, version) = kind.group_version();
        group.is_some_and(|group| format!("{group}/{version}") == group_version)
    };
    let resource = |kind: Kind| {
        json!({
            "name": kind.plural(), "singularName": "", "namespaced": kind.is_namespaced(), "kind": kind.name(),
            "verbs": ["get", "list", "patch", "watch"],
        })
    };
    let resources: Vec<Value> = Kind::ALL.into_iter().filter(is_of_it).map(resource).collect();
    if resources.is_empty() {
        let body = json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "404"});
        return (StatusCode::NOT_FOUND, ResponseBody::once(&body));
    }
    let body = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources,
    });
    (StatusCode::OK, ResponseBody::once(&body))
}

fn hung() -> impl Future<Output = Result<Response<ResponseBody>, BoxError>> {
    pending()
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn response(status: StatusCode, body: ResponseBody) -> Response<ResponseBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn refused(refusal: &Refusal) -> Response<ResponseBody> {
    let status = StatusCode::from_u16(refusal.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, ResponseBody::once(&refusal.status()))
}

/// What a client gets that asks for metadata only.
fn only_metadata(object: Value) -> Value {
    let partial = |object: &Value| {
        json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"],
        })
    };
    match object["items"].as_array() {
        Some(items) => json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
            "metadata": object["metadata"], "items": items.iter().map(partial).collect::<Vec<_>>(),
        }),
        None => partial(&object),
    }
}
