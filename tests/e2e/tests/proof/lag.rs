use jiff::SignedDuration;
use serin_e2e::gateway::lives::{Lags, play};

#[test]
fn no_request_fails_with_routes_8_s_and_endpoints_18_s_late_and_delays_as_they_are_by_default() {
    play(
        "late",
        Lags {
            routes: SignedDuration::from_secs(8),
            endpoints: SignedDuration::from_secs(18),
            scale_down_delay: None,
        },
    );
}
