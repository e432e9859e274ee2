//! Turns objects into a [`Snapshot`]: which ReplicaSet is which revision, which one is stable, what the Services and
//! the routes say. Judges nothing and decides nothing.

mod errors;
mod traffic;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::route::{RouteId, RouteKind};
use serin_api::status::{ManagedRoute, RolloutStatus};
use serin_api::validate::{DEFAULT_PROGRESS_DEADLINE_SECONDS, validate};
use serin_api::{Names, Rollout};

use crate::hash;
use crate::objects::{EndpointSlice, Map, Pod, ReplicaSet, Route, Service};
use crate::recall::Recall;
use crate::roles::RoleRecord;
use crate::snapshot::{
    self, CurrentRevision, PodView, Records, Revision, RolloutView, Snapshot, TemplateView,
};

/// The objects that concern one Rollout, all from its namespace.
#[derive(Clone, Debug, Default)]
pub struct Objects {
    pub rollout: Arc<Rollout>,
    /// ReplicaSets with a pod template hash that the Rollout owns or could own.
    pub replica_sets: Vec<Arc<ReplicaSet>>,
    /// The ReplicaSet, if any, that has the name which the next one would get.
    pub name_holder: Option<Arc<ReplicaSet>>,
    /// Pods of these ReplicaSets.
    pub pods: Vec<Arc<Pod>>,
    /// The Services that the spec names or the status records, by name.
    pub services: BTreeMap<String, Arc<Service>>,
    /// The EndpointSlices of these Services, by Service name.
    pub slices: BTreeMap<String, Vec<Arc<EndpointSlice>>>,
    /// The routes that the spec names or the status records.
    pub routes: BTreeMap<RouteId, Arc<Route>>,
    /// Other Rollouts that name one of the Services.
    pub rivals: Vec<Arc<Rollout>>,
    pub namespace_terminating: bool,
    /// The kinds of routes that the API server knows, each with the version that is asked for.
    pub route_versions: BTreeMap<RouteKind, String>,
}

/// The references of one Rollout: what has to be gathered for it, and what it shares with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    pub services: Vec<String>,
    pub routes: Vec<RouteId>,
}

/// What a Rollout refers to, by its spec or by its status.
pub fn references(rollout: &Rollout) -> References {
    let mut references = References::default();
    if let Some(canary) = rollout.spec.strategy.valid().and_then(|strategy| strategy.canary.as_ref()) {
        references.services.extend([canary.stable_service.clone(), canary.canary_service.clone()]);
        let own = rollout.metadata.namespace.as_deref().unwrap_or_default();
        let routing = canary.traffic_routing.iter();
        let routing = routing.flat_map(|routing| {
            routing.gateway_api.iter().chain(routing.plugins.iter().flat_map(|p| p.values()))
        });
        for routing in routing {
            let beside = routing.namespace.as_deref().unwrap_or(own);
            references.routes.extend(routing.named().into_iter().map(|(_, kind, named)| RouteId {
                kind,
                namespace: named.namespace.unwrap_or_else(|| beside.to_owned()),
                name: named.name,
            }));
        }
    }
    let status = rollout.status.as_ref().and_then(|status| status.valid());
    if let Some(managed) = status.and_then(|status| status.canary.as_ref()?.managed.as_ref()) {
        references
            .services
            .extend([managed.stable_service.name.clone(), managed.canary_service.name.clone()]);
        references.routes.extend(managed.routes.iter().filter_map(ManagedRoute::id));
    }
    references.services.retain(|name| !name.is_empty());
    references.services.sort();
    references.services.dedup();
    references.routes.retain(|route| !route.name.is_empty());
    references.routes.sort();
    references.routes.dedup();
    references
}

/// The name that a new ReplicaSet for the Rollout's template would get.
pub fn next_replica_set_name(rollout: &Rollout) -> String {
    format!("{}-{}", rollout.metadata.name.as_deref().unwrap_or_default(), next_hash(rollout))
}

