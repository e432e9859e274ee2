//! An archive is read back as an importer does it: from the index down.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;
use oci_spec::image::{Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest, OciLayout, Os};
use tar::{Archive, EntryType};

use crate::blobs::sha256;
use crate::{File, Image};

const LONG: &str =
    "/opt/a-folder-whose-name-goes-on-for-a-while/and-another-one-below-it-that-does-so-as-well/program";

fn file(path: &str, content: &[u8], mode: u32) -> File {
    File { path: path.to_owned(), content: content.to_owned(), mode }
}

fn image() -> Image {
    Image {
        reference: "localhost/pause:1".to_owned(),
        files: vec![
            file("/pause", b"\x7fELF", 0o755),
            file("/etc/passwd", b"root:x:0:0::/:/\n", 0o644),
            file("/etc/group", b"root:x:0:\n", 0o644),
            file("/etc-of-old/secret", b"", 0o100_600),
            file(LONG, b"long", 0o4755),
        ],
        entrypoint: vec!["/pause".to_owned(), "--forever".to_owned()],
        env: vec!["PATH=/".to_owned()],
        user: Some("65532:65532".to_owned()),
        labels: [("title", "pause"), ("version", "1"), ("licenses", "MIT"), ("source", "here")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    }
}

fn written(image: &Image) -> (String, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some/folder/image.tar");
    let digest = image.write_archive(&path).unwrap();
    (digest, fs::read(&path).unwrap())
}

fn refusal(image: &Image) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let error = image.write_archive(&path).unwrap_err();
    assert!(!path.exists(), "a refused image is not written");
    format!("{error:#}")
}

/// Kind, mode and content.
type Entry = (EntryType, u32, Vec<u8>);

/// What is in an archive, by path and in the order in which it is there.
fn unpacked(archive: &[u8]) -> Vec<(String, Entry)> {
    let mut archive = Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let header = entry.header().clone();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        (path, (header.entry_type(), header.mode().unwrap(), content))
    });
    entries.collect()
}

/// The files of an archive, by path.
struct Layout {
    files: BTreeMap<String, Entry>,
}

impl Layout {
    fn blob(&self, descriptor: &Descriptor) -> &[u8] {
        let (_, _, content) = &self.files[&format!("blobs/sha256/{}", descriptor.digest().digest())];
        assert_eq!(content.len() as u64, descriptor.size());
        assert_eq!(&sha256(content).unwrap(), descriptor.digest());
        content
    }
}

#[test]
fn the_same_image_gives_the_same_bytes() {
    let mut shuffled = image();
    shuffled.files.reverse();
    assert_eq!(written(&image()), written(&image()));
    assert_eq!(written(&image()), written(&shuffled), "whatever the order in which the files are given");
}

#[test]
fn another_content_gives_another_digest() {
    let mut other = image();
    other.files[0].content.push(0);
    assert_ne!(written(&image()).0, written(&other).0);
}

