//! The order of resource versions.

use kube::Resource;

/// Whether `candidate` is known to be older than `held`.
///
/// Versions of objects of one kind are decimal numbers that grow with every write. One that is no number, or absent,
/// is taken for the newer one: showing a change twice is harmless, missing one is not.
pub fn is_older<K: Resource>(candidate: &K, held: &K) -> bool {
    matches!((number(candidate), number(held)), (Some(candidate), Some(held)) if candidate < held)
}

/// Whether both are the same version of the same object.
pub fn is_same<K: Resource>(one: &K, other: &K) -> bool {
    let (one, other) = (one.meta(), other.meta());
    one.uid == other.uid && one.resource_version.is_some() && one.resource_version == other.resource_version
}

fn number<K: Resource>(object: &K) -> Option<u128> {
    object.meta().resource_version.as_deref()?.parse().ok()
}
