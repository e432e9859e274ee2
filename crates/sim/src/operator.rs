//! One process of the operator, which works on one Rollout a call at a time.

mod copy;

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serin_api::Names;
use serin_api::route::RouteKind;
use serin_engine::api_call::{Target, Verb, api_call};
use serin_engine::events::{After, Event};
use serin_engine::preflight::Verdict;
use serin_engine::{Action, ApiCall, Plan, Recall, Snapshot, observe, plan};
use serin_process::answer;
use serin_process::caches::Caches;
use serin_process::fingerprint::fingerprint;
use serin_process::recovery::{Recovery, backoff, is_stale, recovery};
use serin_process::rest::Rest;
use serin_process::rounds::{MAX_ROUNDS, NEXT_TURN, in_parallel, in_sequence, is_left_out};
use serin_world::world::Failure;
use serin_world::{Kind, Request, World};

use crate::decorate::Decorate;
use crate::request::{category, request, sentence};
use crate::view::View;
use crate::watches::Watches;

pub use self::copy::{InHand, Memory};

/// What one step of the operator was.
#[derive(Clone, Debug)]
pub enum Step {
    /// It knows no such Rollout.
    Absent,
    /// Nothing is left to do before that time, or before something changes.
    Rests(Option<Timestamp>),
    /// It has made a plan, which the next steps carry out.
    Planned,
    /// It has made one call.
    Called(Box<Called>),
    /// It has given up for now, until that time, because a call failed.
    GaveUp(Timestamp),
    /// It has not come to rest within as many rounds as it may take, and goes on at that time.
    Exhausted(Timestamp),
}

/// A call, and how it ended.
#[derive(Clone, Debug)]
pub struct Called {
    pub call: ApiCall,
    /// What the call carries out; none for a write of status.
    pub action: Option<Action>,
    pub outcome: Result<(), Failure>,
}

impl Called {
    /// What was done, in a few words.
    pub fn describe(&self) -> String {
        self.action.as_ref().map_or_else(|| "write status".to_owned(), Action::describe)
    }
}

/// One process of the operator.
pub struct Operator {
    user: String,
    namespace: String,
    name: String,
    names: Arc<Names>,
    caches: Caches,
    watches: Watches,
    recall: Recall,
    /// How far its clock is ahead of the server's.
    skew: SignedDuration,
    hand: Option<Hand>,
    /// What was read afresh in this reconcile.
    refreshed: BTreeSet<String>,
    rounds: usize,
    failures: u32,
    /// The last plan that was empty.
    rest: Option<Rest>,
    is_woken: bool,
    wake_at: Option<Timestamp>,
    told: Vec<Event>,
}

/// A plan that is being carried out. A copy of the process shares it.
#[derive(Clone)]
struct Hand {
    world: Arc<Snapshot>,
    plan: Arc<Plan>,
    deeds: VecDeque<Deed>,
    done: BTreeSet<usize>,
    has_failed: bool,
}

#[derive(Clone, Copy)]
enum Deed {
    Act(usize),
    RecordStatus,
}

