//! Archives of files, with nothing in them of when, where and by whom they were written.

use std::collections::BTreeMap;
use std::io;

use anyhow::{Result, ensure};
use tar::{Builder, EntryType, Header};

use crate::File;

/// The files, and each folder above them once, in the order of their paths.
pub fn of(files: &[File]) -> Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for (path, file) in entries(files)? {
        match file {
            Some(File { content, mode, .. }) => {
                append(&mut builder, path, EntryType::Regular, content, mode & 0o7777)?;
            }
            None => append(&mut builder, &format!("{path}/"), EntryType::Directory, &[], 0o755)?,
        }
    }
    Ok(builder.into_inner()?)
}

/// By path, which has lost its first slash. What has no file is a folder.
fn entries(files: &[File]) -> Result<BTreeMap<&str, Option<&File>>> {
    let mut entries = BTreeMap::new();
    for file in files {
        let path = relative(&file.path)?;
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        for folder in folders {
            let known = entries.insert(folder, None);
            ensure!(known.flatten().is_none(), "`/{folder}` is a file, and a folder of `/{path}`");
        }
        let known = entries.insert(path, Some(file));
        ensure!(known.is_none(), "`/{path}` is there twice, or is a folder too");
    }
    Ok(entries)
}

/// The path from the root.
fn relative(path: &str) -> Result<&str> {
    let relative = path.strip_prefix('/').unwrap_or_default();
    let plain = relative.split('/').all(|name| !matches!(name, "" | "." | ".."));
    ensure!(plain, "`{path}` is no path of a file in an image: write it from the root, as in `/etc/passwd`");
    Ok(relative)
}

fn append(
    builder: &mut Builder<Vec<u8>>,
    path: &str,
    kind: EntryType,
    content: &[u8],
    mode: u32,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    builder.append_data(&mut header, path, content)
}
