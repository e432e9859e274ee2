//! Which image the Helm chart asks for.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_yaml::Value;

/// The chart's image, as its template `serin.image` puts it together.
#[derive(Debug, PartialEq, Eq)]
pub struct Chart {
    /// With the registry: `ghcr.io/serin-dev/serin`.
    pub repository: String,
    /// The chart's appVersion, unless its values say otherwise.
    pub tag: String,
}

impl Chart {
    pub fn read(root: &Path) -> Result<Self> {
        let chart = yaml(&root.join("charts/serin/Chart.yaml"))?;
        let values = yaml(&root.join("charts/serin/values.yaml"))?;
        let image = &values["image"];
        let tag = text(image, "tag").unwrap_or_default();
        Ok(Self {
            repository: text(image, "repository").context("in image of charts/serin/values.yaml")?,
            tag: if tag.is_empty() {
                text(&chart, "appVersion").context("in charts/serin/Chart.yaml")?
            } else {
                tag
            },
        })
    }
}

fn yaml(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_yaml::from_str(&text).with_context(|| format!("cannot read {}", path.display()))
}

fn text(value: &Value, key: &str) -> Result<String> {
    value[key].as_str().map(str::to_owned).with_context(|| format!("{key} is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_asks_for_the_version_that_is_built() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let wanted = Chart {
            repository: "ghcr.io/serin-dev/serin".to_owned(),
            tag: env!("CARGO_PKG_VERSION").to_owned(),
        };
        assert_eq!(Chart::read(root).unwrap(), wanted);
    }

    #[test]
    fn a_tag_in_the_values_wins() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("charts/serin");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("Chart.yaml"), "appVersion: 1.2.3\n").unwrap();
        fs::write(folder.join("values.yaml"), "image: {repository: example.com/serin, tag: canary}\n")
            .unwrap();
        let wanted = Chart { repository: "example.com/serin".to_owned(), tag: "canary".to_owned() };
        assert_eq!(Chart::read(root.path()).unwrap(), wanted);
    }
}
