//! When two states are one: they differ in nothing that any later step, or any judgement of it, depends on.
//!
//! Everything goes in: the objects of the world, what each process has heard of them, what it remembers, its plan in hand
//! and what it is held to, what the oracle remembers, and what may still happen on this path. Left out, or put in
//! another form, is only this:
//!
//! - **uids and names that the server gives** become ranks, in the order of the names. They are equal or not and sort one
//!   way or another, and nothing else is asked of them. The names of future objects do not depend on the state: any name
//!   might be given.
//! - **Versions** become ranks among those of the same object that the world, the processes or their plans hold: they are
//!   compared with each other, within one object, and with nothing else. **Generations** alike. A request of an older
//!   generation than any in sight is never asked for again.
//! - **Moments** become ages, exact to the second: no rule knows a date. What processes remember, and what the oracle
//!   knows of endpoints, is compared with a minute at most, so that all that is older is one age. When pods were made
//!   counts only by who came first, as nothing here asks for a restart.
//! - **Since when a pod is ready**, since when conditions are what they are (but for the progress deadline), addresses,
//!   the writers of objects whose writers nobody asks about: nobody reads them where pods are available at once.
//! - **The snapshot's plan**: it follows from the snapshot and the time at which it was made, and both are in.
//! - **The number of plans in one reconcile**, which ends at 32: a reconcile that does not end is a circle of states,
//!   and is found as that.
//! - **Counters, logs, history**: the watches have told all changes, or tell all of a kind at once. Tombstones keep out
//!   late news, and none comes.
//!
//! What is left out wrongly would hide a story; what is kept without need costs time only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use serin_engine::Snapshot;
use serin_testkit::oracle::Scene;
use serin_testkit::world::Key;
use serin_testkit::{Kind, World};

use super::skeleton::{Skeleton, Token, Wide, uid};
use crate::judge::Process;
use crate::stage::Stage;

/// What the processes watch and the judge looks at.
const KINDS: [Kind; 6] =
    [Kind::Rollout, Kind::ReplicaSet, Kind::Pod, Kind::Service, Kind::EndpointSlice, Kind::HttpRoute];

/// How long what is remembered counts, in seconds.
const MEMORY: i64 = 60;

/// As many skeletons are kept at once; they are made anew as needed.
const KEPT: usize = 50_000;

/// Skeletons of objects and snapshots that many states share.
#[derive(Default)]
pub struct Memo {
    objects: HashMap<usize, (Arc<Value>, Arc<Skeleton>)>,
    snapshots: HashMap<usize, (Arc<Snapshot>, Arc<Skeleton>)>,
}

impl Memo {
    fn object(&mut self, kind: Kind, object: &Arc<Value>) -> Arc<Skeleton> {
        if self.objects.len() > KEPT {
            self.objects.clear();
        }
        // The address stands for the object as long as the object is kept beside it.
        let address = Arc::as_ptr(object) as usize;
        let make = || (Arc::clone(object), Arc::new(Skeleton::of_object(kind, object)));
        Arc::clone(&self.objects.entry(address).or_insert_with(make).1)
    }

    fn snapshot(&mut self, snapshot: &Arc<Snapshot>) -> Arc<Skeleton> {
        if self.snapshots.len() > KEPT / 10 {
            self.snapshots.clear();
        }
        let address = Arc::as_ptr(snapshot) as usize;
        let notes = || Skeleton::of_notes(&format!("{snapshot:?}"), false);
        let make = || (Arc::clone(snapshot), Arc::new(notes()));
        Arc::clone(&self.snapshots.entry(address).or_insert_with(make).1)
    }
}

/// The canonical form of a state, as a hash of 128 bits; `past` is what the path has used up.
pub fn canonical(stage: &Stage, past: &str, memo: &mut Memo) -> u128 {
    let mut form = Form { world: &stage.world, memo, parts: Vec::new(), named: BTreeSet::new() };
    form.say(past);
    form.world(stage);
    form.process("leader", &stage.leader, stage.judge.sees_all);
    if let Some(late) = &stage.late {
        form.process("late", late, false);
    }
    form.note(&format!("{:?}", stage.judge.oracle), false);
    form.hash()
}

