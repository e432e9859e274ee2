//! Manifests from files.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize as _;
use serde_json::Value;
use serin_api::route::RouteKind;

/// Objects, in the order of the files.
#[derive(Debug, Default)]
pub struct Manifests {
    objects: Vec<Value>,
}

/// Reads files, folders and, for `-`, standard input.
///
/// # Errors
/// Something cannot be read, or is not YAML: which file, and which of its documents.
pub fn read(paths: &[PathBuf]) -> anyhow::Result<Manifests> {
    let mut manifests = Manifests::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input")?;
            manifests.add("standard input", &text)?;
        } else if path.is_dir() {
            for file in files_of(path)? {
                manifests.add_file(&file)?;
            }
        } else {
            manifests.add_file(path)?;
        }
    }
    Ok(manifests)
}

/// The manifests of a folder, as kubectl chooses them: not those of the folders in it.
fn files_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|file| {
        let extension = file.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("yaml" | "yml" | "json"))
    });
    files.sort();
    Ok(files)
}

impl Manifests {
    fn add_file(&mut self, file: &Path) -> anyhow::Result<()> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
        self.add(&name, &text)
    }

    fn add(&mut self, source: &str, text: &str) -> anyhow::Result<()> {
        for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
            let place = || format!("{source}, document {}", index + 1);
            match Value::deserialize(document).with_context(place)? {
                Value::Null => {}
                Value::Object(object) => self.flatten(Value::Object(object)),
                _ => bail!("{}: is not an object", place()),
            }
        }
        Ok(())
    }

    fn flatten(&mut self, object: Value) {
        match object["items"].as_array() {
            Some(items) if object["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => {
                items.iter().for_each(|item| self.flatten(item.clone()));
            }
            _ => self.objects.push(object),
        }
    }

    /// The Rollout of this name, or the only one.
    ///
    /// # Errors
    /// There are several, or none of this name, or only such of another API group.
    pub fn rollout(&self, group: &str, name: Option<&str>) -> anyhow::Result<Option<Value>> {
        let api_version = format!("{group}/{}", serin_api::rollout::VERSION);
        let rollouts = || self.objects.iter().filter(|object| object["kind"] == "Rollout");
        let ours: Vec<&Value> = rollouts().filter(|found| found["apiVersion"] == *api_version).collect();
        let is_wanted = |found: &&&Value| name.is_none_or(|name| found["metadata"]["name"] == name);
        let wanted: Vec<&Value> = ours.iter().filter(is_wanted).copied().collect();
        let names: Vec<&str> =
            ours.iter().map(|found| found["metadata"]["name"].as_str().unwrap_or_default()).collect();
        match (&*wanted, name) {
            ([only], _) => Ok(Some(Value::clone(only))),
            ([], Some(name)) if !ours.is_empty() => {
                bail!("no file holds a Rollout {name:?}; there are {}", names.join(", "))
            }
            ([], _) => match rollouts().next() {
                Some(other) => bail!("a Rollout's apiVersion is {api_version}, not {}", other["apiVersion"]),
                None => Ok(None),
            },
            _ => bail!("the files hold several Rollouts: name one of {}", names.join(", ")),
        }
    }

    /// All objects.
    pub fn objects(&self) -> &[Value] {
        &self.objects
    }

    /// The Services of a namespace, and all routes. An object that names no namespace belongs to whichever is asked for.
    pub fn others(&self, namespace: &str) -> Vec<Value> {
        let belongs = |object: &&Value| {
            let kind = object["kind"].as_str().unwrap_or_default();
            let is_here = object["metadata"]["namespace"].as_str().is_none_or(|own| own == namespace);
            kind == "Service" && is_here || RouteKind::of(kind).is_some()
        };
        self.objects.iter().filter(belongs).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifests(text: &str) -> Manifests {
        let mut manifests = Manifests::default();
        manifests.add("web.yaml", text).unwrap();
        manifests
    }

    const ROLLOUT: &str = "apiVersion: serin.dev/v1alpha1\nkind: Rollout\nmetadata: {name: web}\n";

    #[test]
    fn documents_lists_and_nothing_are_told_apart() {
        let text =
            format!("{ROLLOUT}---\n---\nkind: List\nitems: [{{kind: Service, metadata: {{name: a}}}}]\n");
        let found = manifests(&text);
        assert_eq!(found.rollout("serin.dev", None).unwrap().unwrap()["metadata"]["name"], "web");
        assert_eq!(found.others("default").len(), 1);
    }

    #[test]
    fn a_mistake_is_told_with_file_and_document() {
        let error = Manifests::default().add("web.yaml", "a: 1\n---\na: [\n").unwrap_err();
        assert!(format!("{error:#}").starts_with("web.yaml, document 2: "), "{error:#}");
        let error = Manifests::default().add("web.yaml", "- a\n").unwrap_err();
        assert_eq!(error.to_string(), "web.yaml, document 1: is not an object");
    }

    #[test]
    fn of_several_rollouts_one_is_named() {
        let other = ROLLOUT.replace("web", "api");
        let both = manifests(&format!("{ROLLOUT}---\n{other}"));
        let told = both.rollout("serin.dev", None).unwrap_err().to_string();
        assert_eq!(told, "the files hold several Rollouts: name one of web, api");
        assert!(both.rollout("serin.dev", Some("api")).unwrap().is_some());
        let told = both.rollout("serin.dev", Some("x")).unwrap_err().to_string();
        assert_eq!(told, "no file holds a Rollout \"x\"; there are web, api");
    }

    #[test]
    fn a_rollout_of_another_group_is_told() {
        let other = manifests(&ROLLOUT.replace("serin.dev", "argoproj.io"));
        let told = other.rollout("serin.dev", None).unwrap_err().to_string();
        assert_eq!(told, "a Rollout's apiVersion is serin.dev/v1alpha1, not \"argoproj.io/v1alpha1\"");
    }

    #[test]
    fn objects_of_other_namespaces_are_left_out() {
        let text =
            "kind: Service\nmetadata: {name: a, namespace: other}\n---\nkind: Service\nmetadata: {name: b}\n";
        assert_eq!(manifests(text).others("shop").len(), 1);
    }
}
