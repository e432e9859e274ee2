//! PodDisruptionBudgets of the pods: an eviction that is never allowed is waited for without end.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::finding::{Finding, Name};
use super::kinds::{BUDGET_NEVER_ALLOWS, BUDGETS_OVERLAP};
use super::objects::Budget;
use super::report::Report;
use super::subject::Subject;
use crate::objects::Map;
use crate::observe::matches;

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    let budgets = &subject.inputs.beyond.budgets;
    if let Some(why) = &budgets.unseen {
        report.unseen(format!("PodDisruptionBudgets of namespace {}", subject.name.namespace), why);
    }
    let of_pods: Vec<(&Name, &Budget)> = budgets
        .found
        .iter()
        .filter(|(name, _)| name.namespace == subject.name.namespace)
        .filter(|(_, budget)| covers(budget, &subject.labels))
        .collect();
    for (name, budget) in &of_pods {
        if let Some((field, problem)) = never(budget, subject.replicas) {
            report.find(Finding::new(
                &BUDGET_NEVER_ALLOWS,
                name,
                field,
                format!("{problem}, so that no pod may ever be evicted and a restart waits"),
                "allow one, as in `maxUnavailable: 1`",
            ));
        }
    }
    if let [(first, _), others @ ..] = &*of_pods
        && !others.is_empty()
    {
        let names: Vec<&str> = others.iter().map(|(name, _)| &*name.name).collect();
        report.find(Finding::new(
            &BUDGETS_OVERLAP,
            first,
            "spec.selector",
            format!(
                "selects the same pods as {}, and Kubernetes evicts no pod that has several budgets",
                names.join(", ")
            ),
            "keep one of them",
        ));
    }
}

/// Whether the budget is for pods with these labels.
pub fn covers(budget: &Budget, labels: &Map) -> bool {
    budget.selector.as_ref().is_some_and(|selector| selects(selector, labels))
}

/// An empty selector of a budget selects everything.
fn selects(selector: &LabelSelector, labels: &Map) -> bool {
    let is_empty = selector.match_labels.as_ref().is_none_or(|labels| labels.is_empty())
        && selector.match_expressions.as_ref().is_none_or(|expressions| expressions.is_empty());
    is_empty || matches(selector, labels)
}

/// Why a budget lets no pod go although all are ready.
fn never(budget: &Budget, replicas: i32) -> Option<(&'static str, String)> {
    if replicas == 0 {
        return None;
    }
    if let Some(most) = budget.max_unavailable {
        let allowed = most.of_all(replicas);
        return (allowed == 0).then(|| ("spec.maxUnavailable", "is 0".to_owned()));
    }
    let least = budget.min_available?.of_all(replicas);
    let problem = || format!("asks for {least} of {replicas} pods");
    (least >= i64::from(replicas)).then(|| ("spec.minAvailable", problem()))
}
