//! A real Kubernetes control plane with fake nodes, or a real one, for tests, the demo and the benchmark.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use serin_cluster::{Cluster, Options};
//!
//! let cluster = Cluster::start(Options::default())?;
//! println!("{}", cluster.kubectl(&["get", "nodes"])?);
//! # Ok(())
//! # }
//! ```
//!
//! The programs are built from Go modules on first use and cached; see the README beside this package.

mod cluster;
mod components;
mod credentials;
mod folder;
pub mod gateway;
mod go;
mod inside;
mod kit;
mod kubeconfig;
mod kwok;
pub mod node;
mod pki;
mod ports;
mod processes;
mod reaper;
mod tools;
pub mod versions;

pub use cluster::{Cluster, Options};
pub use inside::Inside;
pub use kit::Kit;
