//! HorizontalPodAutoscalers: whether one scales the Rollout, and only one.

use serin_api::rollout::KIND;

use super::finding::{Finding, Name};
use super::kinds::{AUTOSCALER_TARGETS_DEPLOYMENT, AUTOSCALER_TARGETS_WRONG_KIND, AUTOSCALERS_COMPETE};
use super::objects::Autoscaler;
use super::report::Report;
use super::subject::Subject;

const TARGET: &str = "spec.scaleTargetRef";

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    let autoscalers = &subject.inputs.beyond.autoscalers;
    if let Some(why) = &autoscalers.unseen {
        report.unseen(format!("HorizontalPodAutoscalers of namespace {}", subject.name.namespace), why);
    }
    let mut ours: Vec<&Name> = Vec::new();
    for (name, autoscaler) in &autoscalers.found {
        if name.namespace != subject.name.namespace || autoscaler.name != subject.name.name {
            continue;
        }
        match meant(autoscaler, &subject.inputs.api_version) {
            Meant::Rollout => ours.push(name),
            Meant::Deployment => report.find(Finding::new(
                &AUTOSCALER_TARGETS_DEPLOYMENT,
                name,
                TARGET,
                format!("is the Deployment {:?}, not the Rollout of that name", autoscaler.name),
                format!("set apiVersion to {} and kind to {KIND}", subject.inputs.api_version),
            )),
            Meant::WrongKind => report.find(Finding::new(
                &AUTOSCALER_TARGETS_WRONG_KIND,
                name,
                TARGET,
                format!(
                    "names kind {:?} of {:?}, which is not this Rollout",
                    autoscaler.kind, autoscaler.api_version
                ),
                format!("set apiVersion to {} and kind to {KIND}", subject.inputs.api_version),
            )),
            Meant::Another => {}
        }
    }
    if let [first, others @ ..] = &*ours
        && !others.is_empty()
    {
        let names: Vec<&str> = others.iter().map(|name| &*name.name).collect();
        report.find(Finding::new(
            &AUTOSCALERS_COMPETE,
            first,
            TARGET,
            format!("is the Rollout {:?}, which {} scales, too", subject.name.name, names.join(", ")),
            "keep one of them, with all metrics",
        ));
    }
}

enum Meant {
    Rollout,
    Deployment,
    WrongKind,
    Another,
}

fn meant(autoscaler: &Autoscaler, api_version: &str) -> Meant {
    match &*autoscaler.kind {
        KIND if autoscaler.api_version == api_version => Meant::Rollout,
        "Deployment" => Meant::Deployment,
        kind if ["rollout", "rollouts"].iter().any(|name| kind.eq_ignore_ascii_case(name)) => {
            Meant::WrongKind
        }
        _ => Meant::Another,
    }
}
