//! Serin on a real node: real pods, real requests through a real gateway, a real queue.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod canary_aware;
mod chart;
mod operator;
mod pinned_clients;
