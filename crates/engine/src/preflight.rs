//! Preflight: what in the objects around a Rollout will not work, or may not do what it means, before traffic shows it.
//!
//! A report and nothing else: no action of a plan depends on it. What could not be read is said to be unseen; it counts
//! neither as wrong nor as good.

pub mod finding;
pub mod inputs;
pub mod kinds;
pub mod limits;
pub mod objects;
pub mod rights;
pub mod verdict;

mod autoscalers;
mod budgets;
mod classes;
mod concern;
mod grants;
mod manifests;
mod observed;
mod parents;
mod ports;
mod report;
mod routes;
mod services;
mod spec;
mod subject;
mod template;
mod workloads;

pub use classes::features;
pub use finding::{Finding, Name, Severity};
pub use inputs::{Beyond, Inputs, Known, TemplateAnswer, Wanted};
pub use kinds::{KINDS, Kind};
pub use observed::Visible;
pub use report::{Report, Unseen};
pub use verdict::Verdict;

use subject::Subject;

/// Judges everything that the inputs show, the errors first.
pub fn judge(inputs: &Inputs) -> Report {
    let subject = Subject::of(inputs);
    let mut report = Report::default();
    for judge in [
        spec::judge,
        services::judge,
        routes::judge,
        ports::judge,
        grants::judge,
        parents::judge,
        template::judge,
        workloads::judge,
        budgets::judge,
        autoscalers::judge,
        rights::judge,
    ] {
        judge(&subject, &mut report);
    }
    report.in_order()
}
