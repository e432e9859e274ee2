//! Log lines on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::args::{LogArgs, LogFormat};

/// What libraries say about failures that we tell ourselves, once and in our own words.
const QUIET: &str =
    "kube_client::client::builder=off,kube_runtime::watcher=error,kube_runtime::controller=error";

/// Starts logging. Does nothing when it has been started before.
///
/// # Errors
/// The level is neither a level nor a list of them.
pub fn start(args: &LogArgs) -> Result<(), ParseError> {
    let filter = filter(&args.log_level)?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Fails only when logging has been started.
    let _ = match args.log_format {
        LogFormat::Text => logs.with_ansi(io::stderr().is_terminal()).try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    Ok(())
}

fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    // The later of two directives for the same target counts, so what is asked for comes last.
    EnvFilter::builder().parse(format!("{QUIET},{level}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_lists_of_them_are_understood() {
        for level in ["info", "debug", "warn,serin=trace", "info,kube_runtime::watcher=debug"] {
            assert!(filter(level).is_ok(), "{level}");
        }
        assert!(filter("info,serin=loud").is_err());
    }
}
