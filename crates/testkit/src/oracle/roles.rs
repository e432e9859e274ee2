//! A ReplicaSet's template carries the role before it gets pods or traffic, and a revision without a role keeps its last.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Object;
use super::changes::{Change, Changes};
use super::names::{hash_of, name_of, replicas_of, texts};
use super::subject::{Role, Subject};
use super::verdict::Verdict;
use super::view::View;
use serin_world::world::Kind;

pub fn judge(verdict: &mut Verdict<'_>, was: &View<'_>, is: &View<'_>, changes: &Changes) {
    for change in changes.of(Kind::ReplicaSet) {
        let Some(set) = change.after.as_ref().filter(|set| of_subject(is, set)) else { continue };
        let from = change.before.as_ref().map_or(0, |before| replicas_of(before));
        if replicas_of(set) > from {
            carries_role(verdict, is, set, "gets pods");
        }
        let template = |set: &Object| set["spec"]["template"]["metadata"].clone();
        if change.before.as_ref().is_some_and(|before| template(before) != template(set)) {
            has_a_role(verdict, is, set, change);
        }
    }
    let maps = |pod: &Object| (pod["metadata"]["labels"].clone(), pod["metadata"]["annotations"].clone());
    let relabelled = |change: &&Change| change.before.as_ref().map(maps) != change.after.as_ref().map(maps);
    for change in changes.of(Kind::Pod).filter(relabelled) {
        let hash = change.after.as_ref().and_then(|pod| hash_of(pod));
        if let Some(set) = hash.and_then(|hash| is.set(hash)) {
            has_a_role(verdict, is, set, change);
        }
    }
    for (service, _) in is.subject.services() {
        let selected = is.selected(service);
        // A hand-over does not wait for metadata, nor does a first deploy on what was a canary before.
        if selected != was.selected(service)
            && selected != is.stable()
            && is.stable().is_some()
            && let Some(set) = selected.and_then(|hash| is.set(hash))
        {
            carries_role(verdict, is, set, "is selected");
        }
    }
}

fn of_subject(view: &View<'_>, set: &Value) -> bool {
    view.sets.iter().any(|own| own["metadata"]["uid"] == set["metadata"]["uid"])
}

/// The role of a revision: stable or, until one is, the first; else the canary's. None where that cannot be told.
fn role_of<'a>(view: &View<'a>, set: &Value) -> Option<&'a Role> {
    // A stable ReplicaSet that somebody has deleted is made again while it is wanted, and recorded again only then.
    let made_again = view.status()["stableRS"].as_str().filter(|hash| view.was_reported_stable(hash));
    let is_awaited = |set: &Object| view.ordinal(set).is_none() && view.may_be_wanted(set);
    let made_again = made_again.filter(|hash| view.set(hash).is_some_and(is_awaited));
    let stable = made_again.or(view.stable());
    // Without any record, one that status names or the stable Service selects may be taken for stable, or this one be the
    // first.
    let served = [view.selected(&view.subject.in_force.stable), view.status()["stableRS"].as_str()];
    let mut served = served.into_iter().flatten().filter(|hash| view.set(hash).is_some());
    if stable.is_none() && served.any(|served| hash_of(set) != Some(served)) {
        return None;
    }
    let is_active = stable.is_none_or(|stable| hash_of(set) == Some(stable));
    Some(if is_active { &view.subject.active } else { &view.subject.preview })
}

fn carries_role(verdict: &mut Verdict<'_>, is: &View<'_>, set: &Object, what: &str) {
    // What cannot be read cannot be carried, and repairs do not wait for it.
    if is.status()["conditions"].to_string().contains("InvalidSpec") {
        return;
    }
    let Some(role) = role_of(is, set) else { return };
    let subject = is.subject;
    let record = record_of(subject, set);
    for (map, own) in [("labels", &role.labels), ("annotations", &role.annotations)] {
        let carried = texts(&set["spec"]["template"]["metadata"][map]);
        let others = [&subject.active, &subject.preview]
            .map(|of| if map == "labels" { &of.labels } else { &of.annotations });
        let original = texts(&record["original"][map]);
        for key in others.into_iter().flat_map(BTreeMap::keys).collect::<BTreeSet<_>>() {
            let wanted = own.get(key).or_else(|| original.get(key));
            verdict.require(carried.get(key) == wanted, || {
                let name = name_of(set);
                format!("{name} {what} while its template has {key}: {:?}, not {wanted:?}", carried.get(key))
            });
        }
    }
}

/// Only stable and canary are given metadata.
fn has_a_role(verdict: &mut Verdict<'_>, is: &View<'_>, set: &Object, change: &Change) {
    let hash = hash_of(set);
    let holds = hash == is.stable()
        || is.stable().is_none()
        || is.may_be_wanted(set)
        || is.status()["currentPodHash"].as_str() == hash;
    verdict.require(holds, || {
        format!("{}/{} of a revision without a role got metadata", change.key.kind.name(), change.key.name)
    });
}

/// What the ReplicaSet's annotation tells of its roles.
fn record_of(subject: &Subject, set: &Value) -> Value {
    let text = set["metadata"]["annotations"][&subject.names.role_metadata].as_str();
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The keys that roles use or have used, as far as these ReplicaSets tell.
pub fn keys<'a>(subject: &Subject, sets: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for role in [&subject.active, &subject.preview] {
        keys.extend(role.labels.keys().chain(role.annotations.keys()).cloned());
    }
    for record in sets.map(|set| record_of(subject, set)) {
        for map in ["labels", "annotations"] {
            keys.extend(record[map].as_object().into_iter().flatten().map(|(key, _)| key.clone()));
        }
    }
    keys
}
