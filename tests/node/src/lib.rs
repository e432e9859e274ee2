//! What the tests on a real node stand on: the operator as the chart installs it, requests through a real gateway, and a
//! worker with a real queue.
//!
//! They run inside `cluster run --node --gateway`, one after the other, all in the namespace `default`, where the Gateway
//! is: see the target `e2e-node` of the Makefile.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test code says what is wrong and stops"
)]

pub mod load;
pub mod queue;
pub mod rollout;
pub mod site;
pub mod traffic;

pub use load::{Load, Seen, ask};
pub use queue::Queue;
pub use rollout::Rollout;
pub use site::Site;
pub use traffic::Traffic;
