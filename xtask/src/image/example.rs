//! Images of the example application, in two versions, for tests and the demo on a real node.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::build::Workspace;
use super::{contents, static_program};

/// The package, which is also the name of its program and of its image.
const PACKAGE: &str = "queue-worker";

/// The image of the application that only answers requests: the same program, told to leave queues alone, and to end at
/// once on SIGTERM. It does nothing to hide a pod that goes while requests are still sent to it.
const WEB: &str = "web-app";

const VERSIONS: [&str; 2] = ["v1", "v2"];

#[derive(clap::Args)]
pub struct Options {
    /// The folder of the archives [default: image in cargo's target folder]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Writes the archives and prints where they are, a line for each.
pub fn write(root: &Path, options: &Options) -> Result<()> {
    let workspace = Workspace::at(fs::canonicalize(root)?)?;
    let out = options.out.clone().unwrap_or_else(|| workspace.target.join("image"));
    let (program, architecture) = static_program(&workspace.build(PACKAGE, &[])?)?;
    for version in VERSIONS {
        let version_variable = format!("APP_VERSION={version}");
        let worker: &[&str] = &[&version_variable];
        for (name, env) in [(PACKAGE, worker), (WEB, &[&version_variable, "QUEUE=off", "END=at-once"])] {
            let archive = out.join(format!("{name}-{version}.tar"));
            let reference = format!("localhost/{name}:{version}");
            let image = contents::example(reference, PACKAGE, program.clone(), env);
            image.write_archive_for(architecture.clone(), &archive)?;
            println!("{}", archive.display());
        }
    }
    Ok(())
}
