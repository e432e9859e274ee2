//! Which versions of which objects a plan was made from.

use std::hash::{DefaultHasher, Hash, Hasher};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serin_engine::Objects;

/// Identifies the versions of all objects that a plan is made from.
pub fn fingerprint(objects: &Objects) -> u64 {
    let mut hasher = DefaultHasher::new();
    let mut add = |metadata: &ObjectMeta| (&metadata.uid, &metadata.resource_version).hash(&mut hasher);
    add(&objects.rollout.metadata);
    objects.name_holder.iter().for_each(|holder| add(&holder.metadata));
    objects.replica_sets.iter().for_each(|set| add(&set.metadata));
    objects.pods.iter().for_each(|pod| add(&pod.metadata));
    objects.services.values().for_each(|service| add(&service.metadata));
    objects.slices.values().flatten().for_each(|slice| add(&slice.metadata));
    objects.routes.values().for_each(|route| add(&route.metadata));
    objects.rivals.iter().for_each(|rival| add(&rival.metadata));
    objects.route_versions.hash(&mut hasher);
    hasher.finish()
}
