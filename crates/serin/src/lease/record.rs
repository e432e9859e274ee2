//! What is written into a Lease, and what is concluded from what is read.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use tokio::time::Instant;

/// The spec of a Lease and when this process first saw it so.
///
/// The times in a Lease are by its holder's clock and only for people. Whether a holder lives is judged by whether
/// the spec keeps changing, and by this process's own clock.
#[derive(Debug)]
pub struct Observed {
    spec: LeaseSpec,
    since: Instant,
}

impl Observed {
    /// Takes in what was read. An unchanged spec keeps the time of its first sight; metadata does not count.
    pub fn update(observed: &mut Option<Self>, lease: &Lease) {
        let spec = lease.spec.clone().unwrap_or_default();
        if observed.as_ref().is_none_or(|observed| observed.spec != spec) {
            *observed = Some(Self { spec, since: Instant::now() });
        }
    }

    /// Who holds the lease; `None` when it is vacant or its holder has not renewed it for as long as it promised.
    pub fn holder(&self, default: Duration) -> Option<&str> {
        let holder = self.spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())?;
        (Instant::now() < self.since + self.duration(default)).then_some(holder)
    }

    /// For how long the holder may believe that it leads after each renewal; `default` where it does not say.
    pub fn duration(&self, default: Duration) -> Duration {
        let seconds = self.spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        seconds.map_or(default, Duration::from_secs)
    }
}

/// Whether `identity` is written down as the holder.
pub fn is_held_by(lease: &Lease, identity: &str) -> bool {
    lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref()) == Some(identity)
}

/// The Lease with `identity` as its holder from `now` for `duration`.
pub fn held(mut lease: Lease, identity: &str, duration: Duration, now: Timestamp) -> Lease {
    let renewal = is_held_by(&lease, identity);
    let spec = lease.spec.get_or_insert_default();
    if !renewal {
        spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
        spec.acquire_time = Some(MicroTime(now));
        spec.holder_identity = Some(identity.to_owned());
    }
    spec.lease_duration_seconds = Some(seconds(duration));
    spec.renew_time = Some(MicroTime(now));
    lease
}

/// The Lease without a holder, for anybody to take at once.
pub fn vacated(mut lease: Lease, now: Timestamp) -> Lease {
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    // The API demands at least 1.
    spec.lease_duration_seconds = Some(1);
    spec.renew_time = Some(MicroTime(now));
    spec.acquire_time = Some(MicroTime(now));
    lease
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs().max(1)).unwrap_or(i32::MAX)
}
