//! What a Rollout waits for: a short reason, the details, and what would let it go on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::status::WaitingFor;

use crate::draft::Draft;

/// Why nothing more happens now. The names are part of the API: people and tools match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Resume,
    PauseDuration,
    Unpause,
    AvailablePods,
    Endpoints,
    StableEndpoints,
    Drain,
    RoleAcknowledgement,
    Retry,
    ValidSpec,
    ContestedWrite,
    RefusedWrite,
}

impl Wait {
    /// Its name in status.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resume => "Resume",
            Self::PauseDuration => "PauseDuration",
            Self::Unpause => "Unpause",
            Self::AvailablePods => "AvailablePods",
            Self::Endpoints => "Endpoints",
            Self::StableEndpoints => "StableEndpoints",
            Self::Drain => "Drain",
            Self::RoleAcknowledgement => "RoleAcknowledgement",
            Self::Retry => "Retry",
            Self::ValidSpec => "ValidSpec",
            Self::ContestedWrite => "ContestedWrite",
            Self::RefusedWrite => "RefusedWrite",
        }
    }
}

impl Draft<'_> {
    /// Notes a wait. One that was there before keeps its beginning, so that `since` tells how long it has lasted.
    pub fn wait(&mut self, wait: Wait, message: impl Into<String>, unblock: Option<String>) {
        let what = wait.name().to_owned();
        let before = self.world.recorded.waiting_for.iter().find(|before| before.what == what);
        let since =
            before.and_then(|before| before.since.clone()).unwrap_or_else(|| Time(self.now_in_seconds()));
        let waiting = WaitingFor { what, message: message.into(), since: Some(since), unblock };
        if !self.status.waiting_for.iter().any(|other| other.what == waiting.what) {
            self.status.waiting_for.push(waiting);
        }
    }
}
