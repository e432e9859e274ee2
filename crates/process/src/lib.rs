//! What one process of the operator knows, and how it goes on after an answer or a failure.
//!
//! This is the half of the shell that needs no I/O: caches that hold the watches' view and the answers to the process's
//! own writes, how such an answer is taken in, and what a failed write means for the next round. The operator and the
//! simulator run the same code here, so that a stale cache or a lost answer is met in stories before it is met in a
//! cluster.

pub mod answer;
pub mod cache;
pub mod caches;
pub mod error;
pub mod fingerprint;
pub mod queue;
pub mod recovery;
pub mod rest;
pub mod rounds;

pub use caches::Caches;
