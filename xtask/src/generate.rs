//! Which files are generated, and whether they are fresh.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::{manifest, reference};

/// A generated file.
struct Output {
    /// From the root of the repository.
    path: &'static str,
    /// Its whole text.
    render: fn() -> Result<String>,
}

const OUTPUTS: &[Output] = &[
    Output { path: "crds/rollouts.serin.dev.yaml", render: manifest::crd },
    Output { path: "charts/serin/templates/crds.yaml", render: manifest::chart_template },
    Output { path: "docs/reference/spec.md", render: reference::spec },
    Output { path: "docs/reference/status.md", render: reference::status },
    Output { path: "docs/reference/preflight.md", render: reference::preflight },
    Output { path: "docs/reference/states.md", render: || Ok(reference::states()) },
];

/// Writes every generated file.
pub fn write(root: &Path) -> Result<()> {
    for output in OUTPUTS {
        let path = root.join(output.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, (output.render)()?).with_context(|| format!("cannot write {}", output.path))?;
    }
    Ok(())
}

/// Fails, and names the files, if any is missing or not what would be written.
pub fn check(root: &Path) -> Result<()> {
    let mut stale = Vec::new();
    for output in OUTPUTS {
        let wanted = (output.render)()?;
        if fs::read_to_string(root.join(output.path)).ok() != Some(wanted) {
            stale.push(output.path);
        }
    }
    if !stale.is_empty() {
        bail!("out of date: {}\nrun `cargo xtask gen` and commit the result", stale.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_fresh() {
        let root = tempfile::tempdir().unwrap();
        write(root.path()).unwrap();
        check(root.path()).unwrap();
    }

    #[test]
    fn stale_and_missing_files_are_named_with_the_remedy() {
        let root = tempfile::tempdir().unwrap();
        write(root.path()).unwrap();
        fs::write(root.path().join("docs/reference/spec.md"), "old").unwrap();
        fs::remove_file(root.path().join("crds/rollouts.serin.dev.yaml")).unwrap();
        let message = check(root.path()).unwrap_err().to_string();
        assert_eq!(
            message,
            "out of date: crds/rollouts.serin.dev.yaml, docs/reference/spec.md\n\
             run `cargo xtask gen` and commit the result"
        );
    }
}
