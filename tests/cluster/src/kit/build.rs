//! Builds what is missing of a folder of parts.
//!
//! A file is there under its final name or not at all, because it is built elsewhere and renamed: an
//! interrupted build leaves the finished parts usable and the rest to be built again.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};

use crate::go;

/// How the folders begin that parts are built in.
const SCRATCH: &str = "scratch-";

/// One part of the kit: where it lands and how it is made.
pub struct Part {
    pub name: &'static str,
    pub version: &'static str,
    pub place: PathBuf,
    pub make: fn(scratch: &Path, product: &Path) -> Result<()>,
}

/// Makes whatever of the parts is not there yet.
pub fn complete(root: &Path, parts: impl Fn() -> Vec<Part>) -> Result<()> {
    if missing(parts()).is_empty() {
        return Ok(());
    }
    go::available()?;
    build(root, parts).with_context(|| format!("building the cluster's programs in {}", root.display()))
}

fn missing(mut parts: Vec<Part>) -> Vec<Part> {
    parts.retain(|part| !part.place.exists());
    parts
}

fn build(root: &Path, parts: impl Fn() -> Vec<Part>) -> Result<()> {
    fs::create_dir_all(root)?;
    let _only_builder = lock(&root.join("lock"))?;
    remove_leftovers(root)?;
    // Looked for again: while this process waited for the lock, another one has built.
    let missing = missing(parts());
    for (index, part) in missing.iter().enumerate() {
        let started = Instant::now();
        eprint!("cluster: building {} {} ({}/{})…", part.name, part.version, index + 1, missing.len());
        // A new one each time: the compiler of an interrupted build may still be writing to the last.
        let scratch = tempfile::Builder::new().prefix(SCRATCH).tempdir_in(root)?;
        let product = scratch.path().join(part.place.file_name().context("a part has a name")?);
        if let Err(error) = (part.make)(scratch.path(), &product) {
            eprintln!(" failed");
            return Err(error.context(format!("building {}", part.name)));
        }
        fs::create_dir_all(part.place.parent().context("a part is in a folder")?)?;
        fs::rename(&product, &part.place)?;
        eprintln!(" {} s", started.elapsed().as_secs());
    }
    Ok(())
}

/// Builds that were interrupted had no chance to do it; called under the lock.
fn remove_leftovers(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// The lock ends with the process that holds it, however that ends.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            eprintln!("cluster: waiting for another build to finish");
            file.lock()?;
        }
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    Ok(file)
}
