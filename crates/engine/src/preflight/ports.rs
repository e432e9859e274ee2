//! From a backend's port by way of the Service to the container.

use super::finding::Finding;
use super::inputs::Lookup;
use super::kinds::{BACKEND_PORT_MISSING, BACKEND_PORT_UNKNOWN, TARGET_PORT_UNKNOWN};
use super::objects::ServicePort;
use super::report::Report;
use super::subject::Subject;

pub fn judge(subject: &Subject<'_>, report: &mut Report) {
    let containers = container_ports(subject);
    for (named, place, rule) in subject.managed_rules() {
        let services = rule.backends.iter().enumerate().filter(|(_, backend)| backend.is_service());
        for (index, backend) in services {
            let field = format!("spec.rules[{place}].backendRefs[{index}].port");
            let Some(port) = backend.port else {
                report.find(Finding::new(
                    &BACKEND_PORT_MISSING,
                    &named.name,
                    field,
                    format!("is missing, and Service {:?} cannot be reached without one", backend.name),
                    "name a port of the Service",
                ));
                continue;
            };
            let own = &*named.name.namespace;
            let object = super::finding::Name::new(
                "Service",
                backend.namespace.as_deref().unwrap_or(own),
                &*backend.name,
            );
            let Lookup::Found(service) = subject.inputs.services.get(&object) else { continue };
            if service.shape.external_name {
                continue;
            }
            match service.shape.ports.iter().find(|known| known.number == port) {
                None => report.find(Finding::new(
                    &BACKEND_PORT_UNKNOWN,
                    &named.name,
                    field,
                    format!("is {port}, but {object} has {}", listed(&service.shape.ports)),
                    "change the port in one of the two",
                )),
                Some(ServicePort { target: Some(target), .. })
                    if subject.services().iter().any(|(_, ours)| *ours == object.name)
                        && containers.as_ref().is_some_and(|names| !names.contains(target)) =>
                {
                    report.find(Finding::new(
                        &TARGET_PORT_UNKNOWN,
                        &object,
                        "spec.ports[].targetPort",
                        format!("of port {port} is {target:?}, but no container of the template has a port of that name"),
                        "name the container's port so, or use its number",
                    ));
                }
                Some(_) => {}
            }
        }
    }
}

fn listed(ports: &[ServicePort]) -> String {
    if ports.is_empty() {
        return "no port".to_owned();
    }
    let numbers: Vec<String> = ports.iter().map(|port| port.number.to_string()).collect();
    format!("only {}", numbers.join(", "))
}

/// The names of all ports of the template; nothing where there is no template to read.
fn container_ports(subject: &Subject<'_>) -> Option<Vec<String>> {
    let spec = &subject.template["spec"];
    let mut names = Vec::new();
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            let ports = container["ports"].as_array().into_iter().flatten();
            names.extend(ports.filter_map(|port| port["name"].as_str()).map(str::to_owned));
        }
    }
    spec.is_object().then_some(names)
}
