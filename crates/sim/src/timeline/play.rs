//! Runs operator and cluster, one act after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serin_api::Names;
use serin_api::status::RolloutStatus;
use serin_api::validate::ValidCanary;
use serin_world::controllers::Startup;
use serin_world::{Controllers, Kind, Request, World};

use super::clock::seconds;
use super::moments::Moments;
use super::scene::{self, Change, Stage};
use super::{Act, End, Problem, Scene, Summary, Timeline, Wait, What, application, view, words};
use crate::decorate::Faithful;
use crate::operator::{Called, Operator, Step};

/// So many times at which something happens are more than any sensible plan has.
const MOST_TIMES: usize = 20_000;

/// Plays all acts of a scene.
pub fn play(scene: Scene) -> Result<Timeline, Problem> {
    let Stage { world, names, namespace, name, canary, replicas, assumed, changes, pod_ready } =
        scene::set(scene)?;
    let mut cluster = Controllers::default();
    // An empty text is part of every image: whatever it is called, it starts.
    cluster.kubelet.set_startup_of("", Startup::After(pod_ready));
    let operator = Operator::new(Arc::clone(&names), &name).within(&namespace);
    let began = world.now();
    let mut player = Player {
        world,
        cluster,
        operator,
        names,
        namespace,
        canary,
        moments: Moments::new(began),
        tally: Tally::default(),
    };
    let mut acts = Vec::new();
    for change in changes {
        acts.push(player.act(change)?);
    }
    Ok(Timeline { rollout: name, namespace: player.namespace, replicas, assumed, acts })
}

struct Player {
    world: World,
    cluster: Controllers,
    operator: Operator,
    names: Arc<Names>,
    namespace: String,
    canary: ValidCanary,
    moments: Moments,
    tally: Tally,
}

/// What is counted on the way.
#[derive(Clone, Debug, Default)]
struct Tally {
    paused: f64,
    readiness: f64,
    drain: f64,
    stops: usize,
    peak_pods: usize,
    writes: usize,
    status_writes: usize,
    /// The times as they were at the last write, and when that was.
    until_last_write: (f64, f64, f64, f64),
}

impl Player {
    /// Changes the Rollout, and lets everything follow from it.
    fn act(&mut self, change: Change) -> Result<Act, Problem> {
        // A whole second, so that the act's clock is that of the objects in it.
        let now = self.world.now();
        let whole = Timestamp::from_second(now.as_second() + i64::from(now.subsec_nanosecond() > 0));
        self.world.set_now(whole.unwrap_or(now));
        self.moments = Moments::new(self.world.now());
        self.tally = Tally::default();
        change.apply(&mut self.world)?;
        for _ in 0..MOST_TIMES {
            self.until_quiet();
            self.moments.close(self.world.now());
            let now = self.world.now();
            if let Some(next) = self.next_time() {
                self.attribute(now, next);
                self.world.set_now(next);
            } else if !self.let_go_on() {
                return Ok(self.end(change.title));
            }
        }
        Err(Problem::Endless(self.moments.len()))
    }

    /// Lets operator, pods and cluster react to each other until nothing happens any more without time passing.
    fn until_quiet(&mut self) {
        loop {
            let version = self.world.version();
            self.take_turn();
            application::acknowledge(&mut self.world, &self.namespace, &self.canary, &self.names);
            self.cluster.settle(&mut self.world);
            self.look();
            if self.world.version() == version {
                return;
            }
        }
    }

    fn take_turn(&mut self) {
        loop {
            self.operator.hear_all(&self.world);
            match self.operator.step(&mut self.world, &mut Faithful) {
                Step::Called(called) => self.note(&called),
                Step::Planned => {}
                Step::Absent | Step::Rests(_) | Step::GaveUp(_) | Step::Exhausted(_) => return,
            }
        }
    }