#[test]
fn whatever_is_referred_to_is_there_with_that_digest_and_size() {
    let (digest, archive) = written(&image());
    let read = Layout { files: unpacked(&archive).into_iter().collect() };

    let layout = OciLayout::from_reader(&*read.files["oci-layout"].2).unwrap();
    assert_eq!(layout.image_layout_version(), "1.0.0");

    let index = ImageIndex::from_reader(&*read.files["index.json"].2).unwrap();
    let [manifest] = &index.manifests()[..] else { panic!("one image: {index:?}") };
    assert_eq!(manifest.digest().to_string(), digest);
    let names = manifest.annotations().as_ref().unwrap();
    assert_eq!(names["io.containerd.image.name"], "localhost/pause:1");
    assert_eq!(names["org.opencontainers.image.ref.name"], "1");
    let platform = manifest.platform().as_ref().unwrap();
    assert_eq!((platform.os(), platform.architecture()), (&Os::Linux, &Arch::default()));

    let manifest = ImageManifest::from_reader(read.blob(manifest)).unwrap();
    let configuration = ImageConfiguration::from_reader(read.blob(manifest.config())).unwrap();
    assert_eq!((configuration.os(), configuration.architecture()), (&Os::Linux, &Arch::default()));
    let config = configuration.config().as_ref().unwrap();
    assert_eq!(config.entrypoint(), &Some(image().entrypoint));
    assert_eq!(config.env(), &Some(image().env));
    assert_eq!(config.user(), &image().user);
    assert_eq!(config.labels(), &Some(image().labels.into_iter().collect()));

    let [layer] = &manifest.layers()[..] else { panic!("one layer: {manifest:?}") };
    let mut files = Vec::new();
    GzDecoder::new(read.blob(layer)).read_to_end(&mut files).unwrap();
    assert_eq!(configuration.rootfs().diff_ids(), &[sha256(&files).unwrap().to_string()]);

    let folder = |path: &str| (path.to_owned(), (EntryType::Directory, 0o755, Vec::new()));
    let file =
        |path: &str, mode, content: &[u8]| (path.to_owned(), (EntryType::Regular, mode, content.to_owned()));
    let (above, _) = LONG.rsplit_once('/').unwrap();
    let (above_that, _) = above.rsplit_once('/').unwrap();
    assert_eq!(
        unpacked(&files),
        [
            folder("etc/"),
            folder("etc-of-old/"),
            file("etc-of-old/secret", 0o600, b""),
            file("etc/group", 0o644, b"root:x:0:\n"),
            file("etc/passwd", 0o644, b"root:x:0:0::/:/\n"),
            folder("opt/"),
            folder(&format!("{}/", &above_that[1..])),
            folder(&format!("{}/", &above[1..])),
            file(&LONG[1..], 0o4755, b"long"),
            file("pause", 0o755, b"\x7fELF"),
        ]
    );
}

#[test]
fn an_image_is_for_the_architecture_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let architectures = [Arch::Amd64, Arch::ARM64].map(|architecture| {
        let path = folder.path().join(architecture.to_string());
        image().write_archive_for(architecture, &path).unwrap();
        let files: BTreeMap<_, _> = unpacked(&fs::read(&path).unwrap()).into_iter().collect();
        let index: serde_json::Value = serde_json::from_slice(&files["index.json"].2).unwrap();
        index["manifests"][0]["platform"]["architecture"].as_str().unwrap().to_owned()
    });
    assert_eq!(architectures, ["amd64", "arm64"]);
}

#[test]
fn a_reference_that_leaves_something_out_is_refused_with_what_to_write() {
    let cases = [
        ("localhost/pause", "write `localhost/pause:latest`"),
        ("pause:1", "write `docker.io/library/pause:1`"),
        ("serin-dev/serin:1", "write `docker.io/serin-dev/serin:1`"),
        ("localhost/Pause:1", "write REGISTRY/NAME:TAG in small letters"),
        ("", "write REGISTRY/NAME:TAG"),
        (&format!("localhost/pause:1@sha256:{}", "0".repeat(64)), "name it by a tag alone"),
    ];
    for (reference, remedy) in cases {
        let message = refusal(&Image { reference: reference.to_owned(), ..image() });
        assert!(message.contains(&format!("`{reference}`")) && message.contains(remedy), "{message}");
    }
}

#[test]
fn a_port_is_no_tag() {
    let message = refusal(&Image { reference: "localhost:5000/pause".to_owned(), ..image() });
    assert!(message.contains("write `localhost:5000/pause:latest`"), "{message}");
    written(&Image { reference: "localhost:5000/pause:1".to_owned(), ..image() });
}

#[test]
fn a_path_that_an_image_cannot_have_is_refused() {
    for path in ["etc/passwd", "/", "", "/etc/", "/etc//passwd", "/../etc/passwd", "/./etc"] {
        let message = refusal(&Image { files: vec![file(path, b"", 0o644)], ..image() });
        assert!(message.contains(&format!("`{path}` is no path of a file in an image")), "{message}");
    }
}

#[test]
fn a_path_is_there_once() {
    for (one, other) in [("/etc", "/etc"), ("/etc", "/etc/passwd"), ("/etc/passwd", "/etc")] {
        let files = vec![file(one, b"", 0o644), file(other, b"", 0o644)];
        let message = refusal(&Image { files, ..image() });
        assert!(message.contains("`/etc` is"), "{message}");
    }
}
