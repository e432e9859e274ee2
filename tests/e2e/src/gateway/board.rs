//! What a test and the tasks of its gateway have in common.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serin_testkit::controllers::Gateway;
use serin_testkit::controllers::gateway::{DataPlane, Manner};

use super::requests::Requests;
use super::sight::Sight;

/// Shared by a test and the tasks.
pub struct Board(Mutex<State>);

/// What is shared.
pub struct State {
    manner: Manner,
    pub requests: Requests,
    /// Where requests go.
    pub data_plane: DataPlane,
    pub has_caught_up: bool,
    /// How many reports were made, written or not yet.
    pub reports: usize,
    /// The first thing that the API server refused.
    pub trouble: Option<String>,
}

impl Board {
    pub fn new(manner: Manner) -> Self {
        Self(Mutex::new(State {
            manner,
            requests: Requests::default(),
            data_plane: DataPlane::default(),
            has_caught_up: false,
            reports: 0,
            trouble: None,
        }))
    }

    /// Does something with what is shared.
    pub fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        // A test that has failed may still be looked at.
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn behave(&self, manner: Manner) {
        self.with(|state| state.manner = manner);
    }

    pub fn manner(&self) -> Manner {
        self.with(|state| state.manner)
    }

    /// Sends the requests that are due.
    pub fn send(&self, now: Timestamp, gateway: &Gateway, sight: &Sight) {
        self.with(|state| state.requests.send(now, gateway.data_plane(), sight.pods()));
    }

    /// Shows where requests go now.
    pub fn show(&self, gateway: &Gateway) {
        self.with(|state| {
            state.has_caught_up = gateway.has_caught_up();
            state.data_plane.clone_from(gateway.data_plane());
        });
    }
}
