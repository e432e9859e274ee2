//! Uses of a pod's own labels and annotations that are read once, when a container starts, and never again.
//!
//! Role metadata changes on live pods. The downward API shows such a change in a volume; it does not show it in an
//! environment variable, nor in a file that is mounted by `subPath`.

use serde_json::Value;

/// One use of metadata that does not see a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenUse {
    /// Where, as in `spec.template.spec.containers[0].env[1]`.
    pub path: String,
    /// What is used, as in `metadata.labels['role']`, or `metadata.labels` for all of them.
    pub field: String,
    /// Why it does not see a change.
    pub why: Why,
}

/// Why a use of metadata does not see a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// An environment variable.
    Environment,
    /// A file that is mounted by `subPath`.
    SubPath,
}

impl FrozenUse {
    /// Whether it reads the label of this name.
    pub fn reads_label(&self, name: &str) -> bool {
        self.reads("metadata.labels", name)
    }

    /// Whether it reads the annotation of this name.
    pub fn reads_annotation(&self, name: &str) -> bool {
        self.reads("metadata.annotations", name)
    }

    fn reads(&self, map: &str, name: &str) -> bool {
        match self.field.strip_prefix(map) {
            Some("") => true,
            Some(key) => key.strip_prefix("['").and_then(|key| key.strip_suffix("']")) == Some(name),
            None => false,
        }
    }

    /// What is wrong and what to do about it.
    pub fn problem(&self) -> String {
        let reason = match self.why {
            Why::Environment => "environment variables are set once, when a container starts",
            Why::SubPath => "files mounted by subPath are not updated",
        };
        let field = &self.field;
        format!("never sees {field} change: {reason}; mount a whole downwardAPI volume instead")
    }
}

/// Every use in a pod template, in its order.
pub fn uses(template: &Value) -> Vec<FrozenUse> {
    let mut found = Vec::new();
    let spec = &template["spec"];
    for list in ["initContainers", "containers"] {
        for (index, container) in items(&spec[list]) {
            // Other init containers are gone before a role can change.
            if list == "initContainers" && container["restartPolicy"] != "Always" {
                continue;
            }
            let at = format!("spec.template.spec.{list}[{index}]");
            for (index, variable) in items(&container["env"]) {
                let field = variable["valueFrom"]["fieldRef"]["fieldPath"].as_str();
                if let Some(field) = field.filter(|field| is_metadata(field)) {
                    let path = format!("{at}.env[{index}]");
                    found.push(FrozenUse { path, field: field.to_owned(), why: Why::Environment });
                }
            }
            for (index, mount) in items(&container["volumeMounts"]) {
                for field in fields_below(spec, mount) {
                    let path = format!("{at}.volumeMounts[{index}]");
                    found.push(FrozenUse { path, field: field.to_owned(), why: Why::SubPath });
                }
            }
        }
    }
    found
}

fn items(list: &Value) -> impl Iterator<Item = (usize, &Value)> {
    list.as_array().into_iter().flatten().enumerate()
}

fn is_metadata(field: &str) -> bool {
    field.starts_with("metadata.labels") || field.starts_with("metadata.annotations")
}

/// The metadata that a mount by `subPath` shows; nothing for a mount of a whole volume.
fn fields_below<'t>(spec: &'t Value, mount: &Value) -> Vec<&'t str> {
    let expression = mount["subPathExpr"].as_str().is_some_and(|path| !path.is_empty());
    let sub_path = mount["subPath"].as_str().unwrap_or_default();
    if sub_path.is_empty() && !expression {
        return Vec::new();
    }
    let is_below = |item: &&Value| {
        let path = item["path"].as_str().unwrap_or_default();
        expression
            || path == sub_path
            || path.strip_prefix(sub_path).is_some_and(|rest| rest.starts_with('/'))
    };
    let Some((_, volume)) = items(&spec["volumes"]).find(|(_, volume)| volume["name"] == mount["name"])
    else {
        return Vec::new();
    };
    let projected = items(&volume["projected"]["sources"]).map(|(_, source)| &source["downwardAPI"]);
    let sources = projected.chain([&volume["downwardAPI"]]);
    let files = sources.flat_map(|source| items(&source["items"]).map(|(_, item)| item));
    let fields = files.filter(is_below).filter_map(|item| item["fieldRef"]["fieldPath"].as_str());
    fields.filter(|field| is_metadata(field)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mounted(mount: Value) -> Vec<String> {
        let labels = json!({"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}});
        let role = json!({"path": "pod/role", "fieldRef": {"fieldPath": "metadata.labels['role']"}});
        let template = json!({"spec": {
            "containers": [{"name": "a"}, {"name": "b", "volumeMounts": [mount]}],
            "volumes": [
                {"name": "other", "emptyDir": {}},
                {"name": "podinfo", "downwardAPI": {"items": [labels]}},
                {"name": "all", "projected": {"sources": [{"configMap": {}}, {"downwardAPI": {"items": [role]}}]}},
            ],
        }});
        uses(&template).into_iter().map(|used| format!("{}: {}", used.path, used.field)).collect()
    }

    #[test]
    fn a_whole_volume_is_updated_and_a_file_mounted_by_sub_path_is_not() {
        assert!(mounted(json!({"name": "podinfo", "mountPath": "/etc/podinfo"})).is_empty());
        assert!(mounted(json!({"name": "other", "subPath": "labels"})).is_empty());
        assert!(mounted(json!({"name": "podinfo", "subPath": "lab"})).is_empty());
        let at = "spec.template.spec.containers[1].volumeMounts[0]";
        assert_eq!(
            mounted(json!({"name": "podinfo", "subPath": "labels"})),
            [format!("{at}: metadata.labels")]
        );
        let role = [format!("{at}: metadata.labels['role']")];
        assert_eq!(mounted(json!({"name": "all", "subPath": "pod"})), role);
        assert_eq!(mounted(json!({"name": "all", "subPathExpr": "$(DIR)"})), role);
    }

    #[test]
    fn environment_variables_are_set_once() {
        let role =
            json!({"name": "ROLE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['role']"}}});
        let name = json!({"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}});
        let template = json!({"spec": {
            "initContainers": [{"env": [role]}, {"restartPolicy": "Always", "env": [role]}],
            "containers": [{"env": [name, role]}],
        }});
        let found = uses(&template);
        let paths: Vec<&str> = found.iter().map(|used| &*used.path).collect();
        assert_eq!(
            paths,
            ["spec.template.spec.initContainers[1].env[0]", "spec.template.spec.containers[0].env[1]"]
        );
        assert!(found[0].reads_label("role"));
        assert!(!found[0].reads_label("rol") && !found[0].reads_annotation("role"));
    }
}
