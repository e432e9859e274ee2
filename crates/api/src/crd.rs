//! The CustomResourceDefinition: the derived schema, and what a derive cannot say.
//!
//! A user's mistake should come back from `kubectl apply` with the path of the field, so everything that one object
//! alone can show is judged by the API server: limits in the schema, relations in CEL rules, and one refusal for
//! every field of Argo Rollouts that is not served.

mod rules;
mod schema;
pub mod shapes;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceColumnDefinition, CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;

use crate::rollout::{PLURAL, RolloutApi};
use crate::spec::RolloutDefinition;
use crate::unserved;

pub use schema::at;

/// The definition of Rollouts in the API group of `api`.
///
/// Installed as it is; the operator does not write it. It stays far below the 256 KiB that an annotation may hold, so
/// that client-side `kubectl apply` works.
pub fn crd(api: RolloutApi) -> CustomResourceDefinition {
    let mut crd = RolloutDefinition::crd();
    crd.metadata.name = Some(format!("{PLURAL}.{}", api.group));
    crd.spec.group = api.group.to_owned();
    for version in &mut crd.spec.versions {
        version.additional_printer_columns = Some(columns());
        if let Some(root) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            complete(root);
        }
    }
    crd
}

fn complete(root: &mut JSONSchemaProps) {
    schema::drop_reading_aids(root);
    // An autoscaler reads the number from the stored object, so it has to be there.
    if let Some(replicas) = schema::at(root, "spec.replicas") {
        replicas.default = Some(JSON(1.into()));
    }
    unserved::refuse(root);
    rules::add(root);
}

/// What `kubectl get` shows; the last one only with `-o wide`.
fn columns() -> Vec<CustomResourceColumnDefinition> {
    let column = |name: &str, type_: &str, json_path: &str| CustomResourceColumnDefinition {
        name: name.to_owned(),
        type_: type_.to_owned(),
        json_path: json_path.to_owned(),
        ..Default::default()
    };
    let wide = |column| CustomResourceColumnDefinition { priority: Some(1), ..column };
    vec![
        column("Phase", "string", ".status.phase"),
        column("Step", "integer", ".status.currentStepIndex"),
        column("Weight", "integer", ".status.canary.weights.canary.weight"),
        column("Desired", "integer", ".spec.replicas"),
        column("Ready", "integer", ".status.readyReplicas"),
        column("Age", "date", ".metadata.creationTimestamp"),
        wide(column("Message", "string", ".status.message")),
    ]
}
