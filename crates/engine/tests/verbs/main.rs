//! Walks the table of verbs and states: brings a world into a state, sends a verb by the command that the table has for
//! it, lets operator and cluster come to rest, and looks whether the cell has told the truth. After every write the oracle
//! judges the world.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../common/agreement.rs"]
mod agreement;
#[path = "../common/operator.rs"]
mod operator;

mod cells;
mod life;
mod pairs;
mod send;
mod states;
