//! The one API call that carries out an action, with the facts that it was decided on as preconditions.

use serde_json::{Value, json};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::route::{ROUTE_GROUP, RouteId, RouteKind};

use crate::action::{Action, MapChange};
use crate::objects::Map;
use crate::routes::{PairWeights, Side};
use crate::snapshot::Snapshot;

/// A call to the API server.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiCall {
    pub verb: Verb,
    /// The path below the server's root, without query.
    pub path: String,
    /// Nothing is stored; the answer is what counts.
    pub dry_run: bool,
    pub body: Body,
    /// What kind of object it is about.
    pub target: Target,
}

/// How a call changes an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Create,
    Patch,
    Delete,
}

/// The kind of object that a call is about, and that its answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Rollout,
    RolloutStatus,
    ReplicaSet,
    Service,
    Route(RouteKind),
    Pod,
    Eviction,
}

/// What a call sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A whole new object.
    Object(Value),
    /// JSON Patch: `tests` fail the call (422) unless they hold, then `changes` apply.
    JsonPatch { tests: Vec<Value>, changes: Vec<Value> },
    /// Merge patch, with the resourceVersion that it was decided on inside (409 when stale).
    MergePatch(Value),
    /// Delete options, with uid and resourceVersion (409 when stale).
    DeleteOptions(Value),
}

impl Body {
    /// The JSON to send.
    pub fn json(&self) -> Value {
        match self {
            Self::Object(value) | Self::MergePatch(value) | Self::DeleteOptions(value) => value.clone(),
            Self::JsonPatch { tests, changes } => {
                Value::Array(tests.iter().chain(changes).cloned().collect())
            }
        }
    }

    /// The media type.
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Object(_) | Self::DeleteOptions(_) => "application/json",
            Self::JsonPatch { .. } => "application/json-patch+json",
            Self::MergePatch(_) => "application/merge-patch+json",
        }
    }
}

impl Target {
    /// The resource name, for metrics.
    pub fn resource(self) -> &'static str {
        match self {
            Self::Rollout => "rollouts",
            Self::RolloutStatus => "rollouts/status",
            Self::ReplicaSet => "replicasets",
            Self::Service => "services",
            Self::Route(kind) => kind.plural(),
            Self::Pod => "pods",
            Self::Eviction => "pods/eviction",
        }
    }
}

impl ApiCall {
    /// A merge patch of status, refused when the Rollout has changed since it was read.
    pub fn patch_status(world: &Snapshot, changes: Value) -> Self {
        let body =
            json!({"metadata": {"resourceVersion": world.rollout.resource_version}, "status": changes});
        Self::new(
            Target::RolloutStatus,
            Verb::Patch,
            format!("{}/status", rollout_path(world)),
            Body::MergePatch(body),
        )
    }

    fn new(target: Target, verb: Verb, path: String, body: Body) -> Self {
        Self { verb, path, dry_run: false, body, target }
    }
}

