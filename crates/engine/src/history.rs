//! Old ReplicaSets: kept for a later return, deleted beyond `revisionHistoryLimit`, oldest first.

use crate::action::Action;
use crate::draft::Draft;
use crate::snapshot::{CurrentRevision, Revision};

/// Deletes what exceeds the limit. Only ReplicaSets without a single pod left, never the stable or the wanted one.
pub fn trim(draft: &mut Draft<'_>) {
    let world = draft.world;
    // Until it is known which one the wanted template is, each of them may be it.
    if world.current == CurrentRevision::Unclear {
        return;
    }
    let is =
        |revision: &Revision, other: Option<&Revision>| other.is_some_and(|other| other.uid == revision.uid);
    let old: Vec<&Revision> = world
        .revisions
        .iter()
        .filter(|revision| revision.owned && !revision.deleting)
        .filter(|revision| !is(revision, world.stable()) && !is(revision, world.current()))
        .collect();
    let excess = old.len().saturating_sub(world.rollout.revision_history_limit);
    for revision in
        old.into_iter().take(excess).filter(|revision| revision.replicas == 0 && revision.existing == 0)
    {
        draft.act(Action::DeleteReplicaSet {
            replica_set: revision.name.clone(),
            uid: revision.uid.clone(),
            resource_version: revision.resource_version.clone(),
        });
    }
}
