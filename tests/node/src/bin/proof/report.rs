//! What is printed: a line for each number, and whether each promise held.

use std::cell::Cell;

#[derive(Default)]
pub struct Report {
    broken: Cell<usize>,
    kept: Cell<usize>,
}

impl Report {
    /// A promise, told with its numbers.
    pub fn promise(&self, text: &str, holds: bool) {
        let count = if holds { &self.kept } else { &self.broken };
        count.set(count.get() + 1);
        println!("  {}  {text}", if holds { "yes" } else { "NO " });
    }

    /// A number that nothing was promised about.
    pub fn number(text: &str) {
        println!("       {text}");
    }

    pub fn kept(&self) -> usize {
        self.kept.get()
    }

    pub fn broken(&self) -> usize {
        self.broken.get()
    }
}

/// Microseconds in milliseconds.
pub fn millis(micros: i64) -> String {
    format!("{} ms", (micros + 500) / 1000)
}

/// The middle one and the largest.
pub fn middle_and_most(mut micros: Vec<i64>) -> String {
    micros.sort_unstable();
    match (micros.get(micros.len() / 2), micros.last()) {
        (Some(middle), Some(most)) => format!("{} (median), {} (most)", millis(*middle), millis(*most)),
        _ => "never".to_owned(),
    }
}
