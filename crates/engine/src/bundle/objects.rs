//! The objects of a bundle: in the form of the API, so that what reads the API reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use serin_api::Rollout;
use serin_api::lenient::Lenient;
use serin_api::names::FIELD_MANAGER;
use serin_api::route::{RouteId, RouteKind};

use super::redact::Kept;
use crate::objects::{EndpointSlice, Map, Parent, Pod, ReplicaSet, Report, Reported, Route, Service};
use crate::observe::{Objects, references};

/// The objects that a decision was made from, without what it does not ask about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BundledObjects {
    rollout: Value,
    /// Why the strategy cannot be read, where it cannot: then it is not in the Rollout.
    unreadable_strategy: Option<String>,
    /// With a digest of the images, because the containers are not in them.
    replica_sets: Vec<Value>,
    /// The ReplicaSet that has the name which the next one would get.
    name_holder: Option<Value>,
    pods: Vec<Value>,
    services: BTreeMap<String, Value>,
    /// By Service.
    endpoint_slices: BTreeMap<String, Vec<Value>>,
    /// With kind and version.
    routes: Vec<Value>,
    /// Other Rollouts that name one of the Services, as far as they name them.
    rivals: Vec<Value>,
    namespace_terminating: bool,
    /// The kinds of routes that the API server knows, each with the version that is asked for.
    route_versions: BTreeMap<String, String>,
}

impl BundledObjects {
    /// Cuts the objects down.
    pub(super) fn of(objects: &Objects, kept: &Kept) -> Self {
        let slices = |(service, slices): (&String, &Vec<Arc<EndpointSlice>>)| {
            (service.clone(), slices.iter().map(|slice| endpoint_slice(slice)).collect())
        };
        let versions = objects.route_versions.iter();
        Self {
            rollout: rollout(&objects.rollout, kept),
            unreadable_strategy: match &objects.rollout.spec.strategy {
                Lenient::Valid(_) => None,
                Lenient::Invalid(problem) => Some(problem.clone()),
            },
            replica_sets: objects.replica_sets.iter().map(|set| replica_set(set, kept)).collect(),
            name_holder: objects.name_holder.as_ref().map(|holder| name_holder(holder)),
            pods: objects.pods.iter().map(|pod| self::pod(pod, kept)).collect(),
            services: objects.services.iter().map(|(name, found)| (name.clone(), service(found))).collect(),
            endpoint_slices: objects.slices.iter().map(slices).collect(),
            routes: objects.routes.iter().map(|(id, found)| route(id.kind, found)).collect(),
            rivals: objects.rivals.iter().map(|other| rival(other)).collect(),
            namespace_terminating: objects.namespace_terminating,
            route_versions: versions
                .map(|(kind, version)| (kind.kind().to_owned(), version.clone()))
                .collect(),
        }
    }

    /// The objects again.
    pub(super) fn restore(&self) -> serde_json::Result<Objects> {
        let mut rollout: Rollout = Rollout::deserialize(&self.rollout)?;
        if let Some(problem) = &self.unreadable_strategy {
            rollout.spec.strategy = Lenient::Invalid(problem.clone());
        }
        let slices = |(service, slices): (&String, &Vec<Value>)| Ok((service.clone(), all(slices)?));
        Ok(Objects {
            rollout: Arc::new(rollout),
            replica_sets: self.replica_sets.iter().map(restored_set).collect::<Result<_, _>>()?,
            name_holder: self.name_holder.as_ref().map(one).transpose()?,
            pods: all(&self.pods)?,
            services: named(&self.services)?,
            slices: self.endpoint_slices.iter().map(slices).collect::<serde_json::Result<_>>()?,
            routes: self.routes.iter().map(restored_route).collect::<Result<_, _>>()?,
            rivals: all(&self.rivals)?,
            namespace_terminating: self.namespace_terminating,
            route_versions: self
                .route_versions
                .iter()
                .filter_map(|(kind, version)| Some((RouteKind::of(kind)?, version.clone())))
                .collect(),
        })
    }
}

