//! Preflight in the operator: what was read beside the caches, and when it is read again.
//!
//! It is read once for each generation of a Rollout and whatever its routes lead to, beside the reconciles and never in
//! one: nothing waits for it. A new process reads nothing while the condition that it finds is of the present generation
//! and nothing changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::Client;
use serin_api::Rollout;
use serin_api::conditions::ConditionType;
use serin_engine::action::template_subject;
use serin_engine::preflight::rights::missing_right;
use serin_engine::preflight::{Beyond, TemplateAnswer, Verdict, Visible, Wanted, judge};
use serin_engine::{Objects, Snapshot};
use serin_process::caches::{Caches, key};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedSender;

use super::read;
use crate::triggers::{Key, Wake};

/// How many Rollouts are read for at the same time.
const AT_ONCE: usize = 4;

/// How long a reading that failed is not repeated.
const REST: SignedDuration = SignedDuration::from_secs(60);

/// Reads for all Rollouts, and holds the answers until they are fetched.
pub struct Desk {
    client: Client,
    permits: Arc<Semaphore>,
    answers: Arc<Mutex<HashMap<Key, Answer>>>,
    wakes: UnboundedSender<Wake>,
}

/// What was read, and for what.
#[derive(Clone, Debug)]
struct Answer {
    occasion: Occasion,
    beyond: Arc<Beyond>,
    is_well: bool,
}

/// What is read for: the same is not read twice.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Occasion {
    generation: i64,
    wanted: Wanted,
}

/// What one Rollout's preflight remembers.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// What was last judged, or found already judged.
    visible: Option<Visible>,
    answer: Option<Answer>,
    asked: Option<(Occasion, Timestamp)>,
}

impl Desk {
    pub fn new(client: Client, wakes: UnboundedSender<Wake>) -> Self {
        Self { client, permits: Arc::new(Semaphore::new(AT_ONCE)), answers: Arc::default(), wakes }
    }

    /// Whether something was read that was not fetched yet.
    pub fn has_news(&self, key: &Key) -> bool {
        self.lock().contains_key(key)
    }

    /// Forgets a Rollout that is gone.
    pub fn forget(&self, key: &Key) {
        self.lock().remove(key);
    }

    /// Judges anew where something has changed; nothing where all is as it was, or not known yet.
    pub fn look(
        &self,
        key: &Key,
        notes: &mut Notes,
        objects: &Objects,
        world: &Snapshot,
        caches: &Caches,
        now: Timestamp,
    ) -> Option<Verdict> {
        if world.rollout.deleted_at.is_some() {
            return None;
        }
        let news = self.lock().remove(key);
        let has_news = news.is_some();
        notes.answer = news.or(notes.answer.take());
        let visible = visible(objects, world, now);
        let is_known = notes.visible.as_ref() == Some(&visible) && !has_news;
        if is_known && notes.answer.as_ref().is_none_or(|answer| answer.is_well) {
            return None;
        }
        if notes.visible.is_none() && !has_news && is_recorded(world) {
            notes.visible = Some(visible);
            return None;
        }
        let occasion = Occasion { generation: visible.generation, wanted: visible.wanted(&objects.rollout) };
        let answer = notes.answer.as_ref().filter(|answer| answer.occasion == occasion);
        if answer.is_none_or(|answer| !answer.is_well) {
            self.ask(key, &objects.rollout, &occasion, notes, now);
        }
        if is_known {
            return None;
        }
        let beyond = Arc::clone(&notes.answer.as_ref().filter(|answer| answer.occasion == occasion)?.beyond);
        notes.visible = Some(visible.clone());
        let others = caches.rollouts.by_index(&key::namespace(&key.namespace));
        Some(Verdict::of(&judge(&visible.inputs(&objects.rollout, &world.names, &others, beyond))))
    }

    fn ask(&self, key: &Key, rollout: &Arc<Rollout>, occasion: &Occasion, notes: &mut Notes, now: Timestamp) {
        let is_recent =
            |(before, at): &(Occasion, Timestamp)| before == occasion && now.duration_since(*at) < REST;
        if notes.asked.as_ref().is_some_and(is_recent) {
            return;
        }
        notes.asked = Some((occasion.clone(), now));
        let (client, permits, answers, wakes) =
            (self.client.clone(), Arc::clone(&self.permits), Arc::clone(&self.answers), self.wakes.clone());
        let (key, occasion, rollout) = (key.clone(), occasion.clone(), Arc::clone(rollout));
        tokio::spawn(async move {
            // Never closed.
            let Ok(_permit) = permits.acquire().await else { return };
            let (beyond, is_well) = read::beyond(&client, &occasion.wanted, "the operator").await;
            let beyond = Arc::new(beyond.concerning(&rollout));
            let answer = Answer { occasion, beyond, is_well };
            answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), answer);
            // Without a receiver the controller has ended.
            let _ = wakes.send(Wake::routine(key));
        });
    }

    // Nothing but moves of whole values happens under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The condition that is there was written for this generation.
fn is_recorded(world: &Snapshot) -> bool {
    let is_there =
        world.recorded.conditions.iter().any(|condition| condition.kind == ConditionType::Preflight);
    is_there && world.recorded.observed_generation == Some(world.rollout.generation)
}

fn visible(objects: &Objects, world: &Snapshot, now: Timestamp) -> Visible {
    let standing = || world.recall.refused.iter().filter(|(_, refusal)| refusal.stands(now));
    let of_template = template_subject(&world.template.id);
    let refusal = standing().find(|(subject, _)| **subject == of_template);
    let template = match refusal.map(|(_, refusal)| &*refusal.message) {
        Some(words) if missing_right(words).is_none() => TemplateAnswer::Refused(words.to_owned()),
        _ if world.current().is_some() => TemplateAnswer::Taken,
        _ => TemplateAnswer::Unseen("no ReplicaSet has been made of it yet".to_owned()),
    };
    let words = standing().map(|(_, refusal)| refusal.message.clone());
    let refusals = words.filter(|words| missing_right(words).is_some()).collect();
    Visible::of(objects, template, refusals)
}
