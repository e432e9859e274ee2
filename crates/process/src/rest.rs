//! When a world in which nothing was left to do has to be looked at again.

use jiff::Timestamp;

/// A world in which nothing is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Identifies the versions of all objects.
    pub fingerprint: u64,
    /// When that was found.
    pub since: Timestamp,
    /// When to look again although none of them has changed.
    pub until: Option<Timestamp>,
}

impl Rest {
    /// Whether nothing can be left to do now in a world with this fingerprint. Before it was found, the clock has been set
    /// back, and no time that was waited for means anything.
    pub fn holds(&self, fingerprint: u64, now: Timestamp) -> bool {
        self.fingerprint == fingerprint && self.since <= now && self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn it_ends_with_a_change_with_its_time_or_with_a_clock_that_is_set_back() {
        let at = |second: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let rest = Rest { fingerprint: 7, since: at(10), until: Some(at(20)) };
        let holds = [rest.holds(7, at(10)), rest.holds(7, at(19))];
        let is_over = [rest.holds(8, at(15)), rest.holds(7, at(20)), rest.holds(7, at(9))];
        assert_eq!((holds, is_over), ([true; 2], [false; 3]));
        assert!(Rest { until: None, ..rest }.holds(7, at(1000)));
    }
}