fn next_hash(rollout: &Rollout) -> String {
    let status = rollout.status.as_ref().and_then(|status| status.valid());
    let collisions = status.and_then(|status| status.collision_count).unwrap_or(0);
    hash::pod_template_hash(&rollout.spec.template, collisions)
}

/// Whether a ReplicaSet is owned by the Rollout, or has no controller and matches its selector.
pub fn could_own(rollout: &Rollout, replica_set: &ReplicaSet) -> bool {
    let uid = rollout.metadata.uid.as_deref();
    match controller_uid(replica_set) {
        Some(owner) => Some(owner) == uid,
        None => {
            let labels = replica_set.metadata.labels.as_ref();
            labels.is_some_and(|labels| matches(&rollout.spec.selector, labels))
        }
    }
}

/// The uid of an object's controller.
pub fn controller_uid(replica_set: &ReplicaSet) -> Option<&str> {
    let owners = replica_set.metadata.owner_references.iter().flatten();
    owners.into_iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
}

/// What a template is called: both names follow from its whole text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateIdentity {
    /// Its identity as written.
    pub id: String,
    /// The pod template hash that a new ReplicaSet for it would have.
    pub hash: String,
}

/// Looks at the objects of one Rollout.
pub fn observe(objects: &Objects, names: &Arc<Names>, recall: &Recall) -> Snapshot {
    let rollout = &*objects.rollout;
    let identity =
        TemplateIdentity { id: hash::template_id(&rollout.spec.template), hash: next_hash(rollout) };
    observe_named(objects, names, recall, identity)
}

/// Looks at the objects of one Rollout whose template is not there as the user wrote it, as in a bundle.
pub fn observe_named(
    objects: &Objects,
    names: &Arc<Names>,
    recall: &Recall,
    identity: TemplateIdentity,
) -> Snapshot {
    let rollout = &*objects.rollout;
    let recorded = rollout.recorded_status();
    let template = template_view(objects, identity);
    let revisions = revisions(objects, names);
    let stable = stable(&revisions, &recorded, objects, &template);
    let strategy = validate(rollout);
    let traffic = traffic::traffic(objects, &recorded, strategy.as_ref().ok(), &revisions);
    let mut reference_errors =
        strategy.as_ref().map_or_else(|_| Vec::new(), |strategy| errors::rivals(objects, strategy));
    let yields = !reference_errors.is_empty();
    if let Ok(strategy) = &strategy {
        reference_errors.extend(errors::missing(objects, strategy));
    }
    let current = current(&template, &revisions, stable, recall);
    Snapshot {
        names: Arc::clone(names),
        rollout: rollout_view(rollout, objects.namespace_terminating),
        strategy,
        recorded,
        template,
        revisions,
        current,
        stable,
        traffic,
        reference_errors,
        yields,
        recall: recall.clone(),
    }
}

fn rollout_view(rollout: &Rollout, namespace_terminating: bool) -> RolloutView {
    let metadata = &rollout.metadata;
    let spec = &rollout.spec;
    RolloutView {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        generation: metadata.generation.unwrap_or(0),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        deleted_at: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        namespace_terminating,
        finalizers: metadata.finalizers.clone(),
        annotations: metadata.annotations.clone().unwrap_or_default(),
        replicas: spec.replicas.unwrap_or(1).max(0),
        selector: spec.selector.clone(),
        min_ready_seconds: spec.min_ready_seconds.unwrap_or(0),
        revision_history_limit: usize::try_from(spec.revision_history_limit.unwrap_or(10)).unwrap_or(0),
        progress_deadline_seconds: i64::from(
            spec.progress_deadline_seconds.unwrap_or(DEFAULT_PROGRESS_DEADLINE_SECONDS),
        ),
        paused: spec.paused.unwrap_or(false),
        resume: spec.resume.clone(),
        restart_at: spec.restart_at.as_ref().map(|time| time.0),
    }
}

