//! Every label, annotation, finalizer and field manager that Serin writes, in one place.

/// The label that ties pods and ReplicaSets to one pod template, on ReplicaSets, pods and Service selectors.
///
/// The name is the one that the ecosystem's tools already know.
pub const POD_TEMPLATE_HASH: &str = "rollouts-pod-template-hash";

/// The field manager of every write.
pub const FIELD_MANAGER: &str = "serin";

/// The API group that is served unless another one is asked for.
pub const DEFAULT_GROUP: &str = "serin.dev";

/// The key under `trafficRouting.plugins` that means the same as `trafficRouting.gatewayAPI`.
pub const GATEWAY_API_PLUGIN: &str = "argoproj-labs/gatewayAPI";

/// The names that depend on the API group which the operator serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The API group, as in `apiVersion`.
    pub group: String,
    /// On a ReplicaSet: the revision number of its template, counted from 1.
    pub revision: String,
    /// On a ReplicaSet: the ordinal of its promotion. The highest one is the stable revision.
    pub stable: String,
    /// On a ReplicaSet: the hash of the template that it was created from, as the user wrote it.
    pub template_hash: String,
    /// On a ReplicaSet: the role metadata that was put into its template, and what the template had there before.
    pub role_metadata: String,
    /// On a Rollout: a request to abort, `current` or a revision number. Consumed when judged.
    pub abort: String,
    /// On a Rollout: a request to pass a pause, `<step>[@<revision>]`. Consumed when judged.
    pub resume: String,
    /// On a pod, written by its application: the role that it last read, `active` or `preview`.
    pub role_seen: String,
    /// On a Rollout: holds deletion until its traffic is safe.
    pub finalizer: String,
}

impl Names {
    /// The names for one API group.
    pub fn for_group(group: &str) -> Self {
        let own = |name: &str| format!("{group}/{name}");
        Self {
            group: group.to_owned(),
            revision: own("revision"),
            stable: own("stable"),
            template_hash: own("template-hash"),
            role_metadata: own("role-metadata"),
            abort: own("abort"),
            resume: own("resume"),
            role_seen: own("role-seen"),
            finalizer: own("traffic"),
        }
    }

    /// The plural resource name that unambiguously addresses this group on a kubectl command line.
    pub fn resource(&self) -> String {
        format!("rollouts.{}", self.group)
    }

    /// The `apiVersion` of a Rollout.
    pub fn api_version(&self) -> String {
        format!("{}/v1alpha1", self.group)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::for_group(DEFAULT_GROUP)
    }
}
