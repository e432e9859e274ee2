//! The Rollout API: what users write, what Serin reports, and what is true of one object alone.
//!
//! No client lives here: the crate compiles without a runtime, so that the engine, the operator, the
//! generators and the tests share one definition of every field, name and rule.

pub mod conditions;
pub mod crd;
pub mod duration;
pub mod lenient;
pub mod metadata;
pub mod names;
pub mod rollout;
pub mod route;
pub mod spec;
pub mod status;
pub mod template;
pub mod unserved;
pub mod validate;

pub use crd::crd;
pub use lenient::Lenient;
pub use names::Names;
pub use rollout::{Rollout, RolloutApi};