impl Operator {
    /// A process that has just started and watches the Rollout `name` of the namespace `default`.
    pub fn new(names: Arc<Names>, name: &str) -> Self {
        Self {
            user: "serin".to_owned(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            names,
            caches: Caches::new(),
            watches: Watches::default(),
            recall: Recall::default(),
            skew: SignedDuration::ZERO,
            hand: None,
            refreshed: BTreeSet::new(),
            rounds: 0,
            failures: 0,
            rest: None,
            is_woken: true,
            wake_at: None,
            told: Vec::new(),
        }
    }

    /// The same for a Rollout of another namespace.
    #[must_use]
    pub fn within(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// The same with what preflight has said. What that is made from is not all in the cluster in memory.
    #[must_use]
    pub fn told_by_preflight(mut self, said: Option<Verdict>) -> Self {
        self.recall.preflight = said;
        self
    }

    /// The Rollout that it works on.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sets how far its clock is ahead of the server's.
    pub fn set_skew(&mut self, skew: SignedDuration) {
        self.skew = skew;
        // A clock that is set fires what it finds overdue.
        self.is_woken = true;
    }

    /// What its own clock shows.
    pub fn now(&self, world: &World) -> Timestamp {
        world.now().checked_add(self.skew).unwrap_or(world.now())
    }

    /// Lets the watch of one kind tell at most `events` changes.
    pub fn hear(&mut self, kind: Kind, events: usize, world: &World) {
        self.is_woken |= self.watches.deliver(kind, events, world, &self.caches);
    }

    /// Lets all watches tell everything.
    pub fn hear_all(&mut self, world: &World) {
        self.is_woken |= self.watches.catch_up(world, &self.caches);
    }

    /// Tells the last events of a kind once more.
    pub fn hear_again(&mut self, kind: Kind, events: usize, world: &World) {
        self.watches.repeat(kind, events, world, &self.caches);
        self.is_woken = true;
    }

    /// Ends the watch of one kind; it goes on with a list.
    pub fn lose_watch(&mut self, kind: Kind) {
        self.watches.relist(kind);
    }

    /// Whether its caches show the world as it is.
    pub fn is_current(&self, world: &World) -> bool {
        self.watches.are_current(world)
    }

    /// Whether it is in the middle of a plan.
    pub fn is_busy(&self) -> bool {
        self.hand.is_some()
    }

    /// When it acts on its own, if nothing happens before: at once when it has something in hand.
    pub fn due(&self, world: &World) -> Option<Timestamp> {
        if self.is_woken || self.hand.is_some() {
            return Some(self.now(world));
        }
        self.wake_at
    }

    /// Whether it would act now.
    pub fn is_due(&self, world: &World) -> bool {
        self.due(world).is_some_and(|due| due <= self.now(world))
    }

    /// What it would do now with the caches that it has, or `None` where it knows no such Rollout.
    pub fn look(&self, world: &World) -> Option<(Snapshot, Plan)> {
        self.look_remembering(world, &self.recall)
    }

    /// What it would do now if it remembered this and nothing else.
    pub fn look_remembering(&self, world: &World, recall: &Recall) -> Option<(Snapshot, Plan)> {
        let objects = self.objects(world)?;
        let snapshot = observe(&objects, &self.names, recall);
        let plan = plan(&snapshot, self.now(world));
        Some((snapshot, plan))
    }

    /// The world as it knows it.
    pub fn view(&self) -> &View {
        self.watches.view()
    }

    /// What it remembers.
    pub fn recall(&self) -> &Recall {
        &self.recall
    }

    /// The plan that it carries out.
    pub fn in_hand(&self) -> Option<(&Snapshot, &Plan)> {
        self.hand.as_ref().map(|hand| (&*hand.world, &*hand.plan))
    }

    /// The Events that it has sent since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.told)
    }

    /// Does the next thing: makes a plan, or makes one call of the plan in hand.
    pub fn step(&mut self, world: &mut World, decorate: &mut dyn Decorate) -> Step {
        let Some(mut hand) = self.hand.take() else { return self.begin(world, decorate) };
        let Some(deed) = hand.deeds.pop_front() else {
            return self.finish(hand, world, decorate).unwrap_or_else(|| self.begin(world, decorate));
        };
        let called = match deed {
            Deed::Act(index) => self.act(&mut hand, index, world, decorate),
            Deed::RecordStatus => self.record_status(&mut hand, world, decorate),
        };
        self.hand = Some(hand);
        called.map_or_else(|| self.step(world, decorate), |called| Step::Called(Box::new(called)))
    }

    /// Takes step after step, with caches that show everything, until nothing is left to do now. Returns when to look
    /// again; `watch` sees every call.
    pub fn reconcile(
        &mut self,
        world: &mut World,
        decorate: &mut dyn Decorate,
        mut watch: impl FnMut(&World, &Called),
    ) -> Option<Timestamp> {
        loop {
            self.hear_all(world);
            match self.step(world, decorate) {
                Step::Called(called) => watch(world, &called),
                Step::Planned => {}
                Step::Absent => return None,
                Step::Rests(wake_at) => return wake_at,
                Step::GaveUp(again) | Step::Exhausted(again) => return Some(again),
            }
        }
    }

    fn objects(&self, world: &World) -> Option<serin_engine::Objects> {
        let mut objects = self.caches.objects_of(&self.namespace, &self.name)?;
        if objects.rollout.metadata.deletion_timestamp.is_some() {
            let namespace = world.find(Kind::Namespace, &self.namespace);
            objects.namespace_terminating =
                namespace.is_none_or(|namespace| !namespace["metadata"]["deletionTimestamp"].is_null());
        }
        Some(objects)
    }

    fn begin(&mut self, world: &World, decorate: &mut dyn Decorate) -> Step {
        let Some(objects) = self.objects(world) else {
            self.recall = Recall::default();
            return self.rest(None, Step::Absent);
        };
        let (versions, now) = (fingerprint(&objects), self.now(world));
        let rest = self.rest.filter(|rest| rest.holds(versions, now) && !objects.namespace_terminating);
        if let Some(Rest { until, .. }) = rest {
            return self.rest(until, Step::Rests(until));
        }
        let snapshot = observe(&objects, &self.names, &self.recall);
        let mut plan = plan(&snapshot, now);
        decorate.plan(&snapshot, &mut plan);
        self.recall.planned(&plan, now);
        if plan.is_empty() {
            self.rest = Some(Rest { fingerprint: versions, since: now, until: plan.wake_at });
            self.failures = 0;
            return self.rest(plan.wake_at, Step::Rests(plan.wake_at));
        }
        self.rest = None;
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            let again = self.after(world, NEXT_TURN);
            return self.rest(Some(again), Step::Exhausted(again));
        }
        let actions = in_sequence(&plan).chain(in_parallel(&plan)).map(|(index, _)| Deed::Act(index));
        let deeds = actions.chain([Deed::RecordStatus]).collect();
        self.hand = Some(Hand {
            world: Arc::new(snapshot),
            plan: Arc::new(plan),
            deeds,
            done: BTreeSet::new(),
            has_failed: false,
        });
        Step::Planned
    }

