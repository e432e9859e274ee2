//! Ephemeral metadata: which labels and annotations pods carry because of their revision's role.
//!
//! A ReplicaSet records which keys were ever put into its template by a role, and what the template itself has there.
//! From that record alone every pod's wanted metadata follows, so that a crash between the template and the pods, or a
//! change of the role's keys, leaves nothing behind.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::spec::RoleMetadata;
use serin_api::status::{RoleCount, RolesStatus};

use crate::action::{Action, MapChange};
use crate::draft::Draft;
use crate::handover;
use crate::objects::{Map, TemplateProjection};
use crate::snapshot::{PodView, Revision, Snapshot, count};

/// A role of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Stable.
    Active,
    /// The canary.
    Preview,
}

/// What a ReplicaSet's annotation says about its role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRecord {
    pub role: Role,
    /// Every key that a role ever set, with the value of the present role; null where it has none.
    #[serde(default)]
    pub labels: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub annotations: BTreeMap<String, Option<String>>,
    /// What the template itself has at these keys.
    #[serde(default)]
    pub original: RoleMetadata,
}

impl RoleRecord {
    /// Reads the annotation; a broken one counts as none.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The annotation's text.
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The record for `role`, given what was recorded before and the template as it is now.
    pub fn next(
        role: Role,
        metadata: &RoleMetadata,
        before: Option<&Self>,
        template: &TemplateProjection,
    ) -> Option<Self> {
        let empty = BTreeMap::new();
        let none = Map::new();
        let (labels, original_labels) = next_keys(
            &metadata.labels,
            before.map_or(&empty, |record| &record.labels),
            before.map_or(&none, |record| &record.original.labels),
            &template.labels,
        );
        let (annotations, original_annotations) = next_keys(
            &metadata.annotations,
            before.map_or(&empty, |record| &record.annotations),
            before.map_or(&none, |record| &record.original.annotations),
            &template.annotations,
        );
        if labels.is_empty() && annotations.is_empty() {
            return None;
        }
        let original = RoleMetadata { labels: original_labels, annotations: original_annotations };
        Some(Self { role, labels, annotations, original })
    }

    /// What each managed label should be: the role's value, else the template's, else nothing.
    fn wanted_labels(&self) -> impl Iterator<Item = (&String, Option<&String>)> {
        wanted(&self.labels, &self.original.labels)
    }

    fn wanted_annotations(&self) -> impl Iterator<Item = (&String, Option<&String>)> {
        wanted(&self.annotations, &self.original.annotations)
    }

    /// The changes that bring labels and annotations to this record.
    pub fn changes(&self, labels: Option<&Map>, annotations: Option<&Map>) -> (MapChange, MapChange) {
        (
            MapChange::towards(labels, self.wanted_labels()),
            MapChange::towards(annotations, self.wanted_annotations()),
        )
    }

    /// Whether a pod carries exactly what the record asks for.
    pub fn is_carried_by(&self, pod: &PodView) -> bool {
        let (labels, annotations) = self.changes(pod.labels.as_ref(), pod.annotations.as_ref());
        labels.is_empty() && annotations.is_empty()
    }
}

fn next_keys(
    role: &Map,
    before: &BTreeMap<String, Option<String>>,
    original_before: &Map,
    template: &Map,
) -> (BTreeMap<String, Option<String>>, Map) {
    let mut values = BTreeMap::new();
    let mut originals = Map::new();
    for key in before.keys().chain(role.keys()) {
        values.insert(key.clone(), role.get(key).cloned());
        // A key that was managed before shows a role's value in the template; only the record knows the user's.
        let original = if before.contains_key(key) { original_before.get(key) } else { template.get(key) };
        if let Some(original) = original {
            originals.insert(key.clone(), original.clone());
        }
    }
    (values, originals)
}

fn wanted<'a>(
    values: &'a BTreeMap<String, Option<String>>,
    original: &'a Map,
) -> impl Iterator<Item = (&'a String, Option<&'a String>)> {
    values.iter().map(|(key, value)| (key, value.as_ref().or_else(|| original.get(key))))
}

impl Revision {
    /// Whether its template, without hash and role metadata, is the one that the server made of the user's.
    pub fn means_the_same_as(&self, defaulted: &TemplateProjection) -> bool {
        let own = self.user_template();
        let theirs = without_hash(defaulted.labels.clone());
        own.rest == defaulted.rest && own.labels == theirs && own.annotations == defaulted.annotations
    }

    /// Its template without hash and role metadata.
    fn user_template(&self) -> TemplateProjection {
        let mut own = self.template.clone();
        own.labels = without_hash(own.labels);
        if let Some(record) = &self.role {
            restore(&mut own.labels, &record.labels, &record.original.labels);
            restore(&mut own.annotations, &record.annotations, &record.original.annotations);
        }
        own
    }

    /// The role record that it should have now.
    pub fn role_record(&self, role: Role, metadata: &RoleMetadata) -> Option<RoleRecord> {
        RoleRecord::next(role, metadata, self.role.as_ref(), &self.template)
    }
}

fn without_hash(mut labels: Map) -> Map {
    labels.remove(POD_TEMPLATE_HASH);
    labels
}

fn restore(map: &mut Map, managed: &BTreeMap<String, Option<String>>, original: &Map) {
    for key in managed.keys() {
        match original.get(key) {
            Some(value) => map.insert(key.clone(), value.clone()),
            None => map.remove(key),
        };
    }
}

