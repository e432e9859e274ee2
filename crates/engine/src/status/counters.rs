//! Numbers of pods, and the selector by which an autoscaler finds them.

use crate::draft::Draft;
use crate::snapshot::Revision;

/// Counts the pods of all revisions, and those of the wanted one.
pub fn count(draft: &mut Draft<'_>) {
    let world = draft.world;
    let sum = |of: fn(&Revision) -> i32| Some(world.revisions.iter().map(of).sum());
    draft.status.replicas = sum(|revision| revision.existing);
    draft.status.hpa_replicas = draft.status.replicas;
    draft.status.ready_replicas = sum(|revision| revision.ready);
    draft.status.available_replicas = sum(|revision| revision.available);
    draft.status.updated_replicas = Some(world.current().map_or(0, |current| current.existing));
}

/// The pod selector as text.
pub fn selector_text(draft: &Draft<'_>) -> String {
    let selector = &draft.world.rollout.selector;
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = expression.values.clone().unwrap_or_default().join(",");
        match expression.operator.as_str() {
            "In" => format!("{} in ({values})", expression.key),
            "NotIn" => format!("{} notin ({values})", expression.key),
            "Exists" => expression.key.clone(),
            _ => format!("!{}", expression.key),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}