fn template_view(objects: &Objects, identity: TemplateIdentity) -> TemplateView {
    let rollout = &*objects.rollout;
    let TemplateIdentity { id, hash } = identity;
    let name_taken = objects.name_holder.as_ref().is_some_and(|holder| !could_own(rollout, holder));
    TemplateView { raw: rollout.spec.template.clone(), id, hash, name_taken }
}

fn revisions(objects: &Objects, names: &Names) -> Vec<Revision> {
    let rollout = &*objects.rollout;
    let mut pods: BTreeMap<&str, Vec<PodView>> = BTreeMap::new();
    for pod in &objects.pods {
        let metadata = &pod.metadata;
        let owner = metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        let Some(owner) = owner else { continue };
        if metadata.deletion_timestamp.is_none() {
            pods.entry(&owner.uid).or_default().push(PodView {
                name: metadata.name.clone().unwrap_or_default(),
                uid: metadata.uid.clone().unwrap_or_default(),
                resource_version: metadata.resource_version.clone().unwrap_or_default(),
                labels: metadata.labels.clone(),
                annotations: metadata.annotations.clone(),
                created: metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0),
                ready_since: pod.ready_since,
            });
        }
    }
    let mut revisions: Vec<Revision> = objects
        .replica_sets
        .iter()
        .filter(|replica_set| could_own(rollout, replica_set))
        .filter_map(|replica_set| revision(replica_set, names, &mut pods))
        .collect();
    revisions.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
    revisions
}

fn revision(
    replica_set: &ReplicaSet,
    names: &Names,
    pods: &mut BTreeMap<&str, Vec<PodView>>,
) -> Option<Revision> {
    let metadata = &replica_set.metadata;
    let uid = metadata.uid.clone().unwrap_or_default();
    let hash = metadata.labels.as_ref()?.get(POD_TEMPLATE_HASH)?.clone();
    let annotation = |name: &str| metadata.annotations.as_ref().and_then(|annotations| annotations.get(name));
    let status = &replica_set.status;
    let pods = pods.remove(uid.as_str()).unwrap_or_default();
    // Its controller counts pods that are about to go: still in the report in which it sees a smaller spec. Before the next
    // one, which may be after the spec was made larger again, the pods themselves tell how many there are.
    let unseen = status.observed_generation < metadata.generation.unwrap_or(0);
    let live = if unseen { snapshot::count(pods.iter()) } else { i32::MAX };
    let counted = |pods: i32| pods.min(replica_set.replicas).min(live);
    Some(Revision {
        name: metadata.name.clone().unwrap_or_default(),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        hash,
        number: annotation(&names.revision).and_then(|number| number.parse().ok()).unwrap_or(0),
        stable_ordinal: annotation(&names.stable).and_then(|ordinal| ordinal.parse().ok()),
        template_ids: annotation(&names.template_hash).cloned(),
        owned: controller_uid(replica_set).is_some(),
        has_owners: metadata.owner_references.as_ref().is_some_and(|owners| !owners.is_empty()),
        deleting: metadata.deletion_timestamp.is_some(),
        replicas: replica_set.replicas,
        min_ready_seconds: replica_set.min_ready_seconds,
        existing: status.replicas,
        ready: counted(status.ready),
        available: counted(status.available),
        failure: status.failure.clone(),
        has_annotations: metadata.annotations.is_some(),
        records: Records {
            revision: annotation(&names.revision).cloned(),
            stable: annotation(&names.stable).cloned(),
            role: annotation(&names.role_metadata).cloned(),
        },
        template: replica_set.template.clone(),
        role: annotation(&names.role_metadata).and_then(|text| RoleRecord::parse(text)),
        pods,
        uid,
    })
}