    fn act(
        &mut self,
        hand: &mut Hand,
        index: usize,
        world: &mut World,
        decorate: &mut dyn Decorate,
    ) -> Option<Called> {
        let action = hand.plan.actions.get(index)?.clone();
        let mut call = api_call(&hand.world, &action);
        decorate.call(&hand.world, &mut call);
        let outcome = self.send(&call, world);
        match &outcome {
            Ok(defaulted) => {
                if let (Action::CompareTemplate { template, .. }, Some(defaulted)) =
                    (&action, &defaulted.defaulted)
                {
                    self.recall.defaulted = Some((template.clone(), defaulted.clone()));
                }
                // As in the shell, the answer about a pod's metadata teaches nothing.
                if !action.is_parallel() {
                    self.recall.applied(&action, self.now(world));
                    hand.done.insert(index);
                }
            }
            Err(failure) => {
                let Hand { plan, deeds, .. } = &mut *hand;
                let follows = |deed: &Deed| match deed {
                    Deed::Act(other) => {
                        plan.actions.get(*other).is_none_or(|other| !is_left_out(other, &action))
                    }
                    Deed::RecordStatus => true,
                };
                deeds.retain(follows);
                hand.has_failed |= !self.recover(&action, &call, failure, world);
            }
        }
        Some(Called { call, action: Some(action), outcome: outcome.map(drop) })
    }

    fn record_status(
        &mut self,
        hand: &mut Hand,
        world: &mut World,
        decorate: &mut dyn Decorate,
    ) -> Option<Called> {
        let changes = hand.plan.status.clone().filter(|_| !hand.has_failed)?;
        let mut call = ApiCall::patch_status(&hand.world, changes);
        decorate.call(&hand.world, &mut call);
        let outcome = self.send(&call, world);
        let recorded = outcome.is_ok();
        match &outcome {
            Ok(_) => self.recall.status_written_at = Some(self.now(world)),
            Err(failure) if is_stale(category(failure)) => hand.has_failed |= !self.refresh(&call, world),
            Err(_) => hand.has_failed = true,
        }
        let events = hand.plan.events.iter().filter(|event| event.after == After::Status && recorded);
        self.told.extend(events.cloned());
        Some(Called { call, action: None, outcome: outcome.map(drop) })
    }

