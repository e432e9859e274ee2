//! Collects moments: one for each time, and one for each move of traffic where a time has several.

use jiff::Timestamp;

use super::clock::seconds;
use super::{Moment, View, Wait, What, Write};

/// The moments of an act so far.
#[derive(Debug)]
pub struct Moments {
    began: Timestamp,
    past: Vec<Moment>,
    /// Writes since the last moment was closed.
    writes: Vec<Write>,
    /// What is so now.
    view: View,
    waits: Vec<Wait>,
    /// What was waited for when the last moment was closed.
    told: Vec<Wait>,
}

impl Moments {
    /// None yet, of an act that begins now.
    pub fn new(began: Timestamp) -> Self {
        Self {
            began,
            past: Vec::new(),
            writes: Vec::new(),
            view: View::default(),
            waits: Vec::new(),
            told: Vec::new(),
        }
    }

    /// When the act began.
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// Takes in a write, and then what is so after it. Two moves of traffic are two moments.
    pub fn note(&mut self, write: Write, now: Timestamp) {
        let moves = |write: &Write| matches!(write.what, What::Weights | What::Selector);
        if moves(&write) && self.writes.iter().any(moves) {
            self.close(now);
        }
        self.writes.push(write);
    }

    /// Takes in what is so.
    pub fn see(&mut self, view: View, waits: Vec<Wait>) {
        self.view = view;
        self.waits = waits;
    }

    /// Ends a moment. One in which nothing was written and nothing is new is none.
    pub fn close(&mut self, now: Timestamp) {
        let waits: Vec<Wait> = self.waits.iter().filter(|wait| !self.told.contains(wait)).cloned().collect();
        let is_new = self.past.last().is_none_or(|last| last.view != self.view) || !waits.is_empty();
        self.told.clone_from(&self.waits);
        if self.writes.is_empty() && !is_new {
            return;
        }
        self.past.push(Moment {
            seconds: seconds(self.began, now),
            writes: std::mem::take(&mut self.writes),
            waits,
            view: self.view.clone(),
        });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.past.len()
    }

    /// All of them.
    pub fn into_moments(self) -> Vec<Moment> {
        self.past
    }
}
