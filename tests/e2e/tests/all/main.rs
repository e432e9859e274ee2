//! Serin on a real control plane: what only that can show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod abort;
mod admission;
mod crash;
mod deletion;
mod deploy;
mod drift;
mod explain;
mod gateway;
mod invalid;
mod lag;
mod leader;
mod plans;
mod preflight;
mod reality;
mod release;
mod restart;
mod resume;
mod routes;
mod scenario_canary_aware;
mod scenario_pinned_clients;
mod several_routes;
mod steps;