    /// Ends a round and tells what has become true. Gives up when a call failed in a way that a later try may mend.
    fn finish(&mut self, hand: Hand, world: &World, decorate: &mut dyn Decorate) -> Option<Step> {
        let is_true = |event: &&Event| match event.after {
            After::Seen => true,
            After::Action(index) => hand.done.contains(&index),
            // Told when status was recorded.
            After::Status => false,
        };
        self.told.extend(hand.plan.events.iter().filter(is_true).cloned());
        if hand.has_failed {
            self.failures += 1;
            let again = self.after(world, backoff(self.failures));
            return Some(self.rest(decorate.again(again), Step::GaveUp(again)));
        }
        None
    }

    fn after(&self, world: &World, delay: SignedDuration) -> Timestamp {
        self.now(world).checked_add(delay).unwrap_or(Timestamp::MAX)
    }

    /// Ends a reconcile.
    fn rest(&mut self, wake_at: Option<Timestamp>, step: Step) -> Step {
        self.refreshed.clear();
        self.rounds = 0;
        self.is_woken = false;
        self.wake_at = wake_at;
        step
    }

    fn send(&mut self, call: &ApiCall, world: &mut World) -> Result<answer::Answer, Failure> {
        let object = world.request(request(call, &self.user))?;
        if call.verb == Verb::Delete {
            self.watches.forgot(kind_of(call.target), &answer::object_name(call));
        } else if !call.dry_run {
            self.watches.answered(kind_of(call.target), Arc::new(object.clone()));
        }
        Ok(answer::take_in(&self.caches, call, object).unwrap_or_default())
    }

    /// Goes on after a failure. Tells whether this reconcile goes on.
    fn recover(&mut self, action: &Action, call: &ApiCall, failure: &Failure, world: &mut World) -> bool {
        let subject = action.subject();
        let is_first = !self.refreshed.contains(&subject);
        match recovery(action, call.verb, category(failure), is_first) {
            Recovery::Refresh => {
                self.refreshed.insert(subject);
                self.refresh(call, world)
            }
            Recovery::PutOff(rest) => {
                let retry_at = self.now(world).checked_add(rest).unwrap_or(Timestamp::MAX);
                self.recall.refused(action, sentence(failure), retry_at);
                true
            }
            Recovery::GiveUp => false,
        }
    }

    /// Reads the object of a call afresh. Tells whether that succeeded.
    fn refresh(&mut self, call: &ApiCall, world: &mut World) -> bool {
        match world.request(Request::get(answer::object_path(call)).by(&self.user)) {
            Ok(object) => {
                self.watches.answered(kind_of(call.target), Arc::new(object.clone()));
                answer::take_in_object(&self.caches, call.target, object).is_ok()
            }
            Err(Failure::Refused(refusal)) if refusal.code == 404 => {
                self.watches.forgot(kind_of(call.target), &answer::object_name(call));
                answer::forget(&self.caches, call);
                true
            }
            Err(_) => false,
        }
    }
}

/// The kind of object that calls of this target are answered with.
pub fn kind_of(target: Target) -> Kind {
    match target {
        Target::Rollout | Target::RolloutStatus => Kind::Rollout,
        Target::ReplicaSet => Kind::ReplicaSet,
        Target::Service => Kind::Service,
        Target::Route(RouteKind::Http) => Kind::HttpRoute,
        Target::Route(RouteKind::Grpc) => Kind::GrpcRoute,
        Target::Route(RouteKind::Tls) => Kind::TlsRoute,
        Target::Route(RouteKind::Tcp) => Kind::TcpRoute,
        Target::Route(RouteKind::Udp) => Kind::UdpRoute,
        Target::Pod | Target::Eviction => Kind::Pod,
    }
}
