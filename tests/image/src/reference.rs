//! The names of images.

use anyhow::{Context, Result, ensure};
use oci_spec::distribution::Reference;

/// Reads a name that is written in full.
///
/// What is left out would be guessed: by containerd not at all, by the kubelet as `docker.io` and `latest`. Then a pod
/// does not find the image that was loaded for it.
pub fn parse(written: &str) -> Result<Reference> {
    let reference: Reference = written.parse().with_context(|| {
        format!(
            "`{written}` is no reference of an image: write REGISTRY/NAME:TAG in small letters, \
             as in `localhost/pause:1`"
        )
    })?;
    ensure!(
        reference.digest().is_none(),
        "the image cannot be `{written}`, since its digest follows from its files: name it by a tag alone"
    );
    ensure!(
        reference.whole() == written,
        "the reference `{written}` leaves out the registry or the tag: write `{reference}`, or others than these"
    );
    Ok(reference)
}
