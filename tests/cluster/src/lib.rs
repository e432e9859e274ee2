//! A real Kubernetes control plane with fake nodes, for tests, the demo and the benchmark.
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
mod go;
mod kit;
mod kubeconfig;
mod pki;
mod ports;
mod processes;
pub mod versions;

pub use cluster::{Cluster, Options};
pub use kit::Kit;
