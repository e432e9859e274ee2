//! What people do, scene by scene, while requests go on.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde_json::{Value, json};
use serin_node::traffic::{Host, now};
use serin_node::{Rollout, Site, Traffic};

use crate::gitops::GitOps;
use crate::judge::{SETTLE, needed};

/// The pauses of the example, by their steps, and the shares that stand there in a thousand.
pub const FIRST_PAUSE: (i64, u32) = (1, 100);
pub const SECOND_PAUSE: (i64, u32) = (3, 500);

/// What is sampled beyond what tells: the requests around each change are not counted, and a tool that applies the route
/// makes two changes every five seconds.
const MORE: f64 = 1.05;
const MORE_WITH_A_TOOL: f64 = 1.9;

/// The two requests of a canary that somebody may want to do something after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    Template,
    FirstResume,
    LastResume,
}

impl Request {
    pub const ALL: [Self; 3] = [Self::Template, Self::FirstResume, Self::LastResume];
}

/// The Rollout, and what is known of it.
pub struct Scenes<'s> {
    pub site: &'s Site,
    pub rollout: Rollout<'s>,
    pub traffic: &'s Traffic,
    /// The tool that applies the route at present.
    tool: RefCell<Option<GitOps>>,
    newest: Cell<u32>,
    stable: Cell<u32>,
}

impl<'s> Scenes<'s> {
    /// Of a Rollout that is healthy with this version.
    pub fn new(site: &'s Site, rollout: Rollout<'s>, traffic: &'s Traffic, version: u32) -> Self {
        let (newest, stable, tool) = (Cell::new(version), Cell::new(version), RefCell::default());
        Self { site, rollout, traffic, tool, newest, stable }
    }

    /// Short drains, and pauses that last until somebody resumes.
    pub fn hurry(&self, delay: u32) {
        let steps = json!([{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}]);
        self.rollout.patch(&json!({"spec": {"strategy": {"canary": {
            "scaleDownDelaySeconds": delay, "abortScaleDownDelaySeconds": delay, "steps": steps,
        }}}}));
        self.rollout.until_healthy();
    }

    /// The example as it is shipped: the second pause ends by itself, and the old pods stay for 30 s.
    pub fn shipped(&self) {
        let (old, new) = (self.stable_hash(), self.change());
        self.pauses_at(FIRST_PAUSE);
        self.rollout.resume(FIRST_PAUSE.0);
        self.promoted(new);
        self.gone(&old);
    }

    /// From a new template to the end of the old pods.
    pub fn canary(&self, after: &dyn Fn(Request)) {
        let old = self.stable_hash();
        let new = self.change();
        after(Request::Template);
        self.walk(new, after);
        self.gone(&old);
    }

    /// All steps, to the promotion.
    fn walk(&self, version: u32, after: &dyn Fn(Request)) {
        self.pauses_at(FIRST_PAUSE);
        self.rollout.resume(FIRST_PAUSE.0);
        after(Request::FirstResume);
        self.pauses_at(SECOND_PAUSE);
        self.rollout.resume(SECOND_PAUSE.0);
        after(Request::LastResume);
        self.promoted(version);
    }

    /// Aborted at one of four moments.
    pub fn abort(&self, turn: usize) {
        self.change();
        self.reach(turn);
        self.rollout.abort();
        self.rollout.until_aborted();
        self.gone(&self.current_hash());
    }

    /// A newer template takes the place of a canary, and is promoted.
    pub fn supersede(&self, turn: usize) {
        let old = self.stable_hash();
        self.change();
        self.reach(turn);
        let replaced = self.current_hash();
        let newer = self.change();
        self.walk(newer, &|_| {});
        self.gone(&replaced);
        self.gone(&old);
    }

    /// Back to the stable template in the middle of a canary.
    pub fn take_back(&self, turn: usize) {
        self.change();
        self.reach(turn);
        let replaced = self.current_hash();
        self.rollout.set_version(self.stable.get());
        self.rollout.until_healthy();
        self.gone(&replaced);
    }

    /// Back to the version before, as soon as the newer one is promoted: while the pods of the one before still drain, or
    /// when they are gone.
    pub fn return_to_previous(&self, drained: bool) {
        let (previous, old) = (self.stable.get(), self.stable_hash());
        let newer = self.change();
        self.walk(newer, &|_| {});
        if drained {
            self.gone(&old);
        }
        let promoted = self.stable_hash();
        self.rollout.set_version(previous);
        self.walk(previous, &|_| {});
        self.gone(&promoted);
    }

    /// A moment of a canary: at its first or second pause, right after its template, or right after it was resumed.
    fn reach(&self, turn: usize) {
        match turn % 4 {
            0 => self.pauses_at(FIRST_PAUSE),
            1 => {
                self.until_paused(FIRST_PAUSE.0);
                self.rollout.resume(FIRST_PAUSE.0);
                self.pauses_at(SECOND_PAUSE);
            }
            2 => self.site.until("the new template is seen", || is_seen(&self.rollout.object())),
            _ => {
                self.until_paused(FIRST_PAUSE.0);
                self.rollout.resume(FIRST_PAUSE.0);
            }
        }
    }

    /// A template that was never there before.
    fn change(&self) -> u32 {
        self.newest.set(self.newest.get() + 1);
        self.rollout.set_version(self.newest.get());
        self.newest.get()
    }

    fn promoted(&self, version: u32) {
        self.rollout.until_healthy();
        self.stable.set(version);
    }

    fn until_paused(&self, step: i64) {
        self.site.until(&format!("{} pauses at step {step}", self.rollout.name), || {
            let rollout = self.rollout.object();
            let status = &rollout["status"];
            is_seen(&rollout) && status["phase"] == "Paused" && status["currentStepIndex"] == step
        });
    }

    /// Waits for the pause, and there until so many requests are answered that the split can be told.
    fn pauses_at(&self, (step, share): (i64, u32)) {
        self.until_paused(step);
        let more = if self.tool.borrow().is_some() { MORE_WITH_A_TOOL } else { MORE };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "thousands"
        )]
        let enough = (needed(share) as f64 * more) as usize;
        let since = now() + SETTLE;
        while self.traffic.answered_since(Host::App, since) < enough {
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Lets a tool apply the route from now on.
    pub fn start_tool(&self) {
        self.tool.replace(Some(GitOps::start(self.site)));
    }

    pub fn stop_tool(&self) {
        if let Some(tool) = self.tool.take() {
            tool.stop();
        }
    }

    /// Waits for the end of a revision's pods, whatever the tool writes meanwhile.
    fn gone(&self, hash: &str) {
        self.rollout.until_gone(hash);
    }

    fn stable_hash(&self) -> String {
        hash(&self.rollout.status()["stableRS"])
    }

    fn current_hash(&self) -> String {
        hash(&self.rollout.status()["currentPodHash"])
    }
}

fn hash(value: &Value) -> String {
    value.as_str().expect("a hash in status").to_owned()
}

/// Whether status speaks of the spec as it is.
fn is_seen(rollout: &Value) -> bool {
    rollout["status"]["observedGeneration"] == rollout["metadata"]["generation"]
}
