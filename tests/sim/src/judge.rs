//! Lets a process take a step, and judges what it did.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use serin_api::Names;
use serin_engine::{Action, plan};
use serin_process::answer::object_name;
use serin_sim::{Called, Decorate, Operator, Step, kind_of};
use serin_testkit::oracle::Still;
use serin_testkit::{Kind, Oracle, World};

use crate::blind;
use crate::coverage::Coverage;
use crate::setting::{Setting, Trouble};
use crate::stage::NAME;

/// A version that no world has.
const UNSEEN: u64 = u64::MAX;

/// What the operator must not do, or cannot do, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl Violation {
    fn unless_empty(violations: &[String]) -> Result<(), Self> {
        if violations.is_empty() { Ok(()) } else { Err(Self(violations.join("\n"))) }
    }
}

/// One process of the operator, and what it may be held to.
pub struct Process {
    pub operator: Operator,
    /// What it knew when it made the plan in hand, and what its calls have changed since.
    pub(crate) known: Still,
    /// What its clock showed then.
    pub(crate) planned_at: Timestamp,
    /// The version of the world after its plan or its last call: as long as that stands, nobody else has done anything.
    pub(crate) version: u64,
}

impl Process {
    /// A process that has just started and has read everything.
    pub fn started(world: &World) -> Self {
        let mut operator = Operator::new(Arc::new(Names::default()), NAME);
        operator.hear_all(world);
        Self { operator, known: Still::at(world.now()), planned_at: world.now(), version: 0 }
    }

    /// Whether it knows all objects of a kind as they are.
    pub fn has_heard_of(&self, kind: Kind, world: &World) -> bool {
        let heard = self.operator.view().objects();
        let version = |object: &Value| object["metadata"]["resourceVersion"].clone();
        world.of_kind(kind).all(|(key, is)| heard.get(key).is_some_and(|heard| version(heard) == version(is)))
    }
}

/// Judges what processes do.
pub struct Judge {
    pub coverage: Coverage,
    pub decorate: Box<dyn Decorate>,
    /// Whether the operator hears of everything at once, and so can be held to the world as it is.
    pub sees_all: bool,
    /// What was done, for people; kept only when asked for.
    pub trace: Option<Vec<String>>,
    pub(crate) oracle: Oracle,
}

impl Judge {
    pub fn new(decorate: Box<dyn Decorate>, setting: &Setting) -> Self {
        let oracle = if setting.has(Trouble::Clocks) { Oracle::of_set_clocks() } else { Oracle::default() };
        let sees_all = setting.is_seen_at_once();
        Self { coverage: Coverage::default(), decorate, sees_all, trace: None, oracle }
    }

    /// Lets a process take a step if it has a reason to. Returns what it did.
    pub fn step(&mut self, process: &mut Process, world: &mut World) -> Result<Option<Step>, Violation> {
        if self.sees_all {
            process.operator.hear_all(world);
        }
        if !process.operator.is_due(world) {
            return Ok(None);
        }
        // Only what a call is about can change, so a map of shared objects is all that is kept.
        let found = process.operator.is_busy().then(|| Still::taken_of(world));
        let is_alone = self.sees_all && process.version == world.version();
        drop(world.take_log());
        let step = process.operator.step(world, &mut *self.decorate);
        match &step {
            Step::Planned => self.planned(process, world)?,
            Step::Called(called) => {
                self.called(process, world, found.unwrap_or_default(), is_alone, called)?;
                if is_alone {
                    process.version = world.version();
                }
            }
            Step::Rests(_) if self.sees_all => {
                let mut still = Still::taken_of(world);
                still.set_now(process.operator.now(world));
                let mut violations = self.oracle.judge_rest(&still);
                if !violations.is_empty()
                    && let Some((_, plan)) = process.operator.look(world)
                {
                    // Status may not say so yet.
                    let waits = format!("{:?}", plan.report.waiting_for);
                    let excuses = ["ContestedWrite", "RefusedWrite", "ValidSpec"];
                    if excuses.iter().any(|excuse| waits.contains(excuse)) {
                        violations.clear();
                    } else {
                        violations.push(format!("it waits for {waits}"));
                    }
                }
                Violation::unless_empty(&violations)?;
            }
            Step::Exhausted(_) => {
                return Err(Violation("it does not come to rest: every plan has more to do".to_owned()));
            }
            Step::Absent | Step::Rests(_) | Step::GaveUp(_) => {}
        }
        self.coverage.told(&process.operator.take_events());
        Ok(Some(step))
    }

