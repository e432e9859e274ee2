//! Order statistics of measured durations.

use std::time::Duration;

/// Prints the median, the 95th and 99th percentile and the largest of a row of durations.
pub fn print(what: &str, durations: &mut [Duration]) {
    durations.sort();
    let at = |percent: usize| durations[((durations.len() - 1) * percent).div_ceil(100)];
    println!(
        "  {what:<44} p50 {:>8} p95 {:>8} p99 {:>8} max {:>8}",
        millis(at(50)),
        millis(at(95)),
        millis(at(99)),
        millis(at(100))
    );
}

/// Milliseconds with one digit.
pub fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
