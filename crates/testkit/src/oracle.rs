//! Judges writes of an operator by what must always be true, from the objects alone.
//!
//! It shares no code with the planner and looks at nothing but two worlds: the one that a write found and the one that
//! it left. So it judges the operator without a shell in a simulation, and the process on a real control plane by the
//! server's audit log, in the same way.

mod abort;
mod changes;
mod commit;
mod deletion;
mod drains;
mod gates;
mod names;
mod ours;
mod pods;
mod rest;
mod restarts;
mod roles;
mod scene;
mod selectors;
mod shares;
mod status;
mod subject;
mod verdict;
mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use self::changes::Changes;
use self::drains::Served;
use self::gates::Used;
use self::subject::Subject;
use self::verdict::Verdict;
use self::view::View;
use serin_world::world::Kind;

pub use self::scene::{Scene, Still};

/// Judges writes, and remembers what cannot be seen in two worlds.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    /// By the Rollout's uid.
    memories: BTreeMap<String, Memory>,
    /// Clocks are set back and forth, so that what was seen says nothing of how long ago that was.
    clocks_are_set: bool,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    served: Served,
    used: Used,
}

impl Oracle {
    /// An oracle for a story in which clocks are set.
    pub fn of_set_clocks() -> Self {
        Self { clocks_are_set: true, ..Self::default() }
    }

    /// Judges one write of the operator, which is described by `write`. Returns what it broke.
    pub fn judge(&mut self, before: &impl Scene, after: &impl Scene, write: &str) -> Vec<String> {
        let changes = Changes::between(before, after);
        if changes.is_empty() {
            return Vec::new();
        }
        let mut verdict = Verdict::of(write);
        let rollouts = before.all(Kind::Rollout);
        let subjects: Vec<Subject> = rollouts.iter().map(Subject::of).collect();
        ours::judge(&mut verdict, &changes, &subjects, &before.all(Kind::ReplicaSet));
        for subject in &subjects {
            let (was, is) = (View::of(before, subject), View::of(after, subject));
            let memory = self.memories.entry(subject.uid.clone()).or_default();
            memory.served.note(&was);
            shares::judge(&mut verdict, &was, &is);
            selectors::judge(&mut verdict, &was, &is);
            pods::judge(&mut verdict, &was, &is, (!self.clocks_are_set).then_some(&memory.served));
            abort::judge(&mut verdict, &was, &is);
            commit::judge(&mut verdict, &was, &is, &mut memory.used);
            restarts::judge(&mut verdict, &was, &changes);
            if !self.clocks_are_set {
                deletion::judge(&mut verdict, &was, &is);
            }
            roles::judge(&mut verdict, &was, &is, &changes);
            status::judge(&mut verdict, &was, &is);
            gates::judge(&mut verdict, &was, &is, &mut memory.used);
            memory.served.note(&is);
        }
        verdict.violations
    }

    /// Judges the world in which an operator that knows everything has nothing left to do. Returns what does not hold.
    pub fn judge_rest(&self, world: &impl Scene) -> Vec<String> {
        let mut verdict = Verdict::of("at rest");
        for rollout in world.all(Kind::Rollout) {
            let subject = Subject::of(&rollout);
            rest::judge(&mut verdict, &View::of(world, &subject));
        }
        verdict.violations
    }

    /// Looks at a world that somebody else's write has left, for what is remembered.
    pub fn see(&mut self, world: &impl Scene) {
        for rollout in world.all(Kind::Rollout) {
            let subject = Subject::of(&rollout);
            let memory = self.memories.entry(subject.uid.clone()).or_default();
            memory.served.note(&View::of(world, &subject));
        }
    }
}

/// What a world shows of each Rollout, in a few lines for people.
pub fn facts(scene: &impl Scene) -> String {
    let rollouts = scene.all(Kind::Rollout);
    let subjects: Vec<Subject> = rollouts.iter().map(Subject::of).collect();
    subjects.iter().map(|subject| View::of(scene, subject).facts()).collect::<Vec<_>>().join("\n")
}

/// An object as the oracle holds it.
type Object = Arc<Value>;
