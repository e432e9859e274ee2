//! What a write broke.

/// Collects violations of one write.
#[derive(Debug)]
pub struct Verdict<'a> {
    write: &'a str,
    pub violations: Vec<String>,
}

impl<'a> Verdict<'a> {
    pub fn of(write: &'a str) -> Self {
        Self { write, violations: Vec::new() }
    }

    /// Notes a violation unless something holds.
    pub fn require(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(format!("{}: {}", self.write, otherwise()));
        }
    }
}
