//! What is in the image. The Dockerfile makes the same one.

use std::collections::BTreeMap;

use pem::{EncodeConfig, LineEnding, Pem};
use serin_image::{File, Image};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// By number: the kubelet takes no name for a proof that it is not root.
const USER: &str = "65532:65532";

/// The image of this program, which was built from this revision.
pub fn image(reference: String, program: Vec<u8>, revision: &str) -> Image {
    let labels = [
        ("title", "serin"),
        ("version", env!("CARGO_PKG_VERSION")),
        ("revision", revision),
        ("source", env!("CARGO_PKG_REPOSITORY")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
    ];
    Image {
        reference,
        files: vec![
            file("/serin", program, 0o755),
            file("/etc/passwd", PASSWD.into(), 0o644),
            file("/etc/group", GROUP.into(), 0o644),
            file(AUTHORITIES, authorities().into_bytes(), 0o644),
        ],
        entrypoint: vec!["/serin".to_owned()],
        env: vec![format!("SSL_CERT_FILE={AUTHORITIES}")],
        user: Some(USER.to_owned()),
        labels: labels
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value.to_owned()))
            .into(),
    }
}

/// The image of an example's program, which says by its environment which version it is.
pub fn example(reference: String, name: &str, program: Vec<u8>, env: &[&str]) -> Image {
    let path = format!("/{name}");
    Image {
        reference,
        files: vec![
            file(&path, program, 0o755),
            file("/etc/passwd", PASSWD.into(), 0o644),
            file("/etc/group", GROUP.into(), 0o644),
        ],
        entrypoint: vec![path],
        env: env.iter().map(|&variable| variable.to_owned()).collect(),
        user: Some(USER.to_owned()),
        labels: BTreeMap::new(),
    }
}

fn file(path: &str, content: Vec<u8>, mode: u32) -> File {
    File { path: path.to_owned(), content, mode }
}

/// The authorities that Mozilla trusts, for what is outside of the cluster.
fn authorities() -> String {
    let certificates: Vec<_> = TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|certificate| Pem::new("CERTIFICATE", certificate.as_ref()))
        .collect();
    pem::encode_many_config(&certificates, EncodeConfig::new().set_line_ending(LineEnding::LF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_can_be_read_back() {
        let certificates = pem::parse_many(authorities()).unwrap();
        assert!(certificates.len() > 100, "there are only {}", certificates.len());
        assert_eq!(certificates.len(), TLS_SERVER_ROOT_CERTS.len());
        for (read, written) in certificates.iter().zip(TLS_SERVER_ROOT_CERTS) {
            assert_eq!((read.tag(), read.contents()), ("CERTIFICATE", written.as_ref()));
        }
    }

    #[test]
    fn the_user_is_one_of_the_image_and_not_root() {
        let (user, group) = USER.split_once(':').unwrap();
        assert!(PASSWD.contains(&format!("\nnonroot:x:{user}:{group}:")));
        assert!(GROUP.contains(&format!("\nnonroot:x:{group}:")));
        assert_ne!(user.parse(), Ok(0));
    }

    #[test]
    fn the_image_tells_what_is_in_it() {
        let image = image("localhost/serin:1".to_owned(), b"program".to_vec(), "c0ffee-dirty");
        let label = |name: &str| image.labels[&format!("org.opencontainers.image.{name}")].as_str();
        assert_eq!(
            ["title", "revision", "source", "licenses"].map(label),
            ["serin", "c0ffee-dirty", "https://github.com/serin-dev/serin", "Apache-2.0"]
        );
    }
}
