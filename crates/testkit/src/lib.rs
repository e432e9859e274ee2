//! What Serin's own tests run against: a Kubernetes API server in memory, the controllers that act on it, and builders
//! for the objects in it. Deterministic: the same test sees the same names, versions and times in every run.
//!
//! ```
//! use serde_json::json;
//! use serin_testkit::{Controllers, Fault, Kind, Matcher, Request, World, http_route, rollout, service};
//!
//! let mut world = World::new();
//! world.create(rollout("a").replicas(2).set_weight(10).pause().manifest());
//! world.create(service("stable").manifest());
//! world.create(service("canary").manifest());
//! world.create(http_route("route").rule(&[("stable", None), ("canary", Some(0))]).manifest());
//! Controllers::default().settle(&mut world);
//!
//! // What an operator sends, and a failure on its way.
//! let path = "/apis/serin.dev/v1alpha1/namespaces/default/rollouts/a/status";
//! let patch = Request::merge_patch(path, json!({ "status": { "phase": "Healthy" } })).by("serin");
//! world.fail_next(Matcher::writes().by("serin"), Fault::LoseAnswer);
//! assert!(world.request(patch).is_err());
//! assert_eq!(world.get(Kind::Rollout, "a")["status"]["phase"], "Healthy");
//! assert_eq!(world.writes_by("serin")[0].to_string(), "patch rollouts/a/status 0");
//! ```
//!
//! With the feature `fake-api`, `FakeApi::new(world).client("serin")` is a kube client of the world.

#![allow(clippy::panic, reason = "test code says what is wrong and stops")]

pub mod builders;
#[cfg(feature = "fake-api")]
pub mod fake_api;
pub mod oracle;

pub use builders::{http_route, pod_template, rollout, service};
#[cfg(feature = "fake-api")]
pub use fake_api::FakeApi;
pub use oracle::Oracle;
pub use serin_world::{Controllers, Fault, Kind, Matcher, Request, World, controllers, world};
