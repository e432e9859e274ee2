//! Container images without a container engine: files in, an OCI archive out, which containerd, kind and skopeo take.
//!
//! The same image gives the same bytes, whenever and wherever it is written: a digest tells whether anything differs.

mod blobs;
mod reference;
mod tarball;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use oci_spec::distribution::Reference;
use oci_spec::image::{
    ANNOTATION_REF_NAME, ConfigBuilder, Descriptor, ImageConfiguration, ImageConfigurationBuilder,
    ImageIndexBuilder, ImageManifestBuilder, MediaType, OciLayoutBuilder, Os, PlatformBuilder, RootFsBuilder,
};

/// The architecture that an image is for. Its default is this machine's.
pub use oci_spec::image::Arch;

use blobs::{Blobs, gzip, json, sha256};

/// What containerd names the image by. Without it the tag would be all that it knows.
const CONTAINERD_NAME: &str = "io.containerd.image.name";

/// A regular file. It belongs to root; the folders above it come of themselves, as root's and readable by all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Absolute, inside the image, with neither `.` nor `..` in it: `/etc/passwd`.
    pub path: String,
    pub content: Vec<u8>,
    /// The permissions: `0o755` for a program.
    pub mode: u32,
}

/// An image for Linux with one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its whole name, with registry and tag: `localhost/pause:1`.
    pub reference: String,
    pub files: Vec<File>,
    /// The program and its first arguments. None where empty: then each container has to name its command.
    pub entrypoint: Vec<String>,
    /// Each as `NAME=value`. There is no `PATH` but the one given here.
    pub env: Vec<String>,
    /// `65532:65532`. Where there is none, root. Only a number lets Kubernetes see that it is not root.
    pub user: Option<String>,
    pub labels: BTreeMap<String, String>,
}

impl Image {
    /// Writes the image for the architecture of this machine, and tells the digest of its manifest: `sha256:…`.
    ///
    /// The folders above `to` are made; a file that is there is replaced.
    ///
    /// # Errors
    ///
    /// A reference that is not written in full, a path that is not absolute or is there twice, a file that cannot be
    /// written.
    pub fn write_archive(&self, to: &Path) -> Result<String> {
        self.write_archive_for(Arch::default(), to)
    }

    /// As [`Image::write_archive`], for programs of another architecture.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn write_archive_for(&self, architecture: Arch, to: &Path) -> Result<String> {
        let reference = reference::parse(&self.reference)?;
        let mut blobs = Blobs::default();
        let manifest =
            self.add_to(&mut blobs, &architecture).with_context(|| format!("image {reference}"))?;
        let digest = manifest.digest().to_string();
        let index = ImageIndexBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageIndex)
            .manifests([named(manifest, &reference, architecture)?])
            .build()?;
        let layout = OciLayoutBuilder::default().image_layout_version("1.0.0").build()?;
        let mut files = blobs.into_files();
        files.push(File { path: "/index.json".to_owned(), content: json(&index)?, mode: 0o644 });
        files.push(File { path: "/oci-layout".to_owned(), content: json(&layout)?, mode: 0o644 });
        write(to, &tarball::of(&files)?).with_context(|| format!("cannot write {}", to.display()))?;
        Ok(digest)
    }

    /// The layer, the configuration and the manifest, of which the descriptor is returned.
    fn add_to(&self, blobs: &mut Blobs, architecture: &Arch) -> Result<Descriptor> {
        let files = tarball::of(&self.files)?;
        let config = blobs.add(MediaType::ImageConfig, json(&self.configuration(&files, architecture)?)?)?;
        let layer = blobs.add(MediaType::ImageLayerGzip, gzip(&files)?)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers([layer])
            .build()?;
        blobs.add(MediaType::ImageManifest, json(&manifest)?)
    }

    /// Without a time: it would differ each time.
    fn configuration(&self, files: &[u8], architecture: &Arch) -> Result<ImageConfiguration> {
        let mut config = ConfigBuilder::default().build()?;
        config
            .set_entrypoint(Some(self.entrypoint.clone()).filter(|words| !words.is_empty()))
            .set_env(Some(self.env.clone()).filter(|variables| !variables.is_empty()))
            .set_user(self.user.clone())
            .set_labels(
                Some(self.labels.clone().into_iter().collect())
                    .filter(|labels: &HashMap<_, _>| !labels.is_empty()),
            );
        let configuration = ImageConfigurationBuilder::default()
            .architecture(architecture.clone())
            .os(Os::Linux)
            .config(config)
            // What the files are, however they come to be compressed.
            .rootfs(RootFsBuilder::default().diff_ids([sha256(files)?.to_string()]).build()?);
        Ok(configuration.build()?)
    }
}

/// What tells an importer the image's name, and whether it is for its machine.
fn named(mut manifest: Descriptor, reference: &Reference, architecture: Arch) -> Result<Descriptor> {
    let mut names = HashMap::from([(CONTAINERD_NAME.to_owned(), reference.whole())]);
    names.extend(reference.tag().map(|tag| (ANNOTATION_REF_NAME.to_owned(), tag.to_owned())));
    manifest
        .set_annotations(Some(names))
        .set_platform(Some(PlatformBuilder::default().architecture(architecture).os(Os::Linux).build()?));
    Ok(manifest)
}

fn write(to: &Path, archive: &[u8]) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(to, archive)?)
}
