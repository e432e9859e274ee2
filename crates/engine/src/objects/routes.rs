//! How a route is read from the server's JSON.
//!
//! A route is stored under a CRD that may be another one than this build knows: what has an unexpected form counts as
//! absent, because an object that cannot be read would stop the watch of all.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serin_api::metadata::{self, Manager};
use serin_api::names::FIELD_MANAGER;

use super::read::last_writer;
use super::{Backend, Parent, Report, Reported, Route, Rule};
use crate::preflight::objects::RouteShape;

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Raw {
            #[serde(deserialize_with = "metadata::kept_with_managers")]
            metadata: (ObjectMeta, Vec<Manager>),
            spec: Value,
            status: Value,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Spec {
            parent_refs: Option<Vec<Value>>,
            rules: Option<Vec<RawRule>>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct RawRule {
            name: Option<Value>,
            backend_refs: Option<Vec<Value>>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Status {
            parents: Option<Vec<Value>>,
        }
        let Raw { metadata: (metadata, managers), spec, status } = Raw::deserialize(deserializer)?;
        let shape = Arc::new(RouteShape::of(&spec, &status));
        let spec = Option::<Spec>::deserialize(spec).map_err(D::Error::custom)?.unwrap_or_default();
        let status = Option::<Status>::deserialize(status).map_err(D::Error::custom)?.unwrap_or_default();
        let rule = |rule: RawRule| {
            let refs = rule.backend_refs.into_iter().flatten();
            Rule {
                name: rule.name.and_then(|name| name.as_str().map(str::to_owned)),
                backends: refs.map(|backend| Backend::deserialize(backend).unwrap_or_default()).collect(),
            }
        };
        Ok(Self {
            rules: spec.rules.into_iter().flatten().map(rule).collect(),
            parents: spec.parent_refs.into_iter().flatten().map(|parent| Parent::of(&parent)).collect(),
            reports: status.parents.into_iter().flatten().map(|report| Report::of(&report)).collect(),
            writer: last_writer(&managers),
            written_at: last_own_write(&managers),
            shape,
            metadata,
        })
    }
}

impl Parent {
    fn of(parent: &Value) -> Self {
        let text = |field: &str| parent[field].as_str().map(str::to_owned);
        Self {
            group: text("group").unwrap_or_else(|| "gateway.networking.k8s.io".to_owned()),
            kind: text("kind").unwrap_or_else(|| "Gateway".to_owned()),
            namespace: text("namespace"),
            name: text("name").unwrap_or_default(),
            section: text("sectionName"),
            port: parent["port"].as_i64(),
        }
    }
}

impl Report {
    fn of(report: &Value) -> Self {
        let conditions = || report["conditions"].as_array().into_iter().flatten();
        let of_type = |kind: &str| {
            let condition = conditions().find(|condition| condition["type"] == kind)?;
            let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
            Some(Reported {
                status: text("status"),
                // The API knows no generation 0: Go writes it where none was set.
                generation: condition["observedGeneration"].as_i64().filter(|generation| *generation > 0),
                reason: text("reason"),
                message: text("message"),
            })
        };
        Self {
            parent: Parent::of(&report["parentRef"]),
            controller: report["controllerName"].as_str().unwrap_or_default().to_owned(),
            accepted: of_type("Accepted"),
            resolved_refs: of_type("ResolvedRefs"),
            partially_invalid: of_type("PartiallyInvalid"),
        }
    }
}

/// When Serin wrote the main resource last.
fn last_own_write(managers: &[Manager]) -> Option<Timestamp> {
    let own = |manager: &&Manager| manager.subresource.is_empty() && manager.manager == FIELD_MANAGER;
    managers.iter().filter(own).filter_map(|manager| Some(manager.time.as_ref()?.0)).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(route: Value) -> Route {
        serde_json::from_value(route).unwrap()
    }

    fn backends(rules: Value) -> Vec<Vec<String>> {
        let route = read(json!({"metadata": {}, "spec": {"rules": rules}}));
        let names = |rule: Rule| rule.backends.into_iter().map(|backend| backend.name).collect();
        route.rules.into_iter().map(names).collect()
    }

    #[test]
    fn a_route_of_an_unexpected_form_is_read_as_far_as_it_can_be() {
        let odd =
            json!([{"backendRefs": null}, {"backendRefs": [{"name": "a", "weight": "many"}, {"name": "b"}]}]);
        assert_eq!(backends(odd), [vec![], vec!["".to_owned(), "b".to_owned()]]);
        assert!(backends(Value::Null).is_empty());
        let odd = read(json!({"metadata": {}, "spec": {"parentRefs": ["a"]}, "status": {"parents": [7]}}));
        assert_eq!((odd.parents.len(), odd.reports.len()), (1, 1));
    }

    #[test]
    fn what_a_parent_leaves_out_is_filled_in_as_the_api_does() {
        let route = read(json!({"metadata": {}, "spec": {"parentRefs": [{"name": "public"}]}}));
        let parent = &route.parents[0];
        assert_eq!((&*parent.group, &*parent.kind), ("gateway.networking.k8s.io", "Gateway"));
        assert_eq!((&parent.namespace, &parent.section, parent.port), (&None, &None, None));
    }

    #[test]
    fn a_report_without_a_generation_or_with_generation_0_speaks_of_none() {
        let report = |condition: Value| {
            let status = json!({"parents": [{"parentRef": {"name": "g"}, "conditions": [condition]}]});
            read(json!({"metadata": {}, "status": status})).reports[0].accepted.clone().unwrap().generation
        };
        assert_eq!(report(json!({"type": "Accepted", "status": "True"})), None);
        assert_eq!(report(json!({"type": "Accepted", "status": "True", "observedGeneration": 0})), None);
        assert_eq!(report(json!({"type": "Accepted", "status": "True", "observedGeneration": 7})), Some(7));
    }

    #[test]
    fn serins_own_last_write_is_told_from_that_of_others_and_of_status() {
        let manager = |name: &str, subresource: &str, time: &str| json!({"manager": name, "subresource": subresource, "time": time, "operation": "Update"});
        let route = read(json!({"metadata": {"managedFields": [
            manager("flux", "", "2026-01-01T00:00:09Z"),
            manager(FIELD_MANAGER, "", "2026-01-01T00:00:05Z"),
            manager(FIELD_MANAGER, "status", "2026-01-01T00:00:08Z"),
        ]}}));
        assert_eq!(route.written_at, Some("2026-01-01T00:00:05Z".parse().unwrap()));
        assert_eq!(route.writer.as_deref(), Some("flux"));
    }
}
