//! Looks for a story in which the operator does harm.
//!
//! A story is a setting and a list of things that happen: the operator takes a few steps, a watch tells something late,
//! a call is lost, a person aborts, a pod dies. The operator is the real engine with the shell's real caches
//! (`crates/sim`), the cluster is `crates/world`, and the judge is the oracle of `crates/testkit`, which shares no code
//! with the planner. Every story ends by taking all trouble away, and then has to end like one without any.

#![allow(clippy::missing_errors_doc, reason = "every error here is what a story has shown")]

mod blind;
pub mod coverage;
pub mod defects;
pub mod ending;
pub mod exhaustive;
pub mod gateway;
pub mod judge;
pub mod play;
pub mod random;
pub mod requests;
pub mod run;
pub mod setting;
pub mod shrink;
pub mod stage;
pub mod story;
pub mod turn;
mod twin;
mod verified;

pub use run::{Outcome, play, play_with};
pub use shrink::shrink;
pub use story::Story;
