//! Random moments that can be told again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A sequence of numbers that follows from its seed.
pub struct Chance {
    seed: u64,
    state: u64,
}

impl Chance {
    /// From the environment variable `SERIN_SEED`, else from a seed of its own; it is printed when a test fails.
    pub fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "tests are configured by their environment")]
        let asked = std::env::var("SERIN_SEED").ok();
        let asked = asked.map(|seed| seed.parse().expect("SERIN_SEED is a number"));
        Self::fixed(asked.unwrap_or_else(|| RandomState::new().build_hasher().finish() % 1_000_000))
    }

    /// From this seed.
    pub fn fixed(seed: u64) -> Self {
        eprintln!("SERIN_SEED={seed}");
        Self { seed, state: seed }
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Lets up to so much time pass.
    pub fn sleep_below(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(self.below(millis)));
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("The same moments again, as far as the machine allows: SERIN_SEED={}", self.seed);
        }
    }
}
