//! Inputs from manifests.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use serin_api::Rollout;
use serin_api::names::Names;
use serin_api::rollout::KIND;
use serin_api::route::RouteKind;
use serin_api::unserved;

use super::finding::Name;
use super::inputs::{Beyond, Inputs, Known, TemplateAnswer};
use super::objects::{
    Autoscaler, Budget, GATEWAY_GROUP, Gateway, GatewayClass, Grant, RouteShape, Service, Workload,
};
use crate::observe::references;

/// Objects, sorted by kind.
struct Manifests<'m> {
    objects: &'m [Value],
    /// Where objects are that name no namespace.
    namespace: &'m str,
    unseen: Option<&'m str>,
}

impl Inputs {
    /// What manifests show. `unseen` is the reason why there may be objects that are not among them; nothing where they
    /// are all that a cluster has.
    ///
    /// # Errors
    /// The Rollout has a field of a type that it cannot have.
    pub fn of_manifests(
        rollout: &Value,
        objects: &[Value],
        names: &Names,
        unseen: Option<&str>,
    ) -> serde_json::Result<Self> {
        let unserved = unserved::held(rollout);
        let mut rollout = Rollout::deserialize(rollout)?;
        let namespace = rollout.metadata.namespace.get_or_insert_with(|| "default".to_owned()).clone();
        let manifests = Manifests { objects, namespace: &namespace, unseen };
        let group = |object: &Value, group: &str| {
            let api_version = object["apiVersion"].as_str().unwrap_or_default();
            api_version.split_once('/').map_or("", |(group, _)| group) == group
        };
        let of_gateways = |object: &Value| group(object, GATEWAY_GROUP);
        let others = manifests.known(&[KIND], |object| group(object, &names.group), |object| object.clone());
        let others = others.found.into_iter().filter(|(name, _)| {
            name.namespace == namespace && Some(&name.name) != rollout.metadata.name.as_ref()
        });
        let others = others.filter_map(|(name, object)| Some((name, Rollout::deserialize(&object).ok()?)));
        Ok(Self {
            others: others.map(|(name, other)| (name, Workload::rollout(&other, &rollout))).collect(),
            api_version: names.api_version(),
            services: manifests.known(
                &["Service"],
                |object| group(object, ""),
                |object| Arc::new(Service::of(object)),
            ),
            routes: manifests.known(&RouteKind::ALL.map(RouteKind::kind), of_gateways, |object| {
                Arc::new(RouteShape::of(&object["spec"], &object["status"]))
            }),
            unserved_kinds: BTreeSet::new(),
            unserved,
            template: match unseen {
                Some(_) => TemplateAnswer::Unseen("only a cluster can be asked".to_owned()),
                None => TemplateAnswer::Taken,
            },
            refusals: Vec::new(),
            beyond: Arc::new(Beyond {
                gateways: manifests.known(&["Gateway"], of_gateways, Gateway::of),
                classes: manifests.known(&["GatewayClass"], of_gateways, GatewayClass::of),
                grants: manifests.known(&["ReferenceGrant"], of_gateways, Grant::of),
                budgets: manifests.known(
                    &["PodDisruptionBudget"],
                    |object| group(object, "policy"),
                    Budget::of,
                ),
                autoscalers: manifests.known(
                    &["HorizontalPodAutoscaler"],
                    |object| group(object, "autoscaling"),
                    Autoscaler::of,
                ),
                deployments: manifests.known(&["Deployment"], |object| group(object, "apps"), Workload::of),
            }),
            rollout: Arc::new(rollout),
        })
    }
}

impl Manifests<'_> {
    fn known<T>(
        &self,
        kinds: &[&str],
        is_of_group: impl Fn(&Value) -> bool,
        read: impl Fn(&Value) -> T,
    ) -> Known<T> {
        let of_kind = self.objects.iter().filter(|object| {
            object["kind"].as_str().is_some_and(|kind| kinds.contains(&kind)) && is_of_group(object)
        });
        let named = of_kind.map(|object| {
            let text = |field: &Value| field.as_str().unwrap_or_default().to_owned();
            let kind = text(&object["kind"]);
            let namespace = match &*kind {
                "GatewayClass" => "",
                _ => object["metadata"]["namespace"].as_str().unwrap_or(self.namespace),
            };
            (Name::new(&*kind, namespace, text(&object["metadata"]["name"])), read(object))
        });
        Known { found: named.collect(), unseen: self.unseen.map(str::to_owned) }
    }
}

impl Workload {
    /// Another Rollout, beside this one.
    pub fn rollout(other: &Rollout, this: &Rollout) -> Self {
        let age = |rollout: &Rollout| {
            let metadata = &rollout.metadata;
            let created = metadata.creation_timestamp.as_ref().map_or(Timestamp::MAX, |time| time.0);
            (created, metadata.name.clone().unwrap_or_default())
        };
        Self {
            selector: other.spec.selector.clone(),
            labels: super::objects::labels_of(other.spec.template.outline()),
            services: references(other).services,
            is_older: age(other) < age(this),
        }
    }
}
