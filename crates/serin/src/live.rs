//! The objects of one Rollout, read once, for a command of a person. Reads as the operator does and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::NamespaceResourceScope;
use kube::runtime::watcher::Event;
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::rollout::PLURAL;
use serin_api::route::{ROUTE_GROUP, RouteId, RouteKind};
use serin_api::{Rollout, RolloutApi};
use serin_engine::Objects;
use serin_engine::objects::{Route, RouteApi};
use serin_engine::observe::references;
use serin_process::Caches;
use serin_process::cache::Cache;
use serin_process::caches::SERVICE_NAME;
use serin_process::error::{Category, brief};
use tokio::time::timeout;

use crate::watch::{api_of, served_version};

/// How long one list may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many other Rollouts are named when one does not exist.
const NEIGHBOURS: usize = 5;

/// Reads one Rollout and everything that a decision about it is made from.
///
/// # Errors
/// It does not exist, its kind does not, a permission is missing, or the API server cannot be reached: each with what
/// to do about it.
pub async fn read(client: Client, api: RolloutApi, namespace: &str, name: &str) -> anyhow::Result<Objects> {
    Ok(read_with_others(client, api, namespace, name).await?.0)
}

/// The same, and every Rollout of the namespace.
///
/// # Errors
/// As [`read`].
pub async fn read_with_others(
    client: Client,
    api: RolloutApi,
    namespace: &str,
    name: &str,
) -> anyhow::Result<(Objects, Vec<Arc<Rollout>>)> {
    let caches = Caches::new();
    let reader = Reader { client: client.clone(), namespace, group: api.group };
    let all = ListParams::default();
    let (labelled, of_service) = (all.clone().labels(POD_TEMPLATE_HASH), all.clone().labels(SERVICE_NAME));
    let rollouts = Api::namespaced_with(client.clone(), namespace, &api);
    reader.fill(rollouts, &caches.rollouts, &all, PLURAL, api.group).await?;
    tokio::try_join!(
        reader.fill_kind(&caches.replica_sets, &labelled),
        reader.fill_kind(&caches.pods, &labelled),
        reader.fill_kind(&caches.services, &all),
        reader.fill_kind(&caches.slices, &of_service),
    )?;
    if let Some(rollout) = caches.rollouts.get(namespace, name) {
        reader.fill_routes(&caches, &references(&rollout).routes).await?;
    }
    let mut objects = caches.objects_of(namespace, name).ok_or_else(|| {
        let names: Vec<String> = caches.rollouts.all().iter().map(|rollout| rollout.name_any()).collect();
        anyhow!(not_there(namespace, name, names))
    })?;
    if objects.rollout.metadata.deletion_timestamp.is_some() {
        objects.namespace_terminating = is_terminating(client, namespace).await;
    }
    Ok((objects, caches.rollouts.all()))
}

struct Reader<'a> {
    client: Client,
    namespace: &'a str,
    group: &'a str,
}

impl Reader<'_> {
    async fn fill_kind<K>(&self, cache: &Cache<K>, params: &ListParams) -> anyhow::Result<()>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let api = Api::namespaced(self.client.clone(), self.namespace);
        self.fill(api, cache, params, &K::plural(&()), &K::group(&())).await
    }

    /// The named routes, and which kinds there are at all. Nothing else of these kinds is read.
    async fn fill_routes(&self, caches: &Caches, named: &[RouteId]) -> anyhow::Result<()> {
        for kind in RouteKind::ALL {
            let of = caches.routes.of(kind);
            let mut routes = named.iter().filter(|route| route.kind == kind).peekable();
            let served = match routes.peek() {
                Some(_) => served_version(&self.client, kind)
                    .await
                    .with_context(|| format!("cannot tell which {} there are", kind.plural()))?,
                None => None,
            };
            let Some(version) = served else {
                of.cache.not_served();
                continue;
            };
            of.asks_for(version);
            let route_api = RouteApi { kind, version: version.to_owned() };
            of.cache.apply_event(Event::Init);
            for RouteId { namespace, name, .. } in routes {
                let api: Api<Route> = api_of(&self.client, Some(namespace), &route_api);
                let found = timeout(PATIENCE, api.get_opt(name)).await;
                let found = found.with_context(|| format!("no answer about {} {name}", kind.kind()))?;
                match found {
                    Ok(Some(route)) => drop(of.cache.apply_event(Event::InitApply(route))),
                    Ok(None) => {}
                    Err(error) => {
                        let resource = format!("{}.{ROUTE_GROUP}", kind.plural());
                        let (category, said) = (Category::of(&error), brief(&error));
                        return Err(anyhow!(self.problem(category, &resource, &said)));
                    }
                }
            }
            of.cache.apply_event(Event::InitDone);
        }
        Ok(())
    }

    async fn fill<K>(
        &self,
        api: Api<K>,
        cache: &Cache<K>,
        params: &ListParams,
        plural: &str,
        group: &str,
    ) -> anyhow::Result<()>
    where
        K: Resource + Clone + std::fmt::Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let namespace = self.namespace;
        let resource = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
        let listed = timeout(PATIENCE, api.list(params))
            .await
            .with_context(|| format!("no answer to the list of {resource} in namespace {namespace}"))?;
        match listed {
            Ok(listed) => {
                cache.apply_event(Event::Init);
                for object in listed.items {
                    cache.apply_event(Event::InitApply(object));
                }
                cache.apply_event(Event::InitDone);
                Ok(())
            }
            Err(error) => Err(anyhow!(self.problem(Category::of(&error), &resource, &brief(&error)))),
        }
    }

    fn problem(&self, category: Category, resource: &str, said: &str) -> String {
        let (namespace, group) = (self.namespace, self.group);
        match category {
            Category::NotFound => format!(
                "the API server does not know {resource}: install the definition \
                 (serin crds | kubectl apply -f -), or name another group with --api-group ({said})"
            ),
            Category::Forbidden => format!(
                "you may not read {resource} in namespace {namespace}: ask for a role that allows to list \
                 rollouts.{group}, replicasets.apps, pods, services and endpointslices.discovery.k8s.io there, and to \
                 get the routes of gateway.networking.k8s.io that the Rollout names ({said})"
            ),
            _ => format!("cannot list {resource} in namespace {namespace}: {said}"),
        }
    }
}

/// Whether the namespace is going away. Who may not look is told no.
async fn is_terminating(client: Client, namespace: &str) -> bool {
    let found = timeout(PATIENCE, Api::<Namespace>::all(client).get_opt(namespace)).await;
    matches!(found, Ok(Ok(Some(namespace))) if namespace.metadata.deletion_timestamp.is_some())
}

fn not_there(namespace: &str, name: &str, mut others: Vec<String>) -> String {
    let missing = format!("there is no Rollout {name} in namespace {namespace}");
    if others.is_empty() {
        return format!("{missing}, and no other: name another namespace with --namespace");
    }
    others.sort_by_key(|other| (distance(name, other), other.clone()));
    let more = others.len().saturating_sub(NEIGHBOURS);
    others.truncate(NEIGHBOURS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{missing}; there are {}{more}", others.join(", "))
}

/// How many letters have to be put in, taken out or replaced to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (cell, wanted) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal + usize::from(letter != *wanted);
            diagonal = *cell;
            left = replaced.min(*cell + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
