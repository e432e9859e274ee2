//! Contents that are known by their digests.

use std::io::Write;

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use oci_spec::image::{Descriptor, Digest, MediaType};
use serde::Serialize;

use crate::File;

/// The blobs of an archive.
#[derive(Default)]
pub struct Blobs(Vec<File>);

impl Blobs {
    /// Adds a blob, and tells what others refer to it by.
    pub fn add(&mut self, media_type: MediaType, content: Vec<u8>) -> Result<Descriptor> {
        let digest = sha256(&content)?;
        let descriptor = Descriptor::new(media_type, content.len() as u64, digest.clone());
        self.0.push(File { path: format!("/blobs/sha256/{}", digest.digest()), content, mode: 0o644 });
        Ok(descriptor)
    }

    /// The files that hold them.
    pub fn into_files(self) -> Vec<File> {
        self.0
    }
}

/// The digest of a content.
pub fn sha256(content: &[u8]) -> Result<Digest> {
    let sum = ring::digest::digest(&ring::digest::SHA256, content);
    let hex: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("sha256:{hex}").parse()?)
}

/// Its keys are in order: annotations and labels come from hash maps, whose order is another one in each process.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(serde_json::to_vec(&value)?)
}

/// Compressed, without a time and a name.
pub fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}
