//! The application in the pods, as far as a Rollout waits for it: it reads its role at once and says so.

use serde_json::{Value, json};
use serin_api::Names;
use serin_api::spec::RoleMetadata;
use serin_api::validate::ValidCanary;
use serin_world::{Kind, Request, World};

/// Lets every pod that carries a role's metadata say that it has read it.
pub fn acknowledge(world: &mut World, namespace: &str, canary: &ValidCanary, names: &Names) {
    if canary.acknowledgement.is_none() {
        return;
    }
    for pod in world.all(Kind::Pod) {
        let metadata = &pod["metadata"];
        let role = [("active", &canary.active), ("preview", &canary.preview)]
            .into_iter()
            .find(|(_, role)| carries(metadata, role));
        let Some((role, _)) = role.filter(|_| metadata["namespace"] == namespace) else { continue };
        if metadata["annotations"][&names.role_seen] != role {
            let name = metadata["name"].as_str().unwrap_or_default();
            let path = format!("{}/{name}", world.collection_path(Kind::Pod, namespace));
            let patch = json!({"metadata": {"annotations": {names.role_seen.clone(): role}}});
            // A pod that is gone has nothing to say.
            drop(world.request(Request::merge_patch(path, patch).by("application")));
        }
    }
}

fn carries(metadata: &Value, role: &RoleMetadata) -> bool {
    let has = |field: &str, wanted: &std::collections::BTreeMap<String, String>| {
        wanted.iter().all(|(key, value)| metadata[field][key] == value.as_str())
    };
    let is_empty = role.labels.is_empty() && role.annotations.is_empty();
    !is_empty && has("labels", &role.labels) && has("annotations", &role.annotations)
}