struct Form<'a> {
    world: &'a World,
    memo: &'a mut Memo,
    parts: Vec<Arc<Skeleton>>,
    /// Every object in sight, by which uids and names are ranked.
    named: BTreeSet<(Kind, String, u64)>,
}

impl Form<'_> {
    fn say(&mut self, text: &str) {
        let mut plain = Wide::default();
        plain.text(text);
        self.parts.push(Arc::new(Skeleton { tokens: vec![Token::Plain(plain.finish())] }));
    }

    fn note(&mut self, notes: &str, short: bool) {
        self.parts.push(Arc::new(Skeleton::of_notes(notes, short)));
    }

    fn object(&mut self, kind: Kind, object: &Arc<Value>) {
        let metadata = &object["metadata"];
        let name = metadata["name"].as_str().unwrap_or_default().to_owned();
        self.named.insert((kind, name, number(object)));
        let skeleton = self.memo.object(kind, object);
        self.parts.push(skeleton);
    }

    fn world(&mut self, stage: &Stage) {
        for kind in KINDS {
            self.say(kind.name());
            for object in self.world.all(kind) {
                self.object(kind, &object);
            }
        }
        for pod in stage.cluster.kubelet.unready() {
            // Pods that are gone keep their entry.
            if self.world.find(Kind::Pod, pod).is_some() {
                self.note(&format!("unready {}", pod.rsplit('/').next().unwrap_or_default()), false);
            }
        }
    }

    fn process(&mut self, role: &str, process: &Process, sees_all: bool) {
        self.say(role);
        let operator = &process.operator;
        let heard = operator.view().objects();
        self.differing("heard", |kind, name| heard.get(&Key::new(kind, name)).cloned(), heard.values());
        self.caches(process);
        let memory = operator.memory(self.world);
        let mut notes = format!("{} {} {:?}", memory.skew, memory.failures, memory.refreshed);
        // Who is at work or woken acts at once, whatever time he has asked for.
        if memory.in_hand.is_none() {
            let wake_at = memory.wake_at.filter(|_| !memory.is_woken);
            let _ = write!(notes, " {} {:?} {wake_at:?}", memory.is_woken, memory.rests_until);
        }
        self.note(&notes, false);
        self.note(&format!("{:?}", memory.recall), true);
        if let Some(hand) = memory.in_hand {
            let is_alone = sees_all && process.version == self.world.version();
            let skeleton = self.memo.snapshot(hand.world);
            self.parts.push(skeleton);
            let done = (hand.left, hand.done, hand.has_failed, is_alone);
            self.note(&format!("{done:?} {}", process.planned_at), false);
            let known = &process.known;
            let all: Vec<_> = KINDS.into_iter().flat_map(|kind| Scene::all(known, kind)).collect();
            self.differing("known", |kind, name| known.find(kind, name).cloned(), all.iter());
        }
    }

    /// What somebody holds otherwise than it is in the world.
    fn differing<'o>(
        &mut self,
        who: &str,
        find: impl Fn(Kind, &str) -> Option<Arc<Value>>,
        held: impl Iterator<Item = &'o Arc<Value>>,
    ) {
        self.say(who);
        for kind in KINDS {
            for object in self.world.all(kind) {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                match find(kind, name) {
                    Some(other) if is_same(&object, &other) => {}
                    Some(other) => self.object(kind, &other),
                    None => self.note(&format!("lacks {}", object["metadata"]["uid"]), false),
                }
            }
        }
        for object in held {
            let kind = KINDS.into_iter().find(|kind| object["kind"] == kind.name());
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            if let Some(kind) = kind.filter(|kind| self.world.find(*kind, name).is_none()) {
                self.object(kind, object);
            }
        }
    }

    /// Where the caches hold another version than what was heard last.
    fn caches(&mut self, process: &Process) {
        let heard = process.operator.view().objects();
        let held = process.operator.held();
        self.say(&(heard.len().abs_diff(held.len())).to_string());
        for (kind, name, uid, version) in held {
            let kind = KINDS.into_iter().find(|other| other.name() == kind);
            let other = kind.and_then(|kind| heard.get(&Key::new(kind, &name)));
            let is_heard = other.is_some_and(|other| {
                other["metadata"]["uid"] == *uid && other["metadata"]["resourceVersion"] == *version
            });
            if !is_heard {
                self.note(&format!("holds {uid} resource_version: {version}"), false);
            }
        }
    }

    fn hash(self) -> u128 {
        let ranks = Ranks::of(&self.parts, &self.named, self.world.now());
        let mut hash = Wide::default();
        for part in &self.parts {
            hash.number(u64::MAX);
            part.tokens.iter().for_each(|token| ranks.put(token, &mut hash));
        }
        hash.finish()
    }
}

