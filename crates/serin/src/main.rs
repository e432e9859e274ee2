//! Serin, a canary rollout operator for Kubernetes.

mod admin;
mod apply;
mod args;
mod bundle;
mod client;
mod clock;
mod controller;
mod events;
mod explain;
#[cfg(test)]
mod fake_api;
mod leading;
mod lease;
mod live;
mod logging;
mod metrics;
mod plan;
mod preflight;
mod probe;
mod readiness;
mod release;
mod replay;
mod run;
mod stop;
mod triggers;
mod watch;
mod words;

fn main() -> std::process::ExitCode {
    // Before the first client: TLS has to be told which cryptography to use. Fails only if it was told before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    run::run(<args::Cli as clap::Parser>::parse())
}
