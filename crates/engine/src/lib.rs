//! Decides what a Rollout needs next.
//!
//! `observe` turns objects into a [`Snapshot`]; `plan` turns a snapshot and the time into a [`Plan`]: the actions that
//! are safe now, the status to record, the Events to send, and when to look again. Nothing here knows a client, a clock
//! or a runtime, so every decision can be tested as a table row. The shell applies the plan, folds the responses into
//! the objects, and asks again until the plan is empty.

pub mod abort;
pub mod acknowledgement;
pub mod action;
pub mod api_call;
pub mod bundle;
pub mod capacity;
pub mod course;
pub mod deletion;
pub mod draft;
pub mod drift;
pub mod events;
pub mod gates;
pub mod handover;
pub mod hash;
pub mod haste;
pub mod history;
pub mod objects;
pub mod observe;
pub mod plan;
pub mod preflight;
pub mod promote;
pub mod recall;
pub mod references;
pub mod restart;
pub mod resume;
pub mod revision;
pub mod roles;
pub mod routes;
pub mod snapshot;
pub mod status;
pub mod traffic;
pub mod verbs;
pub mod verification;
pub mod waits;

pub use action::Action;
pub use api_call::ApiCall;
pub use bundle::Bundle;
pub use observe::{Objects, observe};
pub use plan::{Plan, plan};
pub use recall::Recall;
pub use snapshot::Snapshot;
