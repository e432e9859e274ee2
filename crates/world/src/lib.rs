//! A cluster in memory: a Kubernetes API server and the controllers that act on it, without threads, clock or
//! randomness. Deterministic: the same requests see the same names, versions and times in every run.
//!
//! Written against the contract of the real components, and without a word of how Serin plans: `serin plan` runs the
//! real planner on it, and the simulator looks for worlds in which that planner is wrong.
//!
//! ```
//! use serde_json::json;
//! use serin_world::{Controllers, Fault, Kind, Matcher, Request, World};
//!
//! let mut world = World::new();
//! world.create(json!({
//!     "apiVersion": "v1", "kind": "Service", "metadata": { "name": "stable" },
//!     "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] },
//! }));
//! Controllers::default().settle(&mut world);
//! assert_eq!(world.all(Kind::EndpointSlice).len(), 1);
//!
//! // What an operator sends, and a failure on its way.
//! let path = "/api/v1/namespaces/default/services/stable";
//! let patch = Request::merge_patch(path, json!({ "spec": { "selector": { "app": "other" } } })).by("serin");
//! world.fail_next(Matcher::writes().by("serin"), Fault::LoseAnswer);
//! assert!(world.request(patch).is_err());
//! assert_eq!(world.get(Kind::Service, "stable")["spec"]["selector"]["app"], "other");
//! assert_eq!(world.writes_by("serin")[0].to_string(), "patch services/stable 0");
//! ```

#![allow(clippy::panic, reason = "shortcuts for tests say what is wrong and stop")]

pub mod controllers;
pub mod world;

pub use controllers::Controllers;
pub use world::{Fault, Kind, Matcher, Request, World};
