//! ReplicaSets of a Rollout, for tests that begin in the middle of its life.

use serde_json::{Value, json};
use serin_api::Names;
use serin_api::names::POD_TEMPLATE_HASH;

use super::{APP, NAMESPACE, pod_template, stored};

/// A ReplicaSet under construction.
#[derive(Clone, Debug)]
pub struct ReplicaSetBuilder {
    object: Value,
    names: Names,
}

/// The ReplicaSet `<rollout>-<hash>` of the image `web:1`, controlled by the Rollout that [`super::rollout`] builds.
///
/// It has one replica, which its controller has not seen yet.
pub fn replica_set(rollout: &str, hash: &str) -> ReplicaSetBuilder {
    let names = Names::default();
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{rollout}-{hash}"),
            "namespace": NAMESPACE,
            "labels": { "app": APP, POD_TEMPLATE_HASH: hash },
            "ownerReferences": [{
                "apiVersion": names.api_version(), "kind": "Rollout", "name": rollout,
                "uid": format!("uid-of-{rollout}"), "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": APP, POD_TEMPLATE_HASH: hash } },
            "template": pod_template(APP, "web:1"),
        },
        "status": { "replicas": 0 },
    });
    let builder = ReplicaSetBuilder { object, names };
    builder.template_label(POD_TEMPLATE_HASH, hash)
}

impl ReplicaSetBuilder {
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.object["metadata"]["namespace"] = json!(namespace);
        self
    }

    /// Names annotations and the owner after another API group.
    #[must_use]
    pub fn group(mut self, group: &str) -> Self {
        self.names = Names::for_group(group);
        self.object["metadata"]["ownerReferences"][0]["apiVersion"] = json!(self.names.api_version());
        self
    }

    #[must_use]
    pub fn owner_uid(mut self, uid: &str) -> Self {
        self.object["metadata"]["ownerReferences"][0]["uid"] = json!(uid);
        self
    }

    /// Takes the owner away.
    #[must_use]
    pub fn orphan(mut self) -> Self {
        self.object["metadata"]["ownerReferences"] = Value::Null;
        self
    }

    #[must_use]
    pub fn annotation(mut self, name: &str, value: &str) -> Self {
        self.object["metadata"]["annotations"][name] = json!(value);
        self
    }

    /// The revision number.
    #[must_use]
    pub fn revision(self, number: i64) -> Self {
        let name = self.names.revision.clone();
        self.annotation(&name, &number.to_string())
    }

    /// The ordinal of its promotion.
    #[must_use]
    pub fn stable(self, ordinal: i64) -> Self {
        let name = self.names.stable.clone();
        self.annotation(&name, &ordinal.to_string())
    }

    #[must_use]
    pub fn image(mut self, image: &str) -> Self {
        self.object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        self
    }

    #[must_use]
    pub fn template_label(mut self, name: &str, value: &str) -> Self {
        self.object["spec"]["template"]["metadata"]["labels"][name] = json!(value);
        self
    }

    #[must_use]
    pub fn replicas(mut self, replicas: i32) -> Self {
        self.object["spec"]["replicas"] = json!(replicas);
        self
    }

    /// Wants so many pods, and all of them are available.
    #[must_use]
    pub fn available(self, pods: i32) -> Self {
        self.replicas(pods).counts(pods, pods, pods)
    }

    /// So many pods exist, are ready and are available, and the controller has seen the newest spec.
    #[must_use]
    pub fn counts(mut self, existing: i32, ready: i32, available: i32) -> Self {
        self.object["status"] = json!({
            "replicas": existing, "readyReplicas": ready, "availableReplicas": available, "observedGeneration": 1,
        });
        self
    }

    /// What could be created; a server drops the status.
    pub fn manifest(self) -> Value {
        self.object
    }

    /// The object as it would be read from a server.
    pub fn stored(self) -> Value {
        stored(self.object)
    }
}
