//! Table rows: a world in; the exact actions, status, Events and wake-up out. One action too many fails a row.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../common/agreement.rs"]
mod agreement;
#[path = "../common/bundled.rs"]
mod bundled;
#[path = "../common/operator.rs"]
mod operator;
mod world;

mod aborts;
mod acknowledgements;
mod bundles;
mod calls;
mod deletes;
mod deploys;
mod drifts;
mod events;
mod memory;
mod observed;
mod preflight;
mod progress;
mod promotes;
mod references;
mod refuses;
mod restarts;
mod restores;
mod resumes;
mod roles;
mod rules;
mod scales;
mod several_routes;
mod statuses;
mod steps;
mod troubleshooting;
mod verified;
