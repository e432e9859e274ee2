//! Leader election by a Lease: at most one process works, and it knows at every moment whether it is that one.
//!
//! The algorithm and its times are those of the Kubernetes client library for Go. A candidate reads the Lease every
//! retry period and takes it when it is vacant or has not changed for as long as its holder promised to be heard of.
//! A leader renews it every retry period, and gives up when it has not managed to for the renew deadline, which is
//! shorter: so the old leader has stopped before the new one starts. Every write carries the version that it
//! replaces, so of two candidates only one succeeds.
//!
//! Nothing is concluded from the times in the Lease. All waiting is measured by this process's monotonic clock, which
//! goes on while the process is stopped by a signal. It does stand still while a whole machine is suspended; then the
//! preconditions that every write carries are what keeps two leaders apart.

mod claim;
mod record;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, Client};
use serin_api::names::FIELD_MANAGER;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{debug, error, info, warn};

pub use self::claim::Claim;
use self::record::Observed;
use crate::clock::Clock;
use serin_process::error::{Category, brief};

/// Which Lease, as whom, and with which times.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// Who holds it: unique for every process that ever runs.
    pub identity: String,
    /// For how long after its last change the others leave the Lease to its holder.
    pub lease_duration: Duration,
    /// For how long after its last renewal began a leader leads. Shorter than the lease duration.
    pub renew_deadline: Duration,
    /// How often candidates look and leaders renew.
    pub retry_period: Duration,
}

impl Settings {
    /// The usual times: 15 s, 10 s and 2 s.
    pub fn new(namespace: String, name: String, identity: String) -> Self {
        Self {
            namespace,
            name,
            identity,
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }

    /// How long one call may take: two of them fit into the renew deadline, so one hung connection is survived.
    fn call_timeout(&self) -> Duration {
        self.renew_deadline / 2
    }
}

/// A new identity: the host's name, which is the pod's, and a random part, because a pod's container may restart.
pub fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = match host.trim() {
        "" => "serin",
        host => host,
    };
    // The standard library seeds every hasher state at random.
    format!("{host}_{:016x}", RandomState::new().build_hasher().finish())
}

/// Why one attempt to read or write the Lease failed.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The API server refused, or could not be reached.
    #[error("{}", brief(.0))]
    Api(#[from] kube::Error),
    /// There was no answer in time.
    #[error("no answer from the API server")]
    Timeout,
}

impl LeaseError {
    /// Whether somebody else wrote or deleted the Lease first.
    fn is_outrun(&self) -> bool {
        matches!(self, Self::Api(error) if matches!(Category::of(error), Category::Conflict | Category::NotFound))
    }
}

/// What came of an attempt to get or keep the Lease.
enum Attempt {
    /// It is ours. The write that made it so was sent at that time.
    Ours { sent: Instant },
    /// It is another's.
    Theirs { holder: String },
}

/// A candidate for leadership.
pub struct Candidate {
    api: Api<Lease>,
    settings: Settings,
    clock: Clock,
    /// Our last version of the Lease, while it is ours.
    ours: Option<Lease>,
    observed: Option<Observed>,
}

impl Candidate {
    /// A candidate. The client should be used for nothing else, and should not retry by itself.
    pub fn new(client: Client, settings: Settings, clock: Clock) -> Self {
        let api = Api::namespaced(client, &settings.namespace);
        Self { api, settings, clock, ours: None, observed: None }
    }

    /// Waits until the Lease is ours. Errors are logged and tried again, for ever.
    pub async fn acquire(mut self) -> Leadership {
        let mut said = String::new();
        loop {
            let now = match self.attempt().await {
                Ok(Attempt::Ours { sent }) => return Leadership::begin(self, sent),
                Ok(Attempt::Theirs { holder }) => format!("standing by: {holder} leads"),
                Err(error) if error.is_outrun() => String::new(),
                Err(error) => format!("standing by: cannot take the lease: {error}"),
            };
            if !now.is_empty() && now != said {
                info!(lease = self.settings.name, namespace = self.settings.namespace, "{now}");
                said = now;
            }
            sleep(self.settings.retry_period).await;
        }
    }

