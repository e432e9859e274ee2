//! The operator's container image: a static program, the authorities it trusts and its user, and nothing else.

mod build;
mod chart;
mod contents;
mod elf;
pub mod example;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use build::Workspace;
use chart::Chart;
use serin_image::Arch;

/// What a cluster is to pull for each node. Above it, something has come in that does not belong there.
const MOST_BYTES: u64 = 25 << 20;

#[derive(clap::Args)]
pub struct Options {
    /// Where the archive is written [default: image/serin.tar in cargo's target folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The image's tag [default: the one that the chart asks for]
    #[arg(long)]
    tag: Option<String>,
    /// A static build of the operator to use [default: one is built, optimised]
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// Writes the image of the operator, and tells how to load it.
pub fn write(root: &Path, options: &Options) -> Result<()> {
    let root = fs::canonicalize(root)?;
    let chart = Chart::read(&root)?;
    let tag = options.tag.as_deref().unwrap_or(&chart.tag);
    let reference = format!("{}:{tag}", chart.repository);
    let revision = revision(&root)?;
    let workspace = Workspace::at(root)?;
    let program = match &options.binary {
        Some(binary) => binary.clone(),
        None => workspace.build("serin", &[("SERIN_COMMIT", &revision)])?,
    };
    let out = match &options.out {
        Some(out) => std::path::absolute(out)?,
        None => workspace.target.join("image/serin.tar"),
    };

    let (content, architecture) = static_program(&program)?;
    let digest =
        contents::image(reference.clone(), content, &revision).write_archive_for(architecture, &out)?;
    let size = fs::metadata(&out)?.len();
    println!("{reference} {digest}\n{} {} KiB", out.display(), size.div_ceil(1 << 10));
    ensure!(
        size <= MOST_BYTES,
        "the image is larger than {} MiB: find out what has come in, or raise the limit in xtask/src/image.rs",
        MOST_BYTES >> 20
    );
    println!(
        "\nTo load it into a cluster:\n  cargo run -p serin-cluster -- load {out}\n  kind load image-archive {out}",
        out = out.display()
    );
    Ok(())
}

/// A program that needs no file beside it, and what it runs on.
fn static_program(path: &Path) -> Result<(Vec<u8>, Arch)> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let architecture = elf::architecture(&content)
        .with_context(|| format!("{} cannot be the program of an image", path.display()))?;
    Ok((content, architecture))
}

/// The commit, and whether it is all that the image is built from.
fn revision(root: &Path) -> Result<String> {
    let git = |arguments: &[&str]| stdout(Command::new("git").arg("-C").arg(root).args(arguments));
    let commit = git(&["rev-parse", "HEAD"]).context("the image names the commit that it is built from")?;
    let dirty = if git(&["status", "--porcelain"])?.is_empty() { "" } else { "-dirty" };
    Ok(format!("{commit}{dirty}"))
}

/// What a command prints, without the line's end.
fn stdout(command: &mut Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "{} failed: {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    Ok(String::from_utf8(output.stdout)?.trim_end().to_owned())
}
