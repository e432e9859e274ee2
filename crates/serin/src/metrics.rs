//! What is measured, for `/metrics`. Labels are bounded: by the Rollouts that exist, and by fixed sets.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use serin_api::route::RouteKind;
use serin_api::status::{Phase, RolloutStatus};

use serin_process::error::Category;

const PHASES: [Phase; 4] = [Phase::Healthy, Phase::Progressing, Phase::Paused, Phase::Degraded];

/// Seconds of a reconcile, from a look at the caches to a row of writes.
const RECONCILE_SECONDS: [f64; 9] = [0.0005, 0.002, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RolloutLabels {
    namespace: String,
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PhaseLabels {
    namespace: String,
    name: String,
    phase: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriftLabels {
    namespace: String,
    name: String,
    kind: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriteLabels {
    verb: &'static str,
    resource: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CategoryLabels {
    category: &'static str,
}

/// Every metric of the operator. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    phase: Family<PhaseLabels, Gauge>,
    step: Family<RolloutLabels, Gauge>,
    weight_desired: Family<RolloutLabels, Gauge>,
    weight_written: Family<RolloutLabels, Gauge>,
    reconcile_seconds: Histogram,
    reconcile_errors: Family<CategoryLabels, Counter>,
    drift: Family<DriftLabels, Counter>,
    writes: Family<WriteLabels, Counter>,
    leader: Gauge<i64, std::sync::atomic::AtomicI64>,
}

impl Metrics {
    /// All metrics at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("serin");
        let (phase, step) = (Family::default(), Family::default());
        let (weight_desired, weight_written) = (Family::default(), Family::default());
        let (drift, writes) = (Family::<DriftLabels, Counter<u64, AtomicU64>>::default(), Family::default());
        let reconcile_seconds = Histogram::new(RECONCILE_SECONDS);
        let (reconcile_errors, leader) = (Family::default(), Gauge::default());
        registry.register("rollout_phase", "1 for the phase that the Rollout is in, else 0", phase.clone());
        registry.register("rollout_step", "The step that is carried out, counted from 0", step.clone());
        let help = "The canary's share that the steps ask for, in percent";
        registry.register("rollout_weight_desired", help, weight_desired.clone());
        let help = "The canary's share that the route carries, in percent";
        registry.register("rollout_weight_written", help, weight_written.clone());
        registry.register("reconcile_seconds", "Duration of reconciles", reconcile_seconds.clone());
        let help = "Reconciles that failed and were tried again, by the kind of failure";
        registry.register("reconcile_errors", help, reconcile_errors.clone());
        let help = "Changes by other writers that were put back";
        registry.register("drift_corrections", help, drift.clone());
        registry.register(
            "api_writes",
            "Writes to the API server, without Events and the Lease",
            writes.clone(),
        );
        registry.register("leader", "1 while this process leads", leader.clone());
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of this process", version);
        Self(Arc::new(Inner {
            registry,
            phase,
            step,
            weight_desired,
            weight_written,
            reconcile_seconds,
            reconcile_errors,
            drift,
            writes,
            leader,
        }))
    }

    /// Records where a Rollout stands.
    pub fn record_rollout(&self, namespace: &str, name: &str, status: &RolloutStatus) {
        let labels = RolloutLabels { namespace: namespace.to_owned(), name: name.to_owned() };
        for phase in PHASES {
            let is = i64::from(status.phase == Some(phase));
            self.0.phase.get_or_create(&phase_labels(namespace, name, phase)).set(is);
        }
        self.0.step.get_or_create(&labels).set(status.current_step_index.unwrap_or(0).into());
        match status.canary.as_ref().and_then(|canary| canary.weights.as_ref()) {
            Some(weights) => {
                self.0.weight_desired.get_or_create(&labels).set(weights.desired.into());
                self.0.weight_written.get_or_create(&labels).set(weights.canary.weight.into());
            }
            None => {
                self.0.weight_desired.remove(&labels);
                self.0.weight_written.remove(&labels);
            }
        }
    }

    /// Drops the series of a Rollout that is gone.
    pub fn forget_rollout(&self, namespace: &str, name: &str) {
        let labels = RolloutLabels { namespace: namespace.to_owned(), name: name.to_owned() };
        for phase in PHASES {
            self.0.phase.remove(&phase_labels(namespace, name, phase));
        }
        self.0.step.remove(&labels);
        self.0.weight_desired.remove(&labels);
        self.0.weight_written.remove(&labels);
        for kind in RouteKind::ALL.map(RouteKind::kind).into_iter().chain(["Service"]) {
            self.0.drift.remove(&drift_labels(namespace, name, kind));
        }
    }

    /// Notes how long a reconcile took.
    pub fn observe_reconcile(&self, duration: Duration) {
        self.0.reconcile_seconds.observe(duration.as_secs_f64());
    }

    /// Counts a failed reconcile.
    pub fn count_error(&self, category: Category) {
        self.0.reconcile_errors.get_or_create(&CategoryLabels { category: category.label() }).inc();
    }

    /// Counts a change by another writer that was put back. `subject` is `Kind/name`.
    pub fn count_drift(&self, namespace: &str, name: &str, subject: &str) {
        let kind = subject.split('/').next().unwrap_or_default();
        self.0.drift.get_or_create(&drift_labels(namespace, name, kind)).inc();
    }

    /// Counts a write to the API server.
    pub fn count_write(&self, verb: &'static str, resource: &'static str) {
        self.0.writes.get_or_create(&WriteLabels { verb, resource }).inc();
    }

    /// Says whether this process leads.
    pub fn set_leader(&self, leads: bool) {
        self.0.leader.set(leads.into());
    }

    /// The text that is served, in the OpenMetrics format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

fn phase_labels(namespace: &str, name: &str, phase: Phase) -> PhaseLabels {
    PhaseLabels { namespace: namespace.to_owned(), name: name.to_owned(), phase: format!("{phase:?}") }
}

fn drift_labels(namespace: &str, name: &str, kind: &str) -> DriftLabels {
    DriftLabels { namespace: namespace.to_owned(), name: name.to_owned(), kind: kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_rollout_end_with_it() {
        let metrics = Metrics::new();
        let status = RolloutStatus {
            phase: Some(Phase::Paused),
            current_step_index: Some(1),
            ..RolloutStatus::default()
        };
        metrics.record_rollout("shop", "web", &status);
        metrics.count_drift("shop", "web", "HTTPRoute/front");
        let text = metrics.text();
        assert!(
            text.contains(r#"serin_rollout_phase{namespace="shop",name="web",phase="Paused"} 1"#),
            "{text}"
        );
        assert!(text.contains(r#"serin_rollout_step{namespace="shop",name="web"} 1"#), "{text}");
        metrics.forget_rollout("shop", "web");
        assert!(!metrics.text().contains("shop"), "{}", metrics.text());
    }

    #[test]
    fn counters_carry_the_suffix_that_the_format_asks_for() {
        let metrics = Metrics::new();
        metrics.count_write("patch", "httproutes");
        metrics.count_error(Category::Conflict);
        let text = metrics.text();
        assert!(text.contains(r#"serin_api_writes_total{verb="patch",resource="httproutes"} 1"#), "{text}");
        assert!(text.contains(r#"serin_reconcile_errors_total{category="conflict"} 1"#), "{text}");
    }
}
