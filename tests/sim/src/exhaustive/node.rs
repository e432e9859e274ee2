//! A state that is still to be left by every choice.

use jiff::SignedDuration;
use serin_sim::{Decorate, WATCHED};
use serin_testkit::Kind;
use serin_testkit::oracle::Still;

use super::choices::Choice;
use crate::coverage::Coverage;
use crate::judge::{Judge, Process, Violation};
use crate::requests::Requests;
use crate::stage::Stage;
use crate::turn::Turn;

/// What a path has used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Templates that were asked for, the first deploy's not counted.
    pub updates: u32,
    /// How often a pause was resumed: as often as there are pauses, at most.
    pub resumes: u32,
    /// How often people may still ask for something else than the first update: another template, an abort.
    pub asks: u32,
    /// The one thing that may go wrong has gone wrong.
    pub has_failed: bool,
    /// The watch that tells nothing, by its place in [`WATCHED`].
    pub silent: Option<u32>,
}

/// A state and the path's past.
pub struct Node {
    pub stage: Stage,
    pub past: Past,
}

impl Node {
    /// The same state, to go another way.
    pub fn fork(&self, decorate: Box<dyn Decorate>) -> Self {
        // No small world has a gateway, whose requests would have to be remembered.
        let Stage { setting, world, cluster, leader, late, judge, gateway: _, requests: _ } = &self.stage;
        let judge = Judge {
            coverage: Coverage::default(),
            decorate,
            sees_all: judge.sees_all,
            trace: None,
            oracle: judge.oracle.clone(),
        };
        let stage = Stage {
            setting: setting.clone(),
            world: world.clone(),
            cluster: cluster.clone(),
            leader: fork(leader),
            late: late.as_ref().map(fork),
            judge,
            gateway: None,
            requests: Requests::of(setting),
        };
        Self { stage, past: self.past }
    }

    /// Takes a choice. Returns the turns of a story that do the same.
    pub fn take(&mut self, choice: &Choice) -> (Vec<Turn>, Result<(), Violation>) {
        self.past = choice.past;
        let mut played = Vec::new();
        for turn in &choice.turns {
            played.push(*turn);
            if let Err(violation) = self.stage.play(*turn) {
                return (played, Err(violation));
            }
        }
        for turn in self.hearing() {
            played.push(turn);
            if let Err(violation) = self.stage.play(turn) {
                return (played, Err(violation));
            }
        }
        if self.stage.judge.sees_all {
            self.stage.leader.operator.hear_all(&self.stage.world);
        }
        // Every watch has told everything, unless it is silent and will need it.
        if self.past.silent.is_none() {
            self.stage.world.forget_history();
        }
        drop(self.stage.world.take_log());
        (played, Ok(()))
    }

    /// The watches tell everything at once, but for the silent one.
    fn hearing(&self) -> Vec<Turn> {
        let Stage { judge, leader, world, .. } = &self.stage;
        match self.past.silent {
            _ if judge.sees_all || leader.operator.is_current(world) => Vec::new(),
            None => vec![Turn::HearAll],
            Some(silent) => {
                let kinds = (0..u32::try_from(WATCHED.len()).unwrap_or(0)).filter(|kind| *kind != silent);
                kinds.map(|kind| Turn::Hear { kind, events: 99 }).collect()
            }
        }
    }

    /// Seconds until something is due that waits for nothing but time; none while the operator has something to do.
    pub fn next_moment(&self) -> Option<u32> {
        let Stage { world, cluster, leader, .. } = &self.stage;
        let (now, own) = (world.now(), leader.operator.due(world));
        if own.is_some_and(|due| due <= now) {
            return None;
        }
        let due = own.into_iter().chain(cluster.due(world)).min()?;
        let wait = due.duration_since(now);
        let seconds = wait.as_secs() + i64::from(wait > SignedDuration::from_secs(wait.as_secs()));
        u32::try_from(seconds).ok()
    }

    /// Whether the cluster has nothing to do until time passes.
    pub fn is_settled(&self) -> bool {
        let (mut world, mut cluster) = (self.stage.world.clone(), self.stage.cluster.clone());
        !cluster.step(&mut world)
    }

    /// Whether the garbage collector has something to do.
    pub fn has_garbage(&self) -> bool {
        let world = &self.stage.world;
        let sets = world.all(Kind::ReplicaSet);
        let services = world.all(Kind::Service);
        let rollouts = world.all(Kind::Rollout);
        let lives = |uid: &serde_json::Value| {
            let mut owners = sets.iter().chain(&services).chain(&rollouts);
            owners.any(|owner| owner["metadata"]["uid"] == *uid)
        };
        let is_orphan = |object: &serde_json::Value| {
            let owners = object["metadata"]["ownerReferences"].as_array();
            object["metadata"]["deletionTimestamp"].is_null()
                && owners.is_some_and(|owners| owners.iter().all(|owner| !lives(&owner["uid"])))
        };
        let owned = [Kind::Pod, Kind::EndpointSlice, Kind::ReplicaSet];
        owned.into_iter().any(|kind| world.all(kind).iter().any(|object| is_orphan(object)))
    }
}

fn fork(process: &Process) -> Process {
    let operator = process.operator.fork();
    // Only a plan in hand is held to what was known.
    let known = if operator.is_busy() { process.known.clone() } else { Still::at(process.planned_at) };
    Process { operator, known, planned_at: process.planned_at, version: process.version }
}
