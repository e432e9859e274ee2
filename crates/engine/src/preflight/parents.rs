//! What carries the routes: Gateways, their listeners, and what is reported.

use super::classes;
use super::finding::{Finding, Name};
use super::inputs::Lookup;
use super::kinds::{
    GATEWAY_MISSING, GATEWAY_NOT_ACCEPTED, GATEWAY_NOT_PROGRAMMED, LISTENER_MISSING, LISTENER_NOT_ACCEPTED,
    PARENT_REFUSED, PARENT_SILENT, ROUTE_PARTIALLY_INVALID, ROUTE_WITHOUT_PARENT,
};
use super::objects::{Gateway, Listener, Parent, Reported, RouteShape, condition};
use super::report::Report;
use super::subject::{NamedRoute, Subject};

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    for (named, route) in subject.found_routes() {
        if route.parents.is_empty() {
            report.find(Finding::new(
                &ROUTE_WITHOUT_PARENT,
                &named.name,
                "spec.parentRefs",
                "is empty, so that no gateway carries the route",
                "name a Gateway",
            ));
        }
        for (index, parent) in route.parents.iter().enumerate() {
            let field = format!("spec.parentRefs[{index}]");
            let accepted = parent
                .gateway(&named.name.namespace)
                .is_some_and(|gateway| carried(subject, named, &field, parent, &gateway, report));
            reported(subject, named, route, &field, parent, accepted, report);
        }
    }
}

/// Judges the Gateway of a parent; true where it is there and accepted.
fn carried(
    subject: &Subject<'_>,
    named: &NamedRoute,
    field: &str,
    parent: &Parent,
    object: &Name,
    report: &mut Report,
) -> bool {
    let gateway = match subject.inputs.beyond.gateways.get(object) {
        Lookup::Found(gateway) => gateway,
        Lookup::Unseen(why) => {
            report.unseen(object.to_string(), why);
            return false;
        }
        Lookup::Missing => {
            report.find(Finding::new(
                &GATEWAY_MISSING,
                &named.name,
                field,
                format!("{object} does not exist"),
                "create it, or name another one",
            ));
            return false;
        }
    };
    classes::judge(subject, object, gateway, report);
    let accepted = is_not(&gateway.conditions, "Accepted");
    if let Some(told) = accepted {
        report.find(Finding::new(
            &GATEWAY_NOT_ACCEPTED,
            object,
            "status.conditions[Accepted]",
            format!("is {}: {}", told.status, told.words()),
            "see to what the controller says, or whether one runs",
        ));
    } else if let Some(told) = is_not(&gateway.conditions, "Programmed") {
        report.find(Finding::new(
            &GATEWAY_NOT_PROGRAMMED,
            object,
            "status.conditions[Programmed]",
            format!("is {}: {}", told.status, told.words()),
            "see to what the controller says",
        ));
    }
    listeners(named, field, parent, object, gateway, report);
    accepted.is_none() && condition(&gateway.conditions, "Accepted").is_some()
}

fn listeners(
    named: &NamedRoute,
    field: &str,
    parent: &Parent,
    object: &Name,
    gateway: &Gateway,
    report: &mut Report,
) {
    let is_meant = |listener: &&Listener| {
        parent.section.as_ref().is_none_or(|section| *section == listener.name)
            && parent.port.is_none_or(|port| listener.port == Some(port))
    };
    let meant: Vec<&Listener> = gateway.listeners.iter().filter(is_meant).collect();
    if meant.is_empty() {
        let names: Vec<&str> = gateway.listeners.iter().map(|listener| &*listener.name).collect();
        let asked = match (&parent.section, parent.port) {
            (Some(section), Some(port)) => format!("a listener {section:?} on port {port}"),
            (Some(section), None) => format!("a listener {section:?}"),
            (None, Some(port)) => format!("a listener on port {port}"),
            (None, None) => "any listener".to_owned(),
        };
        report.find(Finding::new(
            &LISTENER_MISSING,
            &named.name,
            field,
            format!("{object} does not have {asked}, only [{}]", names.join(", ")),
            "name one of these, or add it to the Gateway",
        ));
    }
    // As long as one of them serves, the route has a way.
    let refused: Vec<_> = meant
        .iter()
        .filter_map(|listener| Some((listener, is_not(&listener.conditions, "Accepted")?)))
        .collect();
    if refused.len() == meant.len() {
        for (listener, told) in refused {
            report.find(Finding::new(
                &LISTENER_NOT_ACCEPTED,
                object,
                format!("status.listeners[{}].conditions[Accepted]", listener.name),
                format!("is {}: {}", told.status, told.words()),
                "see to what the controller says, or attach the route to another listener",
            ));
        }
    }
}

/// What controllers last reported on a parent, of whichever generation: an older word stands until a newer one comes.
fn reported(
    subject: &Subject<'_>,
    named: &NamedRoute,
    route: &RouteShape,
    field: &str,
    parent: &Parent,
    accepted: bool,
    report: &mut Report,
) {
    let own = &*named.name.namespace;
    let of_parent = || route.reports.iter().filter(|report| report.parent.is_same(parent, own));
    let what = parent.named(own);
    for conditions in of_parent().map(|report| &report.conditions) {
        for kind in ["Accepted", "ResolvedRefs"] {
            let Some(told) = condition(conditions, kind).filter(|told| told.status == "False") else {
                continue;
            };
            report.find(Finding::new(
                &PARENT_REFUSED,
                &named.name,
                field,
                format!("{what} reports {kind} False: {}", told.words()),
                "change what it says; it takes effect by itself",
            ));
        }
        if let Some(told) = condition(conditions, "PartiallyInvalid").filter(|told| told.status == "True") {
            report.find(Finding::new(
                &ROUTE_PARTIALLY_INVALID,
                &named.name,
                field,
                format!("{what} carries the route only in part: {}", told.words()),
                "change what it says",
            ));
        }
    }
    let is_complete = subject.inputs.routes.unseen.is_none();
    if accepted && is_complete && of_parent().next().is_none() {
        report.find(Finding::new(
            &PARENT_SILENT,
            &named.name,
            field,
            format!("{what} is accepted, but its controller reports nothing about the route"),
            "see whether its listeners allow routes of this kind and namespace",
        ));
    }
}

/// The condition, where it is there and not True.
pub fn is_not<'c>(conditions: &'c [Reported], kind: &str) -> Option<&'c Reported> {
    condition(conditions, kind).filter(|condition| condition.status != "True")
}