    /// Notes what stands while time passes, as far as the operator can know of it. What comes and goes in a moment it may
    /// never see, unless it makes a plan in between.
    pub fn look(&mut self, process: &Process, world: &World) {
        // With a plan in hand it does not look up before the next one.
        if self.sees_all && !process.operator.is_busy() {
            let mut still = Still::taken_of(world);
            still.set_now(process.operator.now(world));
            self.oracle.see(&still);
        }
    }

    /// Writes down what happened, for people.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    fn planned(&mut self, process: &mut Process, world: &World) -> Result<(), Violation> {
        let operator = &process.operator;
        let now = operator.now(world);
        process.known = Still::of(operator.view().objects().clone(), now);
        process.planned_at = now;
        // What was planned without seeing everything is no plan of this world, even if nothing has happened since.
        process.version = if self.sees_all { world.version() } else { UNSEEN };
        if self.sees_all {
            self.oracle.see(&process.known);
        }
        let Some((snapshot, made)) = operator.in_hand() else { return Ok(()) };
        let selectors = made.actions.iter().filter(|action| matches!(action, Action::Select { .. })).count();
        // Weights of several routes are one move.
        let weights = made.actions.iter().any(|action| matches!(action, Action::SetWeights { .. }));
        let moves = selectors + usize::from(weights);
        if moves > 1 {
            return Err(Violation(format!("{moves} traffic moves in one plan")));
        }
        if self.decorate.is_faithful() && plan(snapshot, now) != *made {
            return Err(Violation("one world, two plans".to_owned()));
        }
        self.coverage.planned(made);
        Ok(())
    }

    fn called(
        &mut self,
        process: &mut Process,
        world: &World,
        found: Still,
        is_alone: bool,
        called: &Called,
    ) -> Result<(), Violation> {
        let what = called.describe();
        self.note(|| match &called.outcome {
            Ok(()) => format!("    {what}"),
            Err(failure) => format!("    {what}: {} {}", failure.code(), failure.message()),
        });
        if called.call.dry_run {
            return Ok(());
        }
        let kind = kind_of(called.call.target);
        let name = &object_name(&called.call);
        let actual = (found.find(kind, name).cloned(), world.find_shared(kind, name));
        let known = process.known.find(kind, name).cloned();
        if let (Some(known), (Some(was), Some(is))) = (&known, &actual)
            && let Some(field) = blind::overwritten(known, was, is)
        {
            return Err(Violation(format!("{what} went over somebody else's change: {field}")));
        }
        let (mut before, (was, is)) = if is_alone {
            let mut before = found;
            before.set_now(process.planned_at);
            (before, actual)
        } else {
            // What it cannot know it cannot be held to, but its preconditions hold it to the object that it writes.
            (process.known.clone(), actual)
        };
        let is_there = was.is_some() || is.is_some();
        let mut after = before.clone();
        for (still, object) in [(&mut before, was), (&mut after, is)] {
            match object {
                Some(object) => still.share(kind, object),
                None => drop(still.remove(kind, name)),
            }
        }
        let violations = self.oracle.judge(&before, &after, &what);
        // The answer shows what others have written to the Rollout meanwhile, or that they have taken an object away, and
        // the plan does not know of it.
        if is_alone || kind != Kind::Rollout && is_there {
            process.known = after;
        }
        Violation::unless_empty(&violations)
    }
}