/// The ReplicaSet's own record wins over status; a Rollout whose status and records were lost but whose Service still
/// selects a revision has not become a first deploy.
///
/// One exception: when the wanted revision was the stable one and its ReplicaSet has been deleted, older records must not
/// bring an older version back. It is made again, with all its pods, and recorded again. A record that is younger than
/// status is another matter: that promotion is only not reported yet.
fn stable(
    revisions: &[Revision],
    recorded: &RolloutStatus,
    objects: &Objects,
    template: &TemplateView,
) -> Option<usize> {
    let live = || revisions.iter().enumerate().filter(|(_, revision)| !revision.deleting);
    let by_record = live().filter(|(_, r)| r.stable_ordinal.is_some()).max_by_key(|(_, r)| r.stable_ordinal);
    let by_hash = |hash: &str| live().find(|(_, revision)| revision.hash == hash);
    let by_status = || by_hash(recorded.stable_rs.as_deref()?);
    let by_selector = || {
        // A first deploy narrows the Services before it commits, but not before it has recorded them.
        if recorded.canary.as_ref().is_some_and(|canary| canary.managed.is_some()) {
            return None;
        }
        let canary = objects.rollout.spec.strategy.valid()?.canary.as_ref()?;
        let service = objects.services.get(&canary.stable_service)?;
        by_hash(service.selector.get(POD_TEMPLATE_HASH)?)
    };
    let reported = recorded.canary.as_ref().and_then(|canary| canary.stable_ordinal);
    let is_outdated = reported.is_some_and(|reported| live().any(|(_, r)| r.stable_ordinal > Some(reported)));
    let wanted_was_stable = recorded.stable_rs.as_ref() == Some(&template.hash) && !is_outdated;
    let made_again = by_hash(&template.hash).filter(|(_, revision)| revision.stable_ordinal.is_none());
    let gone = by_hash(&template.hash).is_none();
    if wanted_was_stable && (gone || made_again.is_some()) {
        return made_again.map(|(index, _)| index);
    }
    by_record.or_else(by_status).or_else(by_selector).map(|(index, _)| index)
}

/// Where several stand for the template, as after an orphan came back, the stable one is meant, or else the newest: the
/// one that is meant is made the newest, and must still be meant then.
fn current(
    template: &TemplateView,
    revisions: &[Revision],
    stable: Option<usize>,
    recall: &Recall,
) -> CurrentRevision {
    let live = || revisions.iter().enumerate().filter(|(_, revision)| !revision.deleting);
    let stands_for = |revision: &Revision| match &revision.template_ids {
        Some(ids) => ids.split(',').any(|id| id == template.id),
        None => revision.hash == template.hash,
    };
    let known = live().filter(|(_, revision)| stands_for(revision));
    if let Some((index, _)) = known.max_by_key(|(index, revision)| (stable == Some(*index), revision.number))
    {
        return CurrentRevision::Known(index);
    }
    let own = crate::objects::TemplateProjection::of(template.raw.value());
    let candidates: Vec<(usize, &Revision)> =
        live().filter(|(_, revision)| revision.template.images == own.images).collect();
    if candidates.is_empty() {
        return CurrentRevision::New;
    }
    match &recall.defaulted {
        Some((id, defaulted)) if *id == template.id => {
            let same = |(_, revision): &&(usize, &Revision)| revision.means_the_same_as(defaulted);
            candidates
                .iter()
                .find(same)
                .map_or(CurrentRevision::New, |(index, _)| CurrentRevision::Known(*index))
        }
        _ => CurrentRevision::Unclear,
    }
}

/// Whether labels satisfy a selector.
pub(crate) fn matches(selector: &LabelSelector, labels: &Map) -> bool {
    let wanted = selector.match_labels.iter().flatten();
    let by_value = wanted.clone().all(|(key, value)| labels.get(key) == Some(value));
    let by_expression = selector.match_expressions.iter().flatten().all(|expression| {
        let value = labels.get(&expression.key);
        let listed = || value.is_some_and(|value| expression.values.iter().flatten().any(|v| v == value));
        match expression.operator.as_str() {
            "In" => listed(),
            "NotIn" => !listed(),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    });
    let says_something =
        wanted.count() > 0 || selector.match_expressions.as_ref().is_some_and(|e| !e.is_empty());
    says_something && by_value && by_expression
}
