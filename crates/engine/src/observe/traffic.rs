//! What the Services and the routes say.

use std::collections::BTreeMap;
use std::sync::Arc;

use serin_api::route::RouteId;
use serin_api::status::{ManagedRoute, ManagedService, ManagedTraffic, OriginalWeights, RolloutStatus};
use serin_api::validate::{RouteRef, ValidCanary};

use super::Objects;
use crate::objects::Pod;
use crate::routes::{RouteSet, RouteView, Wanted};
use crate::snapshot::{Revision, ServiceView, TrafficView};

/// The routes and Services in force, and what is wanted in their place.
pub fn traffic(
    objects: &Objects,
    recorded: &RolloutStatus,
    strategy: Option<&ValidCanary>,
    revisions: &[Revision],
) -> Option<TrafficView> {
    let wanted = strategy.map(|strategy| ManagedTraffic {
        routes: strategy.routes.iter().map(managed_route).collect(),
        stable_service: ManagedService { name: strategy.stable_service.clone(), pod_template_hash: None },
        canary_service: ManagedService { name: strategy.canary_service.clone(), pod_template_hash: None },
    });
    let managed = recorded.canary.as_ref().and_then(|canary| canary.managed.clone());
    let is_recorded = managed.is_some();
    let in_force = managed.or_else(|| wanted.clone())?;
    let pods = pods_of(objects, revisions);
    let service = |managed: &ManagedService| service_view(objects, managed, &pods);
    let (stable, canary) = (&in_force.stable_service, &in_force.canary_service);
    let services = [&*stable.name, &*canary.name];
    let routes = in_force.routes.iter().filter_map(|managed| {
        Some(route_view(objects, &managed.id()?, &managed.rules, &managed.original_weights, services))
    });
    Some(TrafficView {
        recorded: is_recorded,
        routes: RouteSet(routes.collect()),
        at_rest: strategy.map(|strategy| strategy.at_rest).unwrap_or_default(),
        stable: service(stable),
        canary: service(canary),
        wanted: wanted.filter(|wanted| {
            !same_routes(&wanted.routes, &in_force.routes)
                || wanted.stable_service.name != stable.name
                || wanted.canary_service.name != canary.name
        }),
    })
}

fn managed_route(route: &RouteRef) -> ManagedRoute {
    let RouteId { kind, namespace, name } = route.id.clone();
    let kind = kind.kind().to_owned();
    ManagedRoute { kind, namespace, name, rules: route.rules.clone(), original_weights: Vec::new() }
}

/// Whether both name the same rules of the same routes.
fn same_routes(wanted: &[ManagedRoute], in_force: &[ManagedRoute]) -> bool {
    let names = |routes: &[ManagedRoute]| -> Vec<_> {
        routes.iter().map(|route| (route.id(), route.rules.clone())).collect()
    };
    names(wanted) == names(in_force)
}

pub fn route_view(
    objects: &Objects,
    id: &RouteId,
    rules: &[String],
    original: &[OriginalWeights],
    [stable, canary]: [&str; 2],
) -> RouteView {
    let namespace = objects.rollout.metadata.namespace.as_deref().unwrap_or_default();
    let version = objects.route_versions.get(&id.kind).map(String::as_str);
    let wanted = Wanted { id, rules, original, namespace, stable, canary };
    RouteView::of(wanted, version, objects.routes.get(id).map(|route| &**route))
}

/// The revision of each pod by uid, and whether the pod is about to end.
fn pods_of<'a>(objects: &'a Objects, revisions: &'a [Revision]) -> BTreeMap<&'a str, (&'a str, bool)> {
    let revision_of = |pod: &'a Arc<Pod>| {
        let metadata = &pod.metadata;
        let owner =
            metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))?;
        let revision = revisions.iter().find(|revision| revision.uid == owner.uid)?;
        Some((metadata.uid.as_deref()?, (&*revision.hash, metadata.deletion_timestamp.is_some())))
    };
    objects.pods.iter().filter_map(revision_of).collect()
}

fn service_view(
    objects: &Objects,
    managed: &ManagedService,
    pods: &BTreeMap<&str, (&str, bool)>,
) -> ServiceView {
    let service = objects.services.get(&managed.name);
    let mut seen = std::collections::BTreeSet::new();
    let slices = objects.slices.get(&managed.name).into_iter().flatten();
    let listed = slices.flat_map(|slice| slice.endpoints.iter().filter(|endpoint| endpoint.ready));
    // A dual-stack Service lists every pod once for each address family.
    let listed: Vec<&str> =
        listed.map(|endpoint| &*endpoint.pod_uid).filter(|uid| seen.insert(*uid)).collect();
    let listed = if service.is_some() { listed } else { Vec::new() };
    let live = |uid: &&str| pods.get(*uid).filter(|(_, ends)| !ends).map(|(hash, _)| (*hash).to_owned());
    let ending = |uid: &&str| pods.get(*uid).filter(|(_, ends)| *ends).map(|(hash, _)| (*hash).to_owned());
    ServiceView {
        name: managed.name.clone(),
        found: service.is_some(),
        selector: service.map(|service| service.selector.clone()).unwrap_or_default(),
        recorded: managed.pod_template_hash.clone(),
        writer: service.and_then(|service| service.writer.clone()),
        ready: listed.iter().map(live).collect(),
        ending: listed.iter().filter_map(ending).collect(),
    }
}
