//! Every story of a small world: all that a Rollout of a few pods and steps can meet, with one thing going wrong at most.
//!
//! The search is breadth first over canonical states ([`canonical`]): at each state every choice of the alphabet
//! ([`choices`]) is taken, and every transition is judged as in a story. A path that breaks a rule is told as a story, and
//! none is shorter. What goes on by itself, when nobody does anything, is one of the choices: so from every state found
//! there is a calm way, and all calm ways have to end where the Rollout belongs ([`calm`]).

mod calm;
pub mod canonical;
pub mod choices;
pub mod node;
mod skeleton;
pub mod worlds;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serin_sim::Decorate;

use self::calm::Calm;
use self::canonical::{Memo, canonical};
use self::choices::{Who, choices};
use self::node::{Node, Past};
use self::worlds::SmallWorld;
use crate::coverage::Coverage;
use crate::judge::Violation;
use crate::run::message;
use crate::stage::Stage;
use crate::story::Story;
use crate::turn::Turn;

/// So many states are left by each thread before their successors are compared.
const BATCH: usize = 128;

/// Makes what stands between operator and world, once for each state.
pub type Decorator = dyn Fn() -> Box<dyn Decorate> + Sync;

/// What a search has found.
#[derive(Debug)]
pub struct Report {
    pub states: usize,
    pub transitions: u64,
    /// The longest of the shortest ways to a state, in choices.
    pub depth: usize,
    /// States in which nothing goes on unless a person does something.
    pub ends: usize,
    /// Whether all states were found, or the search was ended before.
    pub is_complete: bool,
    pub took: Duration,
    pub coverage: Coverage,
    /// The shortest story that breaks a rule, and what it breaks.
    pub found: Option<(Story, Violation)>,
}

/// How a state was come by.
#[derive(Clone, Copy, Debug)]
struct Link {
    parent: u32,
    choice: u16,
}

/// Where a choice leads.
struct Arrival {
    choice: u16,
    form: u128,
    /// None where the state was known before.
    node: Option<Box<Node>>,
}

/// What leaving one state by every choice has brought.
#[derive(Default)]
struct Departure {
    arrivals: Vec<Arrival>,
    transitions: u64,
    /// The form of the state that a calm world goes to; none where it stays.
    calm: Option<u128>,
    coverage: Coverage,
    /// After which choice a rule was broken; none for the state itself.
    broken: Option<(Option<u16>, Violation)>,
}

struct Search<'a> {
    world: &'a SmallWorld,
    decorate: &'a Decorator,
    known: HashMap<u128, u32>,
    links: Vec<Link>,
    calm: Calm,
    report: Report,
}

/// Looks at every state of a small world, but at no more than so many.
pub fn explore(world: &SmallWorld, decorate: &Decorator, threads: usize, limit: usize) -> Report {
    let began = Instant::now();
    let mut search = Search {
        world,
        decorate,
        known: HashMap::new(),
        links: Vec::new(),
        calm: Calm::default(),
        report: Report {
            states: 0,
            transitions: 0,
            depth: 0,
            ends: 0,
            is_complete: true,
            took: Duration::ZERO,
            coverage: Coverage::default(),
            found: None,
        },
    };
    search.run(threads, limit);
    search.report.took = began.elapsed();
    search.report
}

/// The state that a search begins with.
///
/// # Errors
/// Not even that is reached without a rule being broken.
pub fn root(world: &SmallWorld, decorate: Box<dyn Decorate>) -> Result<Node, Violation> {
    let mut stage = Stage::new(&world.setting, decorate);
    let sees_all = std::mem::replace(&mut stage.judge.sees_all, true);
    stage.deploy()?;
    stage.judge.sees_all = sees_all;
    for turn in &world.before {
        stage.play(*turn)?;
    }
    stage.leader.operator.hear_all(&stage.world);
    let mut node =
        Node { stage, past: Past { has_failed: !world.can_fail, asks: world.asks, ..Past::default() } };
    node.stage.world.forget_history();
    Ok(node)
}