fn one<T: DeserializeOwned>(value: &Value) -> serde_json::Result<Arc<T>> {
    T::deserialize(value).map(Arc::new)
}

fn all<T: DeserializeOwned>(values: &[Value]) -> serde_json::Result<Vec<Arc<T>>> {
    values.iter().map(one).collect()
}

fn named<T: DeserializeOwned>(
    values: &BTreeMap<String, Value>,
) -> serde_json::Result<BTreeMap<String, Arc<T>>> {
    values.iter().map(|(name, value)| Ok((name.clone(), one(value)?))).collect()
}

fn restored_set(value: &Value) -> serde_json::Result<Arc<ReplicaSet>> {
    #[derive(Deserialize)]
    struct Digests {
        images: String,
    }
    let mut set = ReplicaSet::deserialize(value)?;
    let digests = Digests::deserialize(&value["digests"])?;
    set.template.images = u64::from_str_radix(&digests.images, 16).map_err(serde::de::Error::custom)?;
    Ok(Arc::new(set))
}

fn restored_route(value: &Value) -> serde_json::Result<(RouteId, Arc<Route>)> {
    let kind = value["kind"].as_str().and_then(RouteKind::of);
    let kind = kind.ok_or_else(|| serde::de::Error::custom("a route of an unknown kind"))?;
    let route: Arc<Route> = one(value)?;
    let named = |text: &Option<String>| text.clone().unwrap_or_default();
    let metadata = &route.metadata;
    let id = RouteId { kind, namespace: named(&metadata.namespace), name: named(&metadata.name) };
    Ok((id, route))
}

/// Metadata with these annotations; that there were some is kept, too.
fn metadata(of: &ObjectMeta, annotations: impl FnOnce(&Map) -> Map) -> Value {
    let kept = ObjectMeta {
        name: of.name.clone(),
        namespace: of.namespace.clone(),
        uid: of.uid.clone(),
        resource_version: of.resource_version.clone(),
        generation: of.generation,
        labels: of.labels.clone(),
        annotations: of.annotations.as_ref().map(annotations),
        owner_references: of.owner_references.clone(),
        finalizers: of.finalizers.clone(),
        creation_timestamp: of.creation_timestamp.clone(),
        deletion_timestamp: of.deletion_timestamp.clone(),
        ..ObjectMeta::default()
    };
    serde_json::to_value(kept).unwrap_or_default()
}

/// What tells an object from others of its kind, and who wrote it last.
fn identity(of: &ObjectMeta, writer: Option<&String>) -> Value {
    let managers: Vec<Value> = writer.iter().map(|writer| json!({ "manager": writer })).collect();
    json!({ "name": of.name, "namespace": of.namespace, "uid": of.uid, "resourceVersion": of.resource_version,
        "managedFields": managers })
}

fn rollout(rollout: &Rollout, kept: &Kept) -> Value {
    let mut spec = serde_json::to_value(&rollout.spec).unwrap_or_default();
    spec["template"] = kept.template(&rollout.spec.template.value());
    json!({
        "metadata": metadata(&rollout.metadata, |all| kept.requests(all)),
        "spec": spec,
        "status": rollout.status,
    })
}

fn replica_set(set: &ReplicaSet, kept: &Kept) -> Value {
    let status = &set.status;
    let failure = status
        .failure
        .iter()
        .map(|why| json!({ "type": "ReplicaFailure", "status": "True", "message": why }));
    json!({
        "metadata": metadata(&set.metadata, |all| kept.records(all)),
        "spec": {
            "replicas": set.replicas,
            "minReadySeconds": set.min_ready_seconds,
            "template": { "metadata": {
                "labels": set.template.labels,
                "annotations": kept.annotations(&set.template.annotations),
            } },
        },
        "status": {
            "replicas": status.replicas,
            "readyReplicas": status.ready,
            "availableReplicas": status.available,
            "observedGeneration": status.observed_generation,
            "conditions": failure.collect::<Vec<_>>(),
        },
        "digests": { "images": format!("{:016x}", set.template.images) },
    })
}

