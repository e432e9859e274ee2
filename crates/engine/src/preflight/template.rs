//! The pod template: what the server says of it, and what roles do to it.

use serin_api::validate::validate;

use super::finding::Finding;
use super::inputs::TemplateAnswer;
use super::kinds::{ROLE_LABEL_IN_TEMPLATE, ROLE_METADATA_FROZEN, TEMPLATE_REFUSED};
use super::report::Report;
use super::subject::{CANARY, Subject};

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    match &subject.inputs.template {
        TemplateAnswer::Taken => {}
        TemplateAnswer::Refused(words) => report.find(Finding::new(
            &TEMPLATE_REFUSED,
            &subject.name,
            "spec.template",
            format!("the API server refuses a ReplicaSet of it: {}", words.trim_end_matches('.')),
            "mend what it names",
        )),
        TemplateAnswer::Unseen(why) => report.unseen("the template by the API server", why),
    }
    role_labels(subject, report);
    for frozen in validate(&subject.inputs.rollout).map(|strategy| strategy.frozen).unwrap_or_default() {
        let (problem, fix) =
            frozen.problem.rsplit_once("; ").unwrap_or((&frozen.problem, "read it from a volume"));
        report.find(Finding::new(&ROLE_METADATA_FROZEN, &subject.name, frozen.path.clone(), problem, fix));
    }
}

fn role_labels(subject: &Subject<'_>, report: &mut Report) {
    let Some(strategy) = subject.strategy else { return };
    let roles = [
        ("activeMetadata", &strategy.active_metadata),
        ("stableMetadata", &strategy.stable_metadata),
        ("previewMetadata", &strategy.preview_metadata),
        ("canaryMetadata", &strategy.canary_metadata),
    ];
    for (field, metadata) in roles {
        for key in metadata.iter().flat_map(|metadata| metadata.labels.keys()) {
            let Some(value) = subject.labels.get(key) else { continue };
            report.find(Finding::new(
                &ROLE_LABEL_IN_TEMPLATE,
                &subject.name,
                format!("{CANARY}.{field}.labels[{key:?}]"),
                format!("takes the place of `{key}: {value}` in the template's labels"),
                "remove it from one of the two",
            ));
        }
    }
}
