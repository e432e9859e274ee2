//! The operator on a virtual clock, in a cluster in memory.
//!
//! [`Operator`] is a process of the operator without I/O: the same caches, the same engine, the same recovery, but it
//! sends its calls to a [`serin_world::World`], one at a time, so that anything can happen between any two of them.
//! `serin plan` runs it to show what a Rollout will do; the simulator runs it, with watches that lag and writes that
//! fail, to look for a story in which it does harm.

mod decorate;
mod operator;
mod request;
pub mod timeline;
mod view;
mod watches;

pub use decorate::{Decorate, Faithful};
pub use operator::{Called, InHand, Memory, Operator, Step, kind_of};
pub use timeline::{Timeline, timeline};
pub use view::View;
pub use watches::{WATCHED, Watches};