/// The call for one action on the Rollout of `world`.
pub fn api_call(world: &Snapshot, action: &Action) -> ApiCall {
    match action {
        Action::AddFinalizer { present } => {
            rollout(world, add_finalizer(present.as_deref(), &world.names.finalizer))
        }
        Action::RemoveFinalizer { index, finalizer } => {
            let path = format!("/metadata/finalizers/{index}");
            rollout(world, Patch::new().test(&path, json!(finalizer)).remove(&path))
        }
        Action::RemoveResume { request } => {
            rollout(world, Patch::new().test("/spec/resume", request.clone()).remove("/spec/resume"))
        }
        Action::RemoveAnnotation { name, value } => {
            let path = format!("/metadata/annotations/{}", escape(name));
            rollout(world, Patch::new().test(&path, json!(value)).remove(&path))
        }
        Action::CompareTemplate { body, .. } => ApiCall { dry_run: true, ..create(world, body) },
        Action::CreateReplicaSet { body, .. } => create(world, body),
        Action::Adopt { replica_set, uid, owner, has_owners } => {
            let patch = Patch::of_uid(uid);
            let patch = if *has_owners {
                patch.add("/metadata/ownerReferences/-", owner.clone())
            } else {
                let path = "/metadata/ownerReferences";
                patch.test(path, Value::Null).add(path, json!([owner]))
            };
            self::replica_set(world, replica_set, patch)
        }
        Action::Recognise { replica_set, uid, has_annotations, annotations } => {
            let mut patch = Patch::of_uid(uid).with_annotations(*has_annotations);
            for change in annotations {
                patch =
                    patch.annotate(*has_annotations, &change.name, change.before.as_deref(), &change.value);
            }
            self::replica_set(world, replica_set, patch)
        }
        Action::Scale { replica_set, uid, unchanged, from, to, .. } => {
            let patch =
                Patch::of_uid(uid).unchanged(unchanged.as_deref()).test("/spec/replicas", json!(from));
            self::replica_set(world, replica_set, patch.add("/spec/replicas", json!(to)))
        }
        Action::SetMinReadySeconds { replica_set, uid, to } => {
            self::replica_set(world, replica_set, Patch::of_uid(uid).add("/spec/minReadySeconds", json!(to)))
        }
        Action::SetRole { replica_set, uid, before, record, has_annotations, labels, annotations } => {
            let patch = Patch::of_uid(uid)
                .with_annotations(*has_annotations)
                .annotate(*has_annotations, &world.names.role_metadata, before.as_deref(), record)
                .change("/spec/template/metadata/labels", labels)
                .change("/spec/template/metadata/annotations", annotations);
            self::replica_set(world, replica_set, patch)
        }
        Action::RecordStable { replica_set, uid, unchanged, has_annotations, before, ordinal, .. } => {
            let patch = Patch::of_uid(uid)
                .unchanged(unchanged.as_deref())
                .with_annotations(*has_annotations)
                .annotate(*has_annotations, &world.names.stable, before.as_deref(), &ordinal.to_string());
            self::replica_set(world, replica_set, patch)
        }
        Action::DeleteReplicaSet { replica_set, uid, resource_version } => {
            let options = json!({
                "kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
                "preconditions": {"uid": uid, "resourceVersion": resource_version},
            });
            let path = replica_set_path(world, replica_set);
            ApiCall::new(Target::ReplicaSet, Verb::Delete, path, Body::DeleteOptions(options))
        }
        Action::RelabelPod { pod, uid, labels, annotations } => {
            let patch = Patch::of_uid(uid)
                .change("/metadata/labels", labels)
                .change("/metadata/annotations", annotations);
            let path = format!("/api/v1/namespaces/{}/pods/{pod}", world.rollout.namespace);
            ApiCall::new(Target::Pod, Verb::Patch, path, patch.body())
        }
        Action::Evict { pod, uid, resource_version } => {
            let namespace = &world.rollout.namespace;
            let body = json!({
                "apiVersion": "policy/v1", "kind": "Eviction",
                "metadata": {"name": pod, "namespace": namespace},
                "deleteOptions": {"preconditions": {"uid": uid, "resourceVersion": resource_version}},
            });
            let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/eviction");
            ApiCall::new(Target::Eviction, Verb::Create, path, Body::Object(body))
        }
        Action::Select { service, before, hash, .. } => {
            let path = format!("/api/v1/namespaces/{}/services/{service}", world.rollout.namespace);
            ApiCall::new(Target::Service, Verb::Patch, path, select(before, hash.as_deref()).body())
        }
        Action::SetWeights { route: RouteId { kind, namespace, name }, version, changes, .. } => {
            let plural = kind.plural();
            let path = format!("/apis/{ROUTE_GROUP}/{version}/namespaces/{namespace}/{plural}/{name}");
            ApiCall::new(Target::Route(*kind), Verb::Patch, path, weights(changes).body())
        }
    }
}

fn add_finalizer(present: Option<&[String]>, finalizer: &str) -> Patch {
    let path = "/metadata/finalizers";
    match present {
        Some(present) => {
            Patch::new().test(path, json!(present)).add("/metadata/finalizers/-", json!(finalizer))
        }
        None => Patch::new().test(path, Value::Null).add(path, json!([finalizer])),
    }
}

fn select(before: &Map, hash: Option<&str>) -> Patch {
    let path = format!("/spec/selector/{POD_TEMPLATE_HASH}");
    let patch = Patch::new().test("/spec/selector", json!(before));
    match hash {
        Some(hash) => patch.add(&path, json!(hash)),
        None => patch.remove(&path),
    }
}