fn number(object: &Value) -> u64 {
    object["metadata"]["uid"].as_str().and_then(uid).unwrap_or_default()
}

fn is_same(one: &Arc<Value>, other: &Arc<Value>) -> bool {
    let identity = |object: &Arc<Value>| (number(object), object["metadata"]["resourceVersion"].clone());
    Arc::ptr_eq(one, other) || identity(one) == identity(other)
}

/// What stands for numbers and names.
struct Ranks {
    now: i64,
    uids: BTreeMap<u64, u64>,
    names: BTreeMap<String, u64>,
    versions: BTreeMap<u64, BTreeSet<u64>>,
    generations: BTreeMap<u64, BTreeSet<i64>>,
    made: BTreeSet<i64>,
}

impl Ranks {
    fn of(parts: &[Arc<Skeleton>], named: &BTreeSet<(Kind, String, u64)>, now: Timestamp) -> Self {
        let mut ranks = Self {
            now: now.as_second(),
            uids: BTreeMap::new(),
            names: BTreeMap::new(),
            versions: BTreeMap::new(),
            generations: BTreeMap::new(),
            made: BTreeSet::new(),
        };
        for (_, name, uid) in named {
            let rank = ranks.uids.len() as u64;
            ranks.uids.entry(*uid).or_insert(rank);
            ranks.names.entry(name.clone()).or_insert(rank);
        }
        let mut others = (BTreeSet::new(), BTreeSet::new());
        for token in parts.iter().flat_map(|part| &part.tokens) {
            match token {
                Token::Uid(uid) if !ranks.uids.contains_key(uid) => _ = others.0.insert(*uid),
                Token::Name(name) if !ranks.names.contains_key(&**name) => _ = others.1.insert(name.clone()),
                Token::Version(uid, version) => _ = ranks.versions.entry(*uid).or_default().insert(*version),
                Token::Generation(uid, number) => {
                    ranks.generations.entry(*uid).or_default().insert(*number);
                }
                Token::Made(made) => _ = ranks.made.insert(*made),
                _ => {}
            }
        }
        // Objects that are gone from everybody's sight, in the order in which they came.
        for uid in others.0 {
            let rank = ranks.uids.len() as u64;
            ranks.uids.insert(uid, rank);
        }
        for name in others.1 {
            let rank = 1000 + ranks.names.len() as u64;
            ranks.names.insert(name.into(), rank);
        }
        ranks
    }

    fn put(&self, token: &Token, hash: &mut Wide) {
        let (kind, number) = match token {
            Token::Plain(text) => {
                hash.number((text >> 64) as u64);
                (0, *text as u64)
            }
            Token::Uid(uid) => (1, self.uids.get(uid).copied().unwrap_or_default()),
            Token::Name(name) => (2, self.names.get(&**name).copied().unwrap_or_default()),
            Token::Version(uid, version) => (3, above(self.versions.get(uid), version)),
            Token::Generation(uid, generation) => (4, above(self.generations.get(uid), generation)),
            Token::Request(uid, generation, since) => {
                let known = self.generations.get(uid);
                if known.and_then(BTreeSet::first).is_none_or(|oldest| generation < oldest) {
                    return;
                }
                hash.number(above(known, generation));
                (5, (self.now - since).cast_unsigned())
            }
            Token::Moment(moment) => (6, (self.now - moment).cast_unsigned()),
            Token::Recent(moment) => (7, (self.now - moment).min(MEMORY).cast_unsigned()),
            Token::Made(made) => (8, self.made.range(..made).count() as u64),
        };
        hash.number(kind);
        hash.number(number);
    }
}

/// How many are newer.
fn above<T: Ord>(all: Option<&BTreeSet<T>>, one: &T) -> u64 {
    use std::ops::Bound::{Excluded, Unbounded};
    all.map_or(0, |all| all.range((Excluded(one), Unbounded)).count() as u64)
}