/// Of a ReplicaSet that is asked for its name alone: whose it is.
fn name_holder(set: &ReplicaSet) -> Value {
    json!({ "metadata": metadata(&set.metadata, |_| Map::new()) })
}

fn pod(pod: &Pod, kept: &Kept) -> Value {
    let ready = pod
        .ready_since
        .map(|since| json!({ "type": "Ready", "status": "True", "lastTransitionTime": since.to_string() }));
    let conditions: Vec<Value> = ready.into_iter().collect();
    json!({
        "metadata": metadata(&pod.metadata, |all| kept.annotations(all)),
        "status": { "conditions": conditions },
    })
}

fn service(service: &Service) -> Value {
    json!({
        "metadata": identity(&service.metadata, service.writer.as_ref()),
        "spec": { "selector": service.selector },
    })
}

fn endpoint_slice(slice: &EndpointSlice) -> Value {
    let endpoints = slice.endpoints.iter().map(|endpoint| {
        json!({ "conditions": { "ready": endpoint.ready }, "targetRef": { "kind": "Pod", "uid": endpoint.pod_uid } })
    });
    json!({ "metadata": identity(&slice.metadata, None), "endpoints": endpoints.collect::<Vec<_>>() })
}

fn route(kind: RouteKind, route: &Route) -> Value {
    let rules = route.rules.iter().map(|rule| json!({ "name": rule.name, "backendRefs": rule.backends }));
    let mut metadata = identity(&route.metadata, route.writer.as_ref());
    metadata["generation"] = json!(route.metadata.generation);
    if let (Some(at), Some(managers)) = (route.written_at, metadata["managedFields"].as_array_mut()) {
        managers.push(json!({ "manager": FIELD_MANAGER, "time": Time(at) }));
    }
    json!({
        "kind": kind.kind(),
        "metadata": metadata,
        "spec": {
            "parentRefs": route.parents.iter().map(parent).collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        },
        "status": { "parents": route.reports.iter().map(report).collect::<Vec<_>>() },
    })
}

fn parent(parent: &Parent) -> Value {
    let Parent { group, kind, namespace, name, section, port } = parent;
    json!({
        "group": group, "kind": kind, "namespace": namespace, "name": name, "sectionName": section, "port": port,
    })
}

fn report(report: &Report) -> Value {
    let conditions = [
        ("Accepted", &report.accepted),
        ("ResolvedRefs", &report.resolved_refs),
        ("PartiallyInvalid", &report.partially_invalid),
    ];
    let conditions = conditions.into_iter().filter_map(|(kind, condition)| {
        let Reported { status, generation, reason, message } = condition.as_ref()?;
        Some(json!({
            "type": kind, "status": status, "observedGeneration": generation, "reason": reason, "message": message,
        }))
    });
    json!({
        "parentRef": parent(&report.parent), "controllerName": report.controller,
        "conditions": conditions.collect::<Vec<_>>(),
    })
}

/// Another Rollout: how old it is, and which Services it names in its spec or in its status.
fn rival(rival: &Rollout) -> Value {
    let services = references(rival).services;
    let mut named = services.iter().map(|name| json!(name));
    let (stable, canary) = (named.next().unwrap_or(json!("")), named.next().unwrap_or(json!("")));
    let (stable_before, canary_before) =
        (named.next().unwrap_or(json!("")), named.next().unwrap_or(json!("")));
    json!({
        "metadata": {
            "name": rival.metadata.name, "namespace": rival.metadata.namespace, "uid": rival.metadata.uid,
            "creationTimestamp": rival.metadata.creation_timestamp,
        },
        "spec": { "strategy": { "canary": { "stableService": stable, "canaryService": canary } } },
        "status": { "canary": { "managed": {
            "stableService": { "name": stable_before }, "canaryService": { "name": canary_before },
        } } },
    })
}
