//! Each check on a pair of worlds that breaks it, and on one that does not.

mod deletion;
mod gates;
mod ours;
mod pods;
mod restarts;
mod roles;
mod status;
mod town;
mod traffic;
