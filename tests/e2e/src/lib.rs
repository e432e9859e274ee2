//! What the tests on a real control plane stand on: one cluster for all of them, a namespace and an operator process
//! for each, the objects in short words, and the audit log as the oracle for who wrote what in which order.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "test code says what is wrong and stops"
)]

pub mod api;
pub mod audit;
pub mod chance;
pub mod gateway;
pub mod manifests;
pub mod operator;
pub mod reality;
pub mod replay;
pub mod routes;
pub mod space;

pub use api::Api;
pub use chance::Chance;
pub use gateway::FakeGateway;
pub use operator::Operator;
pub use space::Space;
