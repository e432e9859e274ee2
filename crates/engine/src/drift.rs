//! Other writers of what is ours: how fast their changes are put back, and when that becomes a contest.

use jiff::{SignedDuration, Timestamp, ToSpan};

/// Corrections that are made at once within [`WINDOW`].
const FREE_CORRECTIONS: usize = 30;
const WINDOW: SignedDuration = SignedDuration::from_secs(10);
const FIRST_INTERVAL: SignedDuration = SignedDuration::from_millis(100);
const LONGEST_INTERVAL: SignedDuration = SignedDuration::from_secs(5);
/// After this much quiet a contest is over.
const QUIET: SignedDuration = SignedDuration::from_secs(60);

/// A change by another writer that an action puts back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// What was changed, as `Kind/name`.
    pub subject: String,
    /// The field manager that changed it, where the object tells.
    pub writer: Option<String>,
    /// Whether this writer has been named in an Event within the last minute.
    pub announced: bool,
}

/// The history of one contested subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contest {
    corrections: Vec<Timestamp>,
    interval: Option<SignedDuration>,
    announced: Vec<(String, Timestamp)>,
}

impl Contest {
    /// Notes a correction made `now`.
    pub fn corrected(&mut self, writer: Option<&str>, now: Timestamp) {
        if !self.is_recent(now) {
            *self = Self::default();
        }
        self.corrections.retain(|at| now.duration_since(*at) < WINDOW);
        self.corrections.push(now);
        self.interval = match self.interval {
            Some(interval) => Some((interval * 2).min(LONGEST_INTERVAL)),
            None if self.corrections.len() > FREE_CORRECTIONS => Some(FIRST_INTERVAL),
            None => None,
        };
        let writer = writer.unwrap_or_default();
        if !self.is_announced(writer, now) {
            self.announced.retain(|(name, _)| name != writer);
            self.announced.push((writer.to_owned(), now));
        }
    }

    /// When the next correction may be made: the past or `now` means at once.
    pub fn next_at(&self, now: Timestamp) -> Timestamp {
        match (self.interval, self.corrections.last()) {
            (Some(interval), Some(last)) if self.is_recent(now) => last.checked_add(interval).unwrap_or(now),
            _ => now,
        }
    }

    /// Whether somebody keeps changing the subject, and until when that is to be said if they stop.
    pub fn contested_until(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.corrections.last()?;
        (self.interval.is_some() && self.is_recent(now)).then(|| last.checked_add(QUIET).unwrap_or(now))
    }

    /// Whether an Event has named this writer within the last minute.
    pub fn is_announced(&self, writer: &str, now: Timestamp) -> bool {
        let minute = 60.seconds();
        self.announced
            .iter()
            .any(|(name, at)| name == writer && at.checked_add(minute).is_ok_and(|until| now < until))
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        self.corrections.last().is_some_and(|last| now.duration_since(*last) < QUIET)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    #[test]
    fn thirty_corrections_are_free_then_the_interval_doubles_to_five_seconds() {
        let mut contest = Contest::default();
        for round in 0..30 {
            contest.corrected(Some("argocd"), at(round));
            assert_eq!(contest.next_at(at(round)), at(round));
            assert_eq!(contest.contested_until(at(round)), None);
        }
        let mut now = 30;
        for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            contest.corrected(Some("argocd"), at(now));
            assert_eq!(contest.next_at(at(now)), at(now + expected));
            assert!(contest.contested_until(at(now)).is_some());
            now += expected;
        }
    }

    #[test]
    fn sixty_quiet_seconds_end_a_contest() {
        let mut contest = Contest::default();
        for _ in 0..40 {
            contest.corrected(None, at(0));
        }
        assert_eq!(contest.contested_until(at(59_999)), Some(at(60_000)));
        assert_eq!(contest.contested_until(at(60_000)), None);
        assert_eq!(contest.next_at(at(60_000)), at(60_000));
    }

    #[test]
    fn a_slow_writer_is_corrected_at_once_for_ever() {
        let mut contest = Contest::default();
        for round in 0..1000 {
            contest.corrected(Some("flux"), at(round * 1000));
            assert_eq!(contest.next_at(at(round * 1000)), at(round * 1000));
        }
    }

    #[test]
    fn each_writer_is_named_once_a_minute() {
        let mut contest = Contest::default();
        assert!(!contest.is_announced("flux", at(0)));
        contest.corrected(Some("flux"), at(0));
        assert!(contest.is_announced("flux", at(59_000)));
        assert!(!contest.is_announced("argocd", at(1)));
        contest.corrected(Some("flux"), at(30_000));
        assert!(!contest.is_announced("flux", at(60_000)));
    }

    #[test]
    fn corrections_count_for_ten_seconds() {
        let mut contest = Contest::default();
        for _ in 0..30 {
            contest.corrected(None, at(0));
        }
        contest.corrected(None, at(10_000));
        assert_eq!(contest.next_at(at(10_000)), at(10_000));
    }

    #[test]
    fn naming_one_writer_does_not_forget_another() {
        let mut contest = Contest::default();
        contest.corrected(Some("argocd"), at(0));
        contest.corrected(Some("flux"), at(1000));
        assert!(contest.is_announced("argocd", at(2000)));
        assert!(contest.is_announced("flux", at(2000)));
    }
}