    fn note(&mut self, called: &Called) {
        let world = self.operator.in_hand().map(|(world, _)| world);
        let Some(write) = world.and_then(|world| words::write(called, world)) else { return };
        self.tally.writes += 1;
        self.tally.status_writes += usize::from(write.what == What::Status);
        let now = self.world.now();
        let (paused, readiness, drain) = (self.tally.paused, self.tally.readiness, self.tally.drain);
        self.tally.until_last_write = (seconds(self.moments.began(), now), paused, readiness, drain);
        self.moments.note(write, now);
        self.look();
    }

    fn look(&mut self) {
        self.operator.hear_all(&self.world);
        if let Some((world, plan)) = self.operator.look(&self.world) {
            let pods = self.world.all(Kind::Pod);
            let owners: BTreeSet<&str> =
                world.revisions.iter().map(|revision| revision.uid.as_str()).collect();
            let owner = |pod: &&Arc<serde_json::Value>| {
                let owner = &pod["metadata"]["ownerReferences"][0]["uid"];
                owner.as_str().is_some_and(|owner| owners.contains(owner))
            };
            self.tally.peak_pods = self.tally.peak_pods.max(pods.iter().filter(owner).count());
            let waits = view::waits(&world, &plan, self.moments.began());
            self.moments.see(view::view(&world, &plan), waits);
        }
    }

    /// When something happens next because of the time.
    fn next_time(&self) -> Option<Timestamp> {
        let now = self.world.now();
        let own = self.operator.due(&self.world);
        let next = own.into_iter().chain(self.cluster.due(&self.world)).min()?;
        // What is due already has just been done; whoever asks for it again gets the next moment.
        Some(next.max(now.checked_add(SignedDuration::from_millis(1)).unwrap_or(now)))
    }

    /// Counts a stretch of time for what it was spent on.
    fn attribute(&mut self, from: Timestamp, to: Timestamp) {
        let length = seconds(from, to);
        let report = self.report();
        let waits_for = |what: &str| report.waiting_for.iter().any(|waiting| waiting.what == what);
        if waits_for("PauseDuration") {
            self.tally.paused += length;
        } else if self.cluster.due(&self.world).is_some() {
            self.tally.readiness += length;
        } else if waits_for("Drain") {
            self.tally.drain += length;
        }
    }

    fn report(&self) -> RolloutStatus {
        self.operator.look(&self.world).map(|(_, plan)| plan.report).unwrap_or_default()
    }

    fn waits(&self) -> Vec<Wait> {
        let look = self.operator.look(&self.world);
        look.map(|(world, plan)| view::waits(&world, &plan, self.moments.began())).unwrap_or_default()
    }

    /// Gives the command that is waited for, if it is a person who is waited for.
    fn let_go_on(&mut self) -> bool {
        let Some(spec) = self.waits().into_iter().find_map(|wait| wait.request) else { return false };
        self.tally.stops += 1;
        let name =
            format!("{}/{}", self.world.collection_path(Kind::Rollout, &self.namespace), self.rollout());
        let patch = serde_json::json!({"spec": spec});
        self.world.request(Request::merge_patch(name, patch)).is_ok()
    }

    fn rollout(&self) -> String {
        self.operator.name().to_owned()
    }

    fn end(&mut self, title: String) -> Act {
        let report = self.report();
        let end = End { phase: report.phase, message: report.message, waits: self.waits() };
        let Tally { stops, peak_pods, writes, status_writes, .. } = self.tally;
        let (seconds, paused_seconds, readiness_seconds, drain_seconds) = self.tally.until_last_write;
        let summary = Summary {
            seconds,
            paused_seconds,
            readiness_seconds,
            drain_seconds,
            stops_for_a_person: stops,
            peak_pods,
            writes,
            status_writes,
            end,
        };
        let moments = std::mem::replace(&mut self.moments, Moments::new(self.world.now()));
        Act { title, moments: moments.into_moments(), summary }
    }
}
