//! Clients for the API server.

use std::time::Duration;

use http::HeaderValue;
use http::header::USER_AGENT;
use kube::{Client, Config};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a connection may be silent while an answer is awaited. Longer than any watch is silent, because the API
/// server ends each within 290 s and the watcher gives up after 295 s: so this ends only calls that hang.
const SILENCE: Duration = Duration::from_secs(330);

/// Clients for the API server.
pub struct Clients {
    /// For everything but the Lease.
    pub main: Client,
    /// For the Lease alone: its calls must not queue behind others, nor share a connection that hangs.
    pub lease: Client,
    /// The namespace that this process is in, or that the kubeconfig names.
    pub namespace: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is neither a usable kubeconfig nor a service account.
    #[error("no way to the API server is configured")]
    Config(#[from] kube::config::InferConfigError),
    /// The configuration was found but cannot be used.
    #[error("the configuration of the API server cannot be used")]
    Client(#[from] kube::Error),
}

/// Finds the API server: by `KUBECONFIG`, by the usual kubeconfig, or from inside a pod. Does not call it yet.
///
/// # Errors
/// No configuration was found, or it cannot be used.
pub async fn connect() -> Result<Clients, ConnectError> {
    let config = configured(Config::infer().await?);
    Ok(Clients {
        lease: Client::try_from(config.clone())?,
        namespace: config.default_namespace.clone(),
        main: Client::try_from(config)?,
    })
}

fn configured(mut config: Config) -> Config {
    // The client would repeat a refused call up to 15 times over minutes, creations included. But the right to write
    // is checked once, before a call; by the time of a repetition another process may lead. Whoever calls plans
    // again from what is true then.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = Some(SILENCE);
    // Otherwise the time that a connection was idle would count.
    config.reset_reader_on_write = true;
    let agent = HeaderValue::from_static(concat!("serin/", env!("CARGO_PKG_VERSION")));
    config.headers.push((USER_AGENT, agent));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_repeated_behind_our_back() {
        let config = configured(Config::new("https://example.invalid".parse().unwrap()));
        assert!(!config.default_retry);
        assert!(config.reset_reader_on_write);
        assert_eq!(config.headers[0].1, concat!("serin/", env!("CARGO_PKG_VERSION")));
    }
}
