//! What is wrong with the references of a spec, as other objects show.

use jiff::Timestamp;
use serin_api::Rollout;
use serin_api::names::POD_TEMPLATE_HASH;
use serin_api::validate::{FieldError, RouteRef, ValidCanary};

use super::traffic::route_view;
use super::{Objects, references};

/// What the Services and the routes show to be wrong with the references of the spec.
pub fn missing(objects: &Objects, strategy: &ValidCanary) -> Vec<FieldError> {
    const AT: &str = "spec.strategy.canary";
    let mut errors = Vec::new();
    let template = objects.rollout.spec.template.outline();
    for (field, name) in
        [("stableService", &strategy.stable_service), ("canaryService", &strategy.canary_service)]
    {
        let path = format!("{AT}.{field}");
        let Some(service) = objects.services.get(name) else {
            errors.push(FieldError::new(
                path,
                format!("Service {name:?} not found: create it, or name another one"),
            ));
            continue;
        };
        let user_keys = service.selector.iter().filter(|(key, _)| *key != POD_TEMPLATE_HASH);
        let mismatch = user_keys.clone().find(|(key, value)| {
            template["metadata"]["labels"][key.as_str()].as_str() != Some(value.as_str())
        });
        if let Some((key, value)) = mismatch {
            let problem =
                format!("Service {name:?} selects `{key}: {value}`, which the template's labels do not have");
            errors.push(FieldError::new(path, problem));
        } else if user_keys.count() == 0 {
            errors.push(FieldError::new(
                path,
                format!("Service {name:?} has no selector: give it the template's labels"),
            ));
        }
    }
    let services = [&*strategy.stable_service, &*strategy.canary_service];
    let namespace = objects.rollout.metadata.namespace.as_deref().unwrap_or_default();
    for RouteRef { id, rules, field } in &strategy.routes {
        let view = route_view(objects, id, rules, &[], services);
        errors.extend(view.errors(field, namespace, services, &strategy.steps));
    }
    errors
}

/// Two Rollouts may not write one Service, and so not one pair of weights either: the older one keeps it.
pub fn rivals(objects: &Objects, strategy: &ValidCanary) -> Vec<FieldError> {
    let age = |rollout: &Rollout| {
        let metadata = &rollout.metadata;
        let created = metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0);
        (created, metadata.name.clone().unwrap_or_default())
    };
    let own = age(&objects.rollout);
    let mut errors = Vec::new();
    for rival in objects.rivals.iter().filter(|rival| rival.metadata.uid != objects.rollout.metadata.uid) {
        if age(rival) > own {
            continue;
        }
        let theirs = references(rival).services;
        for (field, name) in
            [("stableService", &strategy.stable_service), ("canaryService", &strategy.canary_service)]
        {
            if theirs.contains(name) {
                let rival = rival.metadata.name.as_deref().unwrap_or_default();
                errors.push(FieldError::new(
                    format!("spec.strategy.canary.{field}"),
                    format!(
                        "Service {name:?} is used by the older Rollout {rival:?}: use a Service of its own"
                    ),
                ));
            }
        }
    }
    errors
}