/// Each side's identity and old weight are tested, so that a route which changed in between is never damaged.
fn weights(changes: &[PairWeights]) -> Patch {
    let mut patch = Patch::new();
    for change in changes {
        if let Some(name) = &change.pair.name {
            patch = patch.test(&format!("/spec/rules/{}/name", change.pair.rule), json!(name));
        }
        for (side, weight) in [(&change.pair.stable, change.stable), (&change.pair.canary, change.canary)] {
            let at = format!("/spec/rules/{}/backendRefs/{}", change.pair.rule, side.index);
            patch = identity(patch, &at, side).add(&format!("{at}/weight"), json!(weight));
        }
    }
    patch
}

fn identity(patch: Patch, at: &str, side: &Side) -> Patch {
    let backend = &side.backend;
    patch
        .test(&format!("{at}/group"), json!(backend.group))
        .test(&format!("{at}/kind"), json!(backend.kind))
        .test(&format!("{at}/namespace"), json!(backend.namespace))
        .test(&format!("{at}/name"), json!(backend.name))
        .test(&format!("{at}/weight"), json!(backend.weight))
}

fn create(world: &Snapshot, body: &Value) -> ApiCall {
    let path = format!("/apis/apps/v1/namespaces/{}/replicasets", world.rollout.namespace);
    ApiCall::new(Target::ReplicaSet, Verb::Create, path, Body::Object(body.clone()))
}

fn rollout(world: &Snapshot, patch: Patch) -> ApiCall {
    let patch = patch.test("/metadata/uid", json!(world.rollout.uid));
    ApiCall::new(Target::Rollout, Verb::Patch, rollout_path(world), patch.body())
}

fn replica_set(world: &Snapshot, name: &str, patch: Patch) -> ApiCall {
    ApiCall::new(Target::ReplicaSet, Verb::Patch, replica_set_path(world, name), patch.body())
}

fn rollout_path(world: &Snapshot) -> String {
    let (group, rollout) = (&world.names.group, &world.rollout);
    format!("/apis/{group}/v1alpha1/namespaces/{}/rollouts/{}", rollout.namespace, rollout.name)
}

fn replica_set_path(world: &Snapshot, name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{}/replicasets/{name}", world.rollout.namespace)
}

/// `~` and `/` have a meaning in JSON pointers.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A JSON Patch under construction.
#[derive(Default)]
struct Patch {
    tests: Vec<Value>,
    changes: Vec<Value>,
}

impl Patch {
    fn new() -> Self {
        Self::default()
    }

    fn of_uid(uid: &str) -> Self {
        Self::new().test("/metadata/uid", json!(uid))
    }

    fn test(mut self, path: &str, value: Value) -> Self {
        self.tests.push(json!({"op": "test", "path": path, "value": value}));
        self
    }

    fn unchanged(self, version: Option<&str>) -> Self {
        match version {
            Some(version) => self.test("/metadata/resourceVersion", json!(version)),
            None => self,
        }
    }

    /// Adds or replaces.
    fn add(mut self, path: &str, value: Value) -> Self {
        self.changes.push(json!({"op": "add", "path": path, "value": value}));
        self
    }

    fn remove(mut self, path: &str) -> Self {
        self.changes.push(json!({"op": "remove", "path": path}));
        self
    }

    /// Makes room for annotations where the object has none; a test of `null` passes on an absent path.
    fn with_annotations(self, present: bool) -> Self {
        let path = "/metadata/annotations";
        if present { self } else { self.test(path, Value::Null).add(path, json!({})) }
    }

    /// Sets one annotation from a known value. Below an absent map even a test of `null` fails, so none is made there.
    fn annotate(self, map_present: bool, name: &str, before: Option<&str>, value: &str) -> Self {
        let path = format!("/metadata/annotations/{}", escape(name));
        let patch = if map_present { self.test(&path, json!(before)) } else { self };
        patch.add(&path, json!(value))
    }

    fn change(mut self, path: &str, change: &MapChange) -> Self {
        if change.absent && !change.set.is_empty() {
            self = self.test(path, Value::Null).add(path, json!({}));
        }
        for (key, before) in &change.before {
            let at = format!("{path}/{}", escape(key));
            if !change.absent {
                self = self.test(&at, json!(before));
            }
            self = match change.set.get(key) {
                Some(value) => self.add(&at, json!(value)),
                None => self.remove(&at),
            };
        }
        self
    }

    fn body(self) -> Body {
        Body::JsonPatch { tests: self.tests, changes: self.changes }
    }
}
