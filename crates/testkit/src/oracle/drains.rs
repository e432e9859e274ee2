//! Until when a revision could get traffic: what one world does not show.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::names::hash_of;
use super::view::View;

/// When each revision was last seen to be selected or listed.
#[derive(Clone, Debug, Default)]
pub struct Served(BTreeMap<String, Timestamp>);

impl Served {
    pub fn note(&mut self, world: &View<'_>) {
        let mut serving: Vec<&str> = Vec::new();
        for (service, _) in world.subject.services() {
            serving.extend(world.ready(service).into_keys());
        }
        for hash in world.sets.iter().filter_map(|set| hash_of(set)) {
            if serving.contains(&hash) || !world.selecting(hash).is_empty() {
                self.0.insert(hash.to_owned(), world.now);
            }
        }
    }

    pub fn last(&self, hash: &str) -> Option<Timestamp> {
        self.0.get(hash).copied()
    }
}
