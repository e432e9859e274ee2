//! The Services that the Rollout names.

use serde_json::Value;

use super::finding::{Finding, Name};
use super::inputs::Lookup;
use super::kinds::{
    SERVICE_EXTERNAL_NAME, SERVICE_LISTS_UNREADY, SERVICE_MISSING, SERVICE_SELECTOR_MISMATCH, SERVICE_TAKEN,
    SERVICE_WITHOUT_SELECTOR,
};
use super::objects::Service;
use super::report::Report;
use super::subject::{CANARY, Subject};

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    for (field, name) in subject.services() {
        let object = subject.beside("Service", name);
        taken(subject, field, name, report);
        match subject.inputs.services.get(&object) {
            Lookup::Found(service) => one(subject, &object, service, report),
            Lookup::Unseen(why) => report.unseen(object.to_string(), why),
            Lookup::Missing => report.find(Finding::new(
                &SERVICE_MISSING,
                &subject.name,
                format!("{CANARY}.{field}"),
                format!("{object} does not exist"),
                "create it, or name another one",
            )),
        }
    }
}

/// Two Rollouts may not write one Service: the older one keeps it.
fn taken(subject: &Subject<'_>, field: &str, name: &str, report: &mut Report) {
    for (other, workload) in subject.inputs.others.iter().filter(|(_, workload)| workload.is_older) {
        if workload.services.iter().any(|theirs| theirs == name) {
            report.find(Finding::new(
                &SERVICE_TAKEN,
                &subject.name,
                format!("{CANARY}.{field}"),
                format!("Service {name:?} is used by the older {other}"),
                "name a Service that no other Rollout names",
            ));
        }
    }
}

fn one(subject: &Subject<'_>, object: &Name, service: &Service, report: &mut Report) {
    if service.shape.external_name {
        report.find(Finding::new(
            &SERVICE_EXTERNAL_NAME,
            object,
            "spec.type",
            "is ExternalName, so that no pod can stand behind it",
            "make it ClusterIP, with the template's labels as its selector",
        ));
        return;
    }
    if service.selector.is_empty() {
        report.find(Finding::new(
            &SERVICE_WITHOUT_SELECTOR,
            object,
            "spec.selector",
            "is empty, so that nobody knows which pods it is for",
            format!("set it to the template's labels, as in {}", example(subject)),
        ));
    }
    if template_is_readable(&subject.template) {
        for (key, value) in &service.selector {
            let theirs = subject.labels.get(key);
            if theirs != Some(value) {
                let has = theirs.map_or("no such label".to_owned(), |theirs| format!("`{key}: {theirs}`"));
                report.find(Finding::new(
                    &SERVICE_SELECTOR_MISMATCH,
                    object,
                    format!("spec.selector[{key:?}]"),
                    format!("asks for `{key}: {value}`, but the template has {has}"),
                    "change one of the two so that they agree",
                ));
            }
        }
    }
    if service.shape.lists_unready {
        report.find(Finding::new(
            &SERVICE_LISTS_UNREADY,
            object,
            "spec.publishNotReadyAddresses",
            "is true, so that requests are sent to pods that are not ready",
            "remove it",
        ));
    }
}

fn template_is_readable(template: &Value) -> bool {
    template["spec"].is_object()
}

/// A label that the Rollout's own selector asks for, to copy.
fn example(subject: &Subject<'_>) -> String {
    let selector = &subject.inputs.rollout.spec.selector;
    let first = selector.match_labels.iter().flatten().next().or_else(|| subject.labels.iter().next());
    first.map_or_else(|| "`app: NAME`".to_owned(), |(key, value)| format!("`{key}: {value}`"))
}