    /// Takes the Lease from whoever holds it, and returns when that one has had to notice.
    pub async fn seize(mut self) -> Leadership {
        loop {
            match self.take(true).await {
                Ok(Attempt::Ours { sent }) => {
                    let notice = self.notice_period();
                    let leadership = Leadership::begin(self, sent);
                    if let Some(notice) = notice {
                        info!("waiting {} s for the former leader to notice", notice.as_secs());
                        sleep(notice).await;
                    }
                    return leadership;
                }
                Ok(Attempt::Theirs { .. }) => {}
                Err(error) => warn!(%error, "cannot take the lease; trying again"),
            }
            sleep(self.settings.retry_period).await;
        }
    }

    /// For how long the holder that was last observed may still believe that it leads; `None` if there was none.
    fn notice_period(&self) -> Option<Duration> {
        let observed = self.observed.as_ref()?;
        observed.holder(self.settings.lease_duration)?;
        Some(observed.duration(self.settings.lease_duration))
    }

    /// Renews the Lease if it is ours, takes it if it is free, or tells whose it is.
    async fn attempt(&mut self) -> Result<Attempt, LeaseError> {
        if let Some(lease) = self.ours.clone() {
            match self.write(lease, self.settings.lease_duration).await {
                // Somebody touched the Lease, or our last answer got lost: look who holds it.
                Err(error) if error.is_outrun() => {}
                written => return written,
            }
        }
        self.take(false).await
    }

    /// Reads the Lease and takes it if it is free or ours, or in any case if `by_force`.
    async fn take(&mut self, by_force: bool) -> Result<Attempt, LeaseError> {
        let Some(lease) = self.call(self.api.get_opt(&self.settings.name)).await? else {
            return self.create().await;
        };
        Observed::update(&mut self.observed, &lease);
        let holder =
            self.observed.as_ref().and_then(|observed| observed.holder(self.settings.lease_duration));
        match holder {
            Some(holder) if holder != self.settings.identity && !by_force => {
                let holder = holder.to_owned();
                self.ours = None;
                Ok(Attempt::Theirs { holder })
            }
            _ => self.write(lease, self.settings.lease_duration).await,
        }
    }

