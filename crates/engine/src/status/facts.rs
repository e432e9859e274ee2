//! What the rules of status judge by: the world, and what the rules of the plan have decided on it.

use jiff::Timestamp;
use serin_api::conditions::{Condition, ConditionType};
use serin_api::status::RolloutStatus;
use serin_api::validate::FieldError;

use crate::action::template_subject;
use crate::course::{Course, hand_over_unfinished};
use crate::draft::Draft;
use crate::snapshot::{Snapshot, TrafficView};
use crate::traffic;

/// A draft in which everything but the verdict is final.
pub struct Facts<'a, 'w> {
    pub draft: &'a Draft<'w>,
    pub course: &'a Course<'w>,
    /// The wanted revision has not come nearer within its deadline.
    pub is_late: bool,
}

impl<'a, 'w> Facts<'a, 'w> {
    pub fn world(&self) -> &'w Snapshot {
        self.draft.world
    }

    /// The status as far as it is decided: counters, step, pauses, abort.
    pub fn status(&self) -> &'a RolloutStatus {
        &self.draft.status
    }

    /// What makes the spec unusable, as one text.
    pub fn invalid(&self) -> Option<String> {
        let world = self.world();
        let errors: &[FieldError] = match &world.strategy {
            Err(errors) => errors,
            Ok(_) => &world.reference_errors,
        };
        let texts: Vec<String> = errors.iter().map(FieldError::to_string).collect();
        (!texts.is_empty())
            .then(|| format!("The Rollout {:?} is invalid: {}", world.rollout.name, texts.join("; ")))
    }

    /// A person or a step holds the steps.
    pub fn is_paused(&self) -> bool {
        self.world().rollout.paused || !self.status().pause_conditions.is_empty()
    }

    /// The wanted revision is stable, has all its pods, and its hand-over has finished.
    pub fn is_healthy(&self) -> bool {
        let Course::Settled { stable } = self.course else { return false };
        let world = self.world();
        let traffic_is_there =
            |traffic: &TrafficView| traffic.recorded && traffic::is_settled(traffic, stable);
        world.is_valid()
            && stable.available >= world.rollout.replicas
            && world.traffic.as_ref().is_some_and(traffic_is_there)
    }

    /// A revision was promoted, and Services or weights are still on their way to it.
    pub fn hands_over(&self) -> bool {
        matches!(self.course, Course::Settled { .. })
            || self.course.stable().is_some_and(|stable| hand_over_unfinished(self.draft, stable))
    }

    /// The name of the wanted revision's ReplicaSet, which may not exist yet.
    pub fn replica_set(&self) -> String {
        let world = self.world();
        let next = || format!("{}-{}", world.rollout.name, world.template.hash);
        world.current().map_or_else(next, |current| current.name.clone())
    }

    /// Why the API server does not take the template of a revision that does not exist yet.
    pub fn template_refusal(&self) -> Option<&'w str> {
        let world = self.world();
        let refusal = world.recall.refused.get(&template_subject(&world.template.id));
        refusal.filter(|_| world.current().is_none()).map(|refusal| &*refusal.message)
    }

    /// What another writer keeps changing, and until when that is said if they stop.
    pub fn contested(&self) -> Option<(&'w str, Timestamp)> {
        let mut contests = self.world().recall.contests.iter();
        contests.find_map(|(subject, contest)| Some((&**subject, contest.contested_until(self.draft.now)?)))
    }

    /// The command that patches the Rollout with `body`; `options` end with a space.
    pub fn patch(&self, options: &str, body: &str) -> String {
        let (resource, rollout) = (self.world().names.resource(), &self.world().rollout);
        format!(
            "kubectl patch {resource} {} -n {} {options}--type merge -p '{body}'",
            rollout.name, rollout.namespace
        )
    }

    /// A condition as it is recorded.
    pub fn recorded(&self, kind: ConditionType) -> Option<&'w Condition> {
        self.world().recorded.conditions.iter().find(|condition| condition.kind == kind)
    }
}