impl Search<'_> {
    fn run(&mut self, threads: usize, limit: usize) {
        let node = match root(self.world, (self.decorate)()) {
            Ok(node) => node,
            Err(violation) => {
                self.report.found = Some((self.story(None, None), violation));
                return;
            }
        };
        let mut memos: Vec<Memo> = (0..threads.max(1)).map(|_| Memo::default()).collect();
        let form = form(&node, &mut memos[0]);
        self.arrive(form, Link { parent: 0, choice: 0 });
        let mut layer = vec![(0, node)];
        while !layer.is_empty() && self.report.found.is_none() {
            let mut next = Vec::new();
            let mut left = layer.into_iter().peekable();
            while left.peek().is_some() && self.report.found.is_none() {
                let batch: Vec<(u32, Node)> = left.by_ref().take(BATCH * memos.len()).collect();
                for (id, departure) in depart(batch, &self.known, self.decorate, &mut memos) {
                    self.take_in(id, departure, &mut next);
                }
                if self.known.len() >= limit {
                    self.report.is_complete = false;
                    break;
                }
            }
            if !self.report.is_complete {
                break;
            }
            self.report.depth += usize::from(!next.is_empty());
            layer = next;
        }
        self.report.states = self.known.len();
        if self.report.found.is_none()
            && let Some(state) = self.calm.circle()
        {
            let violation = Violation("left alone, it goes round in a circle".to_owned());
            self.report.found = Some((self.story(Some(state), None), violation));
        }
    }

    fn take_in(&mut self, id: u32, departure: Departure, next: &mut Vec<(u32, Node)>) {
        self.report.transitions += departure.transitions;
        self.report.coverage.add(&departure.coverage);
        if let Some((choice, violation)) = departure.broken
            && self.report.found.is_none()
        {
            self.report.found = Some((self.story(Some(id), choice), violation));
        }
        for arrival in departure.arrivals {
            let is_new = self.arrive(arrival.form, Link { parent: id, choice: arrival.choice });
            if let (Some(new), Some(node)) = (is_new, arrival.node) {
                next.push((new, *node));
            }
        }
        let calm = departure.calm.and_then(|form| self.known.get(&form).copied());
        self.report.ends += usize::from(calm.is_none());
        self.calm.note(id, calm);
    }

    /// The number of a state that was not known before.
    fn arrive(&mut self, form: u128, link: Link) -> Option<u32> {
        let new = u32::try_from(self.links.len()).unwrap_or(u32::MAX);
        match self.known.entry(form) {
            Entry::Occupied(_) => None,
            Entry::Vacant(entry) => {
                entry.insert(new);
                self.links.push(link);
                Some(new)
            }
        }
    }

    /// The shortest way to a state, and one choice more, as a story that can be played again.
    fn story(&self, state: Option<u32>, last: Option<u16>) -> Story {
        let mut taken: Vec<u16> = last.into_iter().collect();
        let mut at = state.unwrap_or(0);
        while at != 0 {
            let link = self.links[at as usize];
            taken.push(link.choice);
            at = link.parent;
        }
        let mut turns: Vec<Turn> = self.world.before.clone();
        if let Ok(mut node) = root(self.world, (self.decorate)()) {
            for choice in taken.into_iter().rev() {
                let Some(choice) = choices(&node).into_iter().nth(choice.into()) else { break };
                turns.extend(node.take(&choice).0);
            }
        }
        Story { setting: self.world.setting.clone(), turns }
    }
}

fn form(node: &Node, memo: &mut Memo) -> u128 {
    canonical(&node.stage, &format!("{:?}", node.past), memo)
}

/// Leaves each of these states by every choice.
fn depart(
    batch: Vec<(u32, Node)>,
    known: &HashMap<u128, u32>,
    decorate: &Decorator,
    memos: &mut [Memo],
) -> Vec<(u32, Departure)> {
    let share = batch.len().div_ceil(memos.len());
    let mut left = batch.into_iter();
    let mut departures = Vec::with_capacity(left.len());
    std::thread::scope(|scope| {
        let mut threads = Vec::new();
        for memo in memos {
            let nodes: Vec<(u32, Node)> = left.by_ref().take(share).collect();
            threads.push(scope.spawn(move || {
                let mut shown = HashSet::new();
                let leave = |(id, node)| (id, leave(&node, known, &mut shown, decorate, memo));
                nodes.into_iter().map(leave).collect::<Vec<_>>()
            }));
        }
        for thread in threads {
            departures.extend(thread.join().unwrap_or_default());
        }
    });
    departures
}

fn leave(
    node: &Node,
    known: &HashMap<u128, u32>,
    shown: &mut HashSet<u128>,
    decorate: &Decorator,
    memo: &mut Memo,
) -> Departure {
    let own = form(node, memo);
    let mut departure = Departure::default();
    for (index, choice) in (0..).zip(choices(node)) {
        let mut child = node.fork(decorate());
        departure.transitions += 1;
        let taken = catch_unwind(AssertUnwindSafe(|| child.take(&choice).1));
        departure.coverage.add(&std::mem::take(&mut child.stage.judge.coverage));
        if let Some(violation) = broken(taken) {
            departure.broken = Some((Some(index), violation));
            return departure;
        }
        let form = form(&child, memo);
        if form == own {
            continue;
        }
        if departure.calm.is_none() && matches!(choice.who, Who::Recovery | Who::Nature) {
            departure.calm = Some(form);
        }
        let is_new = !known.contains_key(&form) && shown.insert(form);
        departure.arrivals.push(Arrival { choice: index, form, node: is_new.then(|| Box::new(child)) });
    }
    if departure.calm.is_none() {
        // Nothing goes on: this is where the Rollout has to be, and a last update has to complete from here.
        let mut end = node.fork(decorate());
        let ended = catch_unwind(AssertUnwindSafe(|| end.stage.end()));
        departure.broken = broken(ended).map(|violation| (None, violation));
    }
    departure
}

fn broken(outcome: std::thread::Result<Result<(), Violation>>) -> Option<Violation> {
    match outcome {
        Ok(outcome) => outcome.err(),
        Err(panic) => Some(Violation(format!("panicked: {}", message(&*panic)))),
    }
}
