//! The only place that reads the time of day.
//!
//! Time enters the engine as an argument. Durations inside the process are measured with `tokio::time::Instant`,
//! which nobody can set back.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time of day. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The computer's own clock.
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that reads `start` now and moves with tokio's clock, which tests can pause and advance.
    #[cfg(test)]
    pub fn starting_at(start: &str) -> Self {
        let start: Timestamp = start.parse().unwrap();
        let origin = tokio::time::Instant::now();
        Self(Arc::new(move || start + jiff::SignedDuration::try_from(origin.elapsed()).unwrap()))
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_test_clock_moves_with_tokios() {
        let clock = Clock::starting_at("2026-01-01T00:00:00Z");
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:01.5Z");
    }
}
