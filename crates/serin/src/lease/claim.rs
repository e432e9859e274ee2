//! The right to write, with its own expiry.

use tokio::sync::watch;
use tokio::time::Instant;

/// The right to write, checked before every write. Cheap to clone and to check.
///
/// It expires by itself, so it is right even when nobody has had time to notice that the lease was not renewed: after
/// the process was stopped and continued, for example.
#[derive(Clone, Debug)]
pub struct Claim {
    /// When the claim expires unless it is renewed; over for good when the sender is gone. `None` where there is no
    /// lease to hold.
    end: Option<watch::Receiver<Instant>>,
}

impl Claim {
    /// A claim that is always current: there is no leader election.
    pub fn unconditional() -> Self {
        Self { end: None }
    }

    /// A claim that lasts until the time that `end` says, and no longer than its sender.
    pub fn until(end: watch::Receiver<Instant>) -> Self {
        Self { end: Some(end) }
    }

    /// Whether this process may write.
    pub fn is_current(&self) -> bool {
        // An error means that the sender is gone.
        self.end.as_ref().is_none_or(|end| end.has_changed().is_ok() && Instant::now() < *end.borrow())
    }

    /// Returns when the claim is over for good. The process must end then.
    pub async fn lost(&self) {
        match &self.end {
            Some(end) => {
                let mut end = end.clone();
                while end.changed().await.is_ok() {}
            }
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_claim_expires_without_anybodys_help() {
        let (sender, end) = watch::channel(Instant::now() + Duration::from_secs(10));
        let claim = Claim::until(end);
        assert!(claim.is_current());
        advance(Duration::from_secs(10)).await;
        assert!(!claim.is_current());
        sender.send_replace(Instant::now() + Duration::from_secs(1));
        assert!(claim.is_current());
    }

    #[tokio::test]
    async fn a_claim_is_lost_with_its_keeper() {
        let (sender, end) = watch::channel(Instant::now() + Duration::from_secs(3600));
        let claim = Claim::until(end);
        drop(sender);
        claim.lost().await;
        assert!(!claim.is_current());
    }

    #[test]
    fn without_election_the_claim_is_always_current() {
        assert!(Claim::unconditional().is_current());
    }
}
