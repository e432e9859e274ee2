//! The certificates, keys and tokens of one cluster; they are worth nothing outside of it.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// What every certificate of one cluster is proved by.
pub(crate) struct Authority {
    pub certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) struct Credential {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub(crate) fn generate() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "cluster-ca");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = ca.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(ca, key) })
    }

    /// For a server that is reached by these names and addresses.
    pub(crate) fn server(&self, name: &str, reached_by: &[String]) -> Result<Credential> {
        let mut server = CertificateParams::new(reached_by)?;
        server.distinguished_name.push(DnType::CommonName, name);
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(server)
    }

    /// For a client that acts as a user of a group.
    pub(crate) fn client(&self, user: &str, group: &str) -> Result<Credential> {
        let mut client = CertificateParams::default();
        client.distinguished_name.push(DnType::CommonName, user);
        client.distinguished_name.push(DnType::OrganizationName, group);
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(client)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Credential> {
        let key = KeyPair::generate()?;
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?.pem();
        Ok(Credential { certificate, key: key.serialize_pem() })
    }
}

/// Signs ServiceAccount tokens, and proves them: a private key in this format is not accepted in its place.
pub(crate) struct TokenKey {
    pub private: String,
    pub public: String,
}

impl TokenKey {
    pub(crate) fn generate() -> Result<Self> {
        let key = KeyPair::generate()?;
        Ok(Self { private: key.serialize_pem(), public: key.public_key_pem() })
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