/// The role of a revision, if it has one. One that is neither stable nor the canary keeps what it last carried.
pub fn role_of(world: &Snapshot, revision: &Revision) -> Option<Role> {
    match (world.stable(), world.current()) {
        (Some(stable), _) if stable.uid == revision.uid => Some(Role::Active),
        (None, Some(current)) if current.uid == revision.uid => Some(Role::Active),
        (Some(_), Some(current)) if current.uid == revision.uid => Some(Role::Preview),
        _ => None,
    }
}

/// Whether the revision's template already carries its role, the condition for scaling it up or selecting it.
pub fn template_has_role(world: &Snapshot, revision: &Revision) -> bool {
    match (&world.strategy, role_of(world, revision)) {
        (Ok(strategy), Some(role)) => {
            let metadata = if role == Role::Active { &strategy.active } else { &strategy.preview };
            let wanted = revision.role_record(role, metadata);
            wanted.as_ref() == revision.role.as_ref()
                && wanted.is_none_or(|record| template_changes(&record, revision).is_none())
        }
        _ => true,
    }
}

fn template_changes(record: &RoleRecord, revision: &Revision) -> Option<(MapChange, MapChange)> {
    let template = &revision.template;
    let (labels, annotations) = record.changes(Some(&template.labels), Some(&template.annotations));
    (!labels.is_empty() || !annotations.is_empty()).then_some((labels, annotations))
}

/// Puts each role's metadata into its ReplicaSet's template and on its live pods, and counts how far that has come.
pub fn converge(draft: &mut Draft<'_>) {
    let world = draft.world;
    let Ok(strategy) = &world.strategy else { return };
    let mut counts = RolesStatus::default();
    for revision in world.revisions.iter().filter(|revision| revision.owned && !revision.deleting) {
        let Some(role) = role_of(world, revision) else { continue };
        let (metadata, tally) = match role {
            Role::Active => (&strategy.active, &mut counts.active),
            Role::Preview => (&strategy.preview, &mut counts.preview),
        };
        let Some(record) = revision.role_record(role, metadata) else {
            let pods = count(revision.pods.iter());
            *tally = RoleCount { wanted: pods, labelled: pods };
            continue;
        };
        let template = template_changes(&record, revision);
        let differs = revision.role.as_ref() != Some(&record) || template.is_some();
        if differs && !handover::is_replaced(draft, revision) {
            let (labels, annotations) = template.unwrap_or_default();
            draft.act(Action::SetRole {
                replica_set: revision.name.clone(),
                uid: revision.uid.clone(),
                before: revision.records.role.clone(),
                record: record.text(),
                has_annotations: revision.has_annotations,
                labels,
                annotations,
            });
        }
        tally.wanted = count(revision.pods.iter());
        tally.labelled = count(revision.pods.iter().filter(|pod| record.is_carried_by(pod)));
        for pod in revision.pods.iter().filter(|pod| !record.is_carried_by(pod)) {
            let (labels, annotations) = record.changes(pod.labels.as_ref(), pod.annotations.as_ref());
            let action =
                Action::RelabelPod { pod: pod.name.clone(), uid: pod.uid.clone(), labels, annotations };
            draft.act(action);
        }
    }
    draft.status.roles = Some(counts);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> Map {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn metadata(labels: &[(&str, &str)]) -> RoleMetadata {
        RoleMetadata { labels: map(labels), annotations: Map::new() }
    }

    fn template(labels: &[(&str, &str)]) -> TemplateProjection {
        TemplateProjection { labels: map(labels), ..TemplateProjection::default() }
    }

    #[test]
    fn a_key_of_the_former_role_that_the_next_one_lacks_is_removed() {
        let preview =
            RoleRecord::next(Role::Preview, &metadata(&[("a", "1"), ("b", "2")]), None, &template(&[]))
                .unwrap();
        let active = RoleRecord::next(
            Role::Active,
            &metadata(&[("a", "9")]),
            Some(&preview),
            &template(&[("a", "1"), ("b", "2")]),
        )
        .unwrap();
        let (labels, _) = active.changes(Some(&map(&[("a", "1"), ("b", "2"), ("x", "y")])), None);
        assert_eq!(labels.set, map(&[("a", "9")]));
        assert_eq!(labels.remove, vec!["b".to_owned()]);
    }

    #[test]
    fn a_value_of_the_template_comes_back_when_the_role_ends() {
        let preview = RoleRecord::next(
            Role::Preview,
            &metadata(&[("tier", "canary")]),
            None,
            &template(&[("tier", "web")]),
        )
        .unwrap();
        let active =
            RoleRecord::next(Role::Active, &metadata(&[]), Some(&preview), &template(&[("tier", "canary")]))
                .unwrap();
        let (labels, _) = active.changes(Some(&map(&[("tier", "canary")])), None);
        assert_eq!(labels.set, map(&[("tier", "web")]));
    }

    #[test]
    fn the_record_survives_its_own_text() {
        let record =
            RoleRecord::next(Role::Preview, &metadata(&[("a", "1")]), None, &template(&[("a", "0")]))
                .unwrap();
        assert_eq!(RoleRecord::parse(&record.text()), Some(record));
    }

    #[test]
    fn nothing_is_recorded_where_no_role_has_metadata() {
        assert_eq!(
            RoleRecord::next(Role::Active, &RoleMetadata::default(), None, &template(&[("a", "1")])),
            None
        );
    }
}
