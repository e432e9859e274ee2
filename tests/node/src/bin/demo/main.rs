//! The demo on a real node: both scenarios, with real requests and real messages, told while they happen and checked.
//!
//! `make demo` runs it. It stops where a person is needed and waits for the command that is shown, or for just Enter;
//! with `--auto`, or without a terminal, it goes on by itself.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a demo that shows anything else than it says has failed"
)]

mod canary_aware;
mod pinned_clients;
mod stage;

use std::process::ExitCode;

use serin_node::Site;
use stage::Stage;

fn main() -> ExitCode {
    let stage = Stage::open(std::env::args().any(|arg| arg == "--auto"));
    stage.title("Serin is installed from its own image by its chart: two pods, of which one leads");
    let site = Site::open();
    stage.say(&format!("The pod {} leads.", site.leader().expect("a leader")));
    pinned_clients::play(&stage, &site);
    canary_aware::play(&stage, &site);
    stage.finish()
}
