//! The uids of objects that are known to be gone, so that late news about them is recognised as late.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

/// How long the answer to a write may come in after the watch has shown that the object is gone. Longer than any
/// request is allowed to take.
const LATE_ANSWERS: Duration = Duration::from_secs(120);

/// The uids of objects that are known to be gone.
#[derive(Clone, Default)]
pub struct Tombstones {
    gone: HashMap<String, Tombstone>,
    expiring: VecDeque<(Instant, String)>,
}

#[derive(Clone, Copy)]
struct Tombstone {
    /// Which list was the latest to have begun when this was placed.
    list: u64,
    /// Whether the watch has shown it too. If not, older events of the object may still be under way.
    confirmed: bool,
}

impl Tombstones {
    /// Whether the object is known to be gone.
    pub fn hold(&self, uid: Option<&str>) -> bool {
        uid.is_some_and(|uid| self.gone.contains_key(uid))
    }

    /// Whether the object became known to be gone after the list numbered `list` had begun.
    pub fn hold_since(&self, uid: Option<&str>, list: u64) -> bool {
        uid.and_then(|uid| self.gone.get(uid)).is_some_and(|tombstone| tombstone.list >= list)
    }

    /// The API server told us, and the watch has not yet. Kept until it does.
    pub fn place(&mut self, uid: &str, list: u64) {
        self.gone.entry(uid.to_owned()).or_insert(Tombstone { list, confirmed: false });
    }

    /// The watch has told us. Kept for as long as the answer to an earlier write may still come in.
    pub fn confirm(&mut self, uid: Option<&str>, list: u64, now: Instant) {
        self.expire(now);
        let Some(uid) = uid else { return };
        let tombstone = self.gone.entry(uid.to_owned()).or_insert(Tombstone { list, confirmed: false });
        if !std::mem::replace(&mut tombstone.confirmed, true) {
            self.expiring.push_back((now + LATE_ANSWERS, uid.to_owned()));
        }
    }

    /// A list is complete. It had begun after every tombstone with a lower number was placed, so about those it has
    /// the last word: what it shows lives, however it came back, and what it lacks is gone for good.
    pub fn settle(&mut self, list: u64, listed: &HashSet<&str>, now: Instant) {
        self.gone.retain(|uid, tombstone| tombstone.list >= list || !listed.contains(uid.as_str()));
        let settled: Vec<String> = self
            .gone
            .iter()
            .filter(|(_, tombstone)| tombstone.list < list && !tombstone.confirmed)
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in settled {
            self.confirm(Some(&uid), list, now);
        }
    }

    fn expire(&mut self, now: Instant) {
        while self.expiring.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, uid)) = self.expiring.pop_front() {
                self.gone.remove(&uid);
            }
        }
    }
}
