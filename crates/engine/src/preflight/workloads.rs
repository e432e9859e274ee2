//! Other owners of pods whose selectors meet those of the Rollout.

use super::finding::{Finding, Name};
use super::kinds::{PODS_SELECTED_BY_OTHERS, SERVICE_SELECTS_OTHERS};
use super::objects::Workload;
use super::report::Report;
use super::subject::Subject;
use crate::observe::matches;

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    let deployments = &subject.inputs.beyond.deployments;
    if let Some(why) = &deployments.unseen {
        report.unseen(format!("Deployments of namespace {}", subject.name.namespace), why);
    }
    let rollouts = subject.inputs.others.iter().map(|(name, workload)| (name, workload));
    for (name, workload) in rollouts.chain(&deployments.found) {
        if name.namespace != subject.name.namespace {
            continue;
        }
        pods(subject, name, workload, report);
        services(subject, name, workload, report);
    }
}

fn pods(subject: &Subject<'_>, name: &Name, workload: &Workload, report: &mut Report) {
    let own = &subject.inputs.rollout.spec.selector;
    let (theirs_take_ours, ours_take_theirs) =
        (matches(&workload.selector, &subject.labels), matches(own, &workload.labels));
    let problem = match (theirs_take_ours, ours_take_theirs) {
        (true, _) => format!("{name} selects the pods of this Rollout, too"),
        (false, true) => format!("selects the pods of {name}, too"),
        (false, false) => return,
    };
    report.find(Finding::new(
        &PODS_SELECTED_BY_OTHERS,
        &subject.name,
        "spec.selector",
        problem,
        "give each a label of its own in selector and template",
    ));
}

fn services(subject: &Subject<'_>, name: &Name, workload: &Workload, report: &mut Report) {
    for (_, service) in subject.services() {
        let Some(found) = subject.service(service) else { continue };
        let selects = |(key, value): (&String, &String)| workload.labels.get(key) == Some(value);
        if found.narrowed || found.selector.is_empty() || !found.selector.iter().all(selects) {
            continue;
        }
        report.find(Finding::new(
            &SERVICE_SELECTS_OTHERS,
            &subject.beside("Service", service),
            "spec.selector",
            format!("selects the pods of {name}, too"),
            "add a label that only the pods of this Rollout carry, unless the other is being replaced",
        ));
    }
}
