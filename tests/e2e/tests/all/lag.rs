//! A gateway whose requests are behind. The lags of the documentation, with delays as they are by default, take minutes:
//! `make proof-lag`.

use jiff::SignedDuration;
use serin_e2e::gateway::lives::{Lags, play};

#[test]
fn no_request_fails_behind_a_gateway_that_lags() {
    play(
        "lag",
        Lags {
            routes: SignedDuration::from_millis(800),
            endpoints: SignedDuration::from_millis(1800),
            scale_down_delay: Some(4),
        },
    );
}
