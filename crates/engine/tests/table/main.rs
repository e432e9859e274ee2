//! Table rows: a world in; the exact actions, status, Events and wake-up out. One action too many fails a row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod world;

mod aborts;
mod deletes;
mod deploys;
mod drifts;
mod promotes;
mod refuses;
mod resumes;
mod roles;
mod scales;
mod steps;