    async fn create(&mut self) -> Result<Attempt, LeaseError> {
        let lease = Lease {
            metadata: ObjectMeta {
                namespace: Some(self.settings.namespace.clone()),
                name: Some(self.settings.name.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        };
        let sent = Instant::now();
        let lease =
            record::held(lease, &self.settings.identity, self.settings.lease_duration, self.clock.now());
        self.ours = Some(self.call(self.api.create(&parameters(), &lease)).await?);
        Ok(Attempt::Ours { sent })
    }

    /// Replaces that version of the Lease by one that is ours.
    async fn write(&mut self, lease: Lease, duration: Duration) -> Result<Attempt, LeaseError> {
        let sent = Instant::now();
        let lease = record::held(lease, &self.settings.identity, duration, self.clock.now());
        self.ours = Some(self.call(self.api.replace(&self.settings.name, &parameters(), &lease)).await?);
        Ok(Attempt::Ours { sent })
    }

    /// Replaces the Lease by what `change` makes of it, if it is still ours.
    async fn leave(&mut self, change: impl Fn(Lease) -> Lease) -> Result<(), LeaseError> {
        let Some(ours) = self.ours.take() else { return Ok(()) };
        match self.call(self.api.replace(&self.settings.name, &parameters(), &change(ours))).await {
            // Our last answer got lost, or somebody touched the Lease, or took it.
            Err(error) if error.is_outrun() => {
                let lease = self.call(self.api.get_opt(&self.settings.name)).await?;
                if let Some(lease) = lease.filter(|lease| record::is_held_by(lease, &self.settings.identity))
                {
                    self.call(self.api.replace(&self.settings.name, &parameters(), &change(lease))).await?;
                }
                Ok(())
            }
            written => written.map(drop),
        }
    }

    async fn call<T>(&self, call: impl Future<Output = kube::Result<T>>) -> Result<T, LeaseError> {
        match timeout(self.settings.call_timeout(), call).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(LeaseError::Timeout),
        }
    }
}

fn parameters() -> PostParams {
    PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

/// A lease that is held, and renewed in the background for as long as this lives.
pub struct Leadership {
    claim: Claim,
    stop: oneshot::Sender<()>,
    renewal: JoinHandle<Candidate>,
}

impl Leadership {
    fn begin(candidate: Candidate, sent: Instant) -> Self {
        info!(identity = candidate.settings.identity, "leading");
        let (end, claim) = watch::channel(sent + candidate.settings.renew_deadline);
        let (stop, stopped) = oneshot::channel();
        let renewal = tokio::spawn(renew(candidate, sent, end, stopped));
        Self { claim: Claim::until(claim), stop, renewal }
    }

    /// The right to write while this lasts.
    pub fn claim(&self) -> Claim {
        self.claim.clone()
    }

    /// Gives the Lease back, so that another process takes over within one retry period. To be called when nothing
    /// writes any more. A failure is logged: the Lease will expire by itself.
    pub async fn release(self) {
        let Some(mut candidate) = self.end().await else { return };
        let clock = candidate.clock.clone();
        match candidate.leave(|lease| record::vacated(lease, clock.now())).await {
            Ok(()) => info!("released the lease"),
            Err(error) => warn!(%error, "could not release the lease; it will expire"),
        }
    }

    /// Stops renewing, and keeps everybody else out for `duration`.
    pub async fn keep_for(self, duration: Duration) -> Result<(), LeaseError> {
        let Some(mut candidate) = self.end().await else { return Ok(()) };
        let (clock, identity) = (candidate.clock.clone(), candidate.settings.identity.clone());
        candidate.leave(|lease| record::held(lease, &identity, duration, clock.now())).await
    }

    /// Ends the renewal, and the claim with it. `None` when the lease was lost before.
    async fn end(self) -> Option<Candidate> {
        // Nobody listens any more when the lease is lost.
        let _ = self.stop.send(());
        self.renewal.await.ok().filter(|candidate| candidate.ours.is_some())
    }
}

/// Renews the Lease until told to stop, or until it is lost. When this returns, `end` is dropped and the claim over.
///
/// A lease that was lost is never taken again by the same process: it must end, because it may have calls under way
/// that were begun when it still led.
async fn renew(
    mut candidate: Candidate,
    mut sent: Instant,
    end: watch::Sender<Instant>,
    mut stop: oneshot::Receiver<()>,
) -> Candidate {
    let (period, deadline) = (candidate.settings.retry_period, candidate.settings.renew_deadline);
    let lost = loop {
        tokio::select! {
            biased;
            _ = &mut stop => return candidate,
            () = sleep_until((Instant::now() + period).min(sent + deadline)) => {}
        }
        if Instant::now() >= sent + deadline {
            break format!("it was not renewed for {} s", deadline.as_secs());
        }
        match timeout_at(sent + deadline, candidate.attempt()).await {
            Ok(Ok(Attempt::Ours { sent: renewed })) => {
                debug!("renewed the lease");
                sent = renewed;
                end.send_replace(sent + deadline);
            }
            Ok(Ok(Attempt::Theirs { holder })) => break format!("{holder} has taken it"),
            Ok(Err(error)) => warn!(%error, "could not renew the lease; trying again"),
            // The deadline has passed, as the next round finds.
            Err(_) => {}
        }
    };
    error!("lost the lease: {lost}");
    candidate.ours = None;
    candidate
}

#[cfg(test)]
mod tests;
