//! The certificates, keys and tokens of one cluster; they are worth nothing outside of it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

pub(crate) struct Pki {
    pub ca_pem: String,
    pub server_pem: String,
    pub server_key_pem: String,
    /// Signs ServiceAccount tokens.
    pub token_key_pem: String,
    /// Proves them: a private key in this format is not accepted in its place.
    pub token_public_pem: String,
}

impl Pki {
    pub(crate) fn generate() -> Result<Self> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "cluster-ca");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);

        let server_key = KeyPair::generate()?;
        let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
        let mut server = CertificateParams::new(names.map(str::to_owned))?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let server_pem = server.signed_by(&server_key, &issuer)?.pem();

        let token_key = KeyPair::generate()?;
        Ok(Self {
            ca_pem,
            server_pem,
            server_key_pem: server_key.serialize_pem(),
            token_key_pem: token_key.serialize_pem(),
            token_public_pem: token_key.public_key_pem(),
        })
    }
}

/// A bearer token nobody can guess.
pub(crate) fn random_token() -> Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    let mut token = String::new();
    for byte in bytes {
        write!(token, "{byte:02x}")?;
    }
    Ok(token)
}
