//! Makes and writes the certificates, tokens and kubeconfigs of one cluster.

use std::fs;

use anyhow::Result;

use crate::components::{Identity, Layout};
use crate::kubeconfig::Kubeconfig;
use crate::pki::{Authority, TokenKey, random_token};

pub(crate) struct Credentials {
    pub ca_pem: String,
    pub admin_token: String,
}

/// For the control plane, and for those who speak to the API server beside it.
pub(crate) fn write(layout: &Layout, others: &[Identity]) -> Result<Credentials> {
    fs::create_dir_all(layout.folder.join("pki"))?;
    let authority = Authority::generate()?;
    fs::write(layout.ca(), &authority.certificate)?;
    write_certificates(layout, &authority)?;
    let token_key = TokenKey::generate()?;
    fs::write(layout.token_key(), token_key.private)?;
    fs::write(layout.token_public_key(), token_key.public)?;
    Ok(Credentials { ca_pem: authority.certificate, admin_token: write_tokens(layout, others)? })
}

fn write_certificates(layout: &Layout, authority: &Authority) -> Result<()> {
    let names = ["127.0.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let mut reached_by = names.map(str::to_owned).to_vec();
    if let Some(host) = layout.host {
        reached_by.push(host.to_string());
        reached_by.push(Layout::SERVICE_ADDRESS.to_string());
        // The two prove themselves to each other: logs, exec and port-forward go this way.
        let kubelet = authority.server("kubelet", &[host.to_string()])?;
        fs::write(layout.kubelet_certificate(), kubelet.certificate)?;
        fs::write(layout.kubelet_key(), kubelet.key)?;
        let client = authority.client("kube-apiserver", "system:masters")?;
        fs::write(layout.kubelet_client_certificate(), client.certificate)?;
        fs::write(layout.kubelet_client_key(), client.key)?;
    }
    let server = authority.server("kube-apiserver", &reached_by)?;
    fs::write(layout.server_certificate(), server.certificate)?;
    fs::write(layout.server_key(), server.key)?;
    Ok(())
}

/// One token and one kubeconfig for each; answers the administrator's token.
fn write_tokens(layout: &Layout, others: &[Identity]) -> Result<String> {
    let (url, ca_file) = (layout.url(), layout.ca());
    let mut table = String::new();
    let mut admin_token = String::new();
    for identity in Identity::CONTROL_PLANE.iter().chain(others) {
        let (token, user, group) = (random_token()?, identity.user(), identity.group());
        table.push_str(&format!("{token},{user},{user},\"{group}\"\n"));
        Kubeconfig { url: &url, ca_file: &ca_file, token: &token, namespace: "default" }
            .write(&identity.kubeconfig(&layout.folder))?;
        if *identity == Identity::Admin {
            admin_token = token;
        }
    }
    fs::write(layout.tokens(), table)?;
    Ok(admin_token)
}
