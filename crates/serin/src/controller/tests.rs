//! The shell around the engine against a whole cluster in memory, in paused time: every test says which calls it makes.

mod deletions;
mod deploys;
mod failures;
mod lag;
mod refusals;
pub mod stage;
mod watches;
mod writers;
