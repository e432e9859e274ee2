//! Backends in other namespaces, and whether they may be referred to.

use super::finding::{Finding, Name};
use super::kinds::BACKEND_WITHOUT_GRANT;
use super::objects::{GATEWAY_GROUP, Grant};
use super::report::Report;
use super::subject::Subject;

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    for (named, place, rule) in subject.managed_rules() {
        let own = &*named.name.namespace;
        for (index, backend) in rule.backends.iter().enumerate().filter(|(_, backend)| backend.is_service()) {
            let Some(namespace) = backend.namespace.as_deref().filter(|namespace| *namespace != own) else {
                continue;
            };
            let grants = &subject.inputs.beyond.grants;
            let mut there = grants.found.iter().filter(|(grant, _)| grant.namespace == namespace);
            if there.any(|(_, grant)| allows(grant, &named.name, &backend.name)) {
                continue;
            }
            if let Some(why) = &grants.unseen {
                report.unseen(format!("ReferenceGrants of namespace {namespace}"), why);
                continue;
            }
            report.find(Finding::new(
                &BACKEND_WITHOUT_GRANT,
                &named.name,
                format!("spec.rules[{place}].backendRefs[{index}].namespace"),
                format!("Service {namespace}/{} may not be referred to from namespace {own}", backend.name),
                format!(
                    "create a ReferenceGrant in namespace {namespace}, from {} in {own} to Service",
                    named.name.kind
                ),
            ));
        }
    }
}

fn allows(grant: &Grant, route: &Name, service: &str) -> bool {
    let from = grant.from.iter().any(|from| {
        from.group == GATEWAY_GROUP && from.kind == route.kind && from.namespace == route.namespace
    });
    let to = grant.to.iter().any(|to| {
        to.group.is_empty() && to.kind == "Service" && to.name.as_deref().is_none_or(|name| name == service)
    });
    from && to
}
