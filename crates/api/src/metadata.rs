//! Object metadata as it is kept: without `managedFields`, which are larger than the rest of most objects.
//!
//! What is not kept is skipped while it is read: turning it into values first, and dropping them then, would be a good
//! part of what a watch event costs.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

/// One entry of `managedFields`, without the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Manager {
    /// Who wrote.
    pub manager: String,
    /// Through which subresource; empty for the object itself.
    pub subresource: String,
    /// When it last did.
    pub time: Option<Time>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Kept<M: Default> {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
    finalizers: Option<Vec<String>>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    managed_fields: M,
}

impl<M: Default> Kept<M> {
    fn parts(self) -> (ObjectMeta, M) {
        let metadata = ObjectMeta {
            name: self.name,
            namespace: self.namespace,
            uid: self.uid,
            resource_version: self.resource_version,
            generation: self.generation,
            labels: self.labels,
            annotations: self.annotations,
            owner_references: self.owner_references,
            finalizers: self.finalizers,
            creation_timestamp: self.creation_timestamp,
            deletion_timestamp: self.deletion_timestamp,
            ..ObjectMeta::default()
        };
        (metadata, self.managed_fields)
    }
}

/// Reads metadata without its `managedFields`: for `#[serde(deserialize_with)]`.
///
/// # Errors
/// A kept field has another type than the API gives it.
pub fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Ok(Kept::<IgnoredAny>::deserialize(deserializer)?.parts().0)
}

/// Reads metadata and, apart from it, who wrote the object: for `#[serde(deserialize_with)]`.
///
/// # Errors
/// As [`kept`].
pub fn kept_with_managers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<(ObjectMeta, Vec<Manager>), D::Error> {
    Ok(Kept::<Vec<Manager>>::deserialize(deserializer)?.parts())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stored() -> serde_json::Value {
        json!({
            "name": "web", "generation": 3, "labels": {"a": "b"}, "selfLink": "/old",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [
                {"manager": "helm", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {}}},
                {"manager": "gateway", "subresource": "status", "time": null},
            ],
        })
    }

    #[test]
    fn everything_that_is_asked_about_is_kept_and_managed_fields_are_not() {
        let metadata = kept(stored()).unwrap();
        assert_eq!(metadata.name.as_deref(), Some("web"));
        assert_eq!(metadata.generation, Some(3));
        assert_eq!(metadata.labels.unwrap()["a"], "b");
        assert!(metadata.creation_timestamp.is_some());
        assert_eq!((metadata.managed_fields, metadata.self_link), (None, None));
    }

    #[test]
    fn managers_are_told_with_their_subresource() {
        let (_, managers) = kept_with_managers(stored()).unwrap();
        let told: Vec<_> =
            managers.iter().map(|manager| (&*manager.manager, &*manager.subresource)).collect();
        assert_eq!(told, [("helm", ""), ("gateway", "status")]);
        assert!(managers[0].time.is_some());
    }
}
