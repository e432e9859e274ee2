//! What the kit promises, tried on real clusters. The first run builds the programs, which takes minutes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy takes helpers of tests for something else")]

mod access;
mod behaviour;
mod gateway;
mod lifecycle;
mod node;
mod world;
