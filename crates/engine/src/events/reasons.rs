//! Every reason that an Event can have.

use serin_api::conditions::reason;

use super::Severity;

/// Why an Event is sent: what people and tools match on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In CamelCase.
    pub name: &'static str,
    pub severity: Severity,
    /// What it tells, in one sentence.
    pub meaning: &'static str,
}

/// Declares each reason and the list of all of them, so that none can be missing there.
macro_rules! reasons {
    ($($constant:ident: $severity:ident $name:expr, $meaning:literal;)*) => {
        $(pub const $constant: Reason = Reason { name: $name, severity: Severity::$severity, meaning: $meaning };)*

        /// Every reason: first what goes on, then what needs a look.
        pub const REASONS: &[Reason] = &[$($constant),*];
    };
}

reasons! {
    NEW_REPLICA_SET_CREATED: Normal reason::NEW_REPLICA_SET, "A revision begins.";
    FOUND_NEW_REPLICA_SET: Normal "FoundNewReplicaSet", "A ReplicaSet without an owner was adopted.";
    SWITCH_SERVICE: Normal "SwitchService",
        "A Service selects another revision; empty means your own selector.";
    TRAFFIC_WEIGHT_UPDATED: Normal "TrafficWeightUpdated",
        "The canary's share on the route was changed. Not told where both Services already have the same pods.";
    ROLLOUT_PAUSED: Normal reason::ROLLOUT_PAUSED,
        "A step begins to pause; the note has the command that passes it.";
    ROLLOUT_RESUMED: Normal "RolloutResumed", "A person has passed a pause.";
    ROLLOUT_COMPLETED: Normal reason::ROLLOUT_COMPLETED,
        "The commit: a revision was recorded as stable. The hand-over follows. Also when a lost record is written anew.";
    SCALING_REPLICA_SET: Normal "ScalingReplicaSet",
        "A ReplicaSet went to 0. Other changes of size are not told.";
    ROLLOUT_HEALTHY: Normal reason::ROLLOUT_HEALTHY, "Healthy again after Degraded.";
    ROLLOUT_ABORTED: Warning reason::ROLLOUT_ABORTED,
        "The canary was aborted; the note has the cause where it was not a person's wish.";
    ABORT_REFUSED: Warning "AbortRefused", "A request to abort was judged and removed; the note says why.";
    RESUME_REFUSED: Warning "ResumeRefused", "A request to resume was judged and removed; the note says why.";
    PROMOTE_FULL_REFUSED: Warning "PromoteFullRefused",
        "There was nothing to promote in full; the note says why. The request is removed.";
    DRIFT_CORRECTED: Warning "DriftCorrected",
        "Somebody changed a weight or a selector; it was put back. Once a minute for each writer and object.";
    ROUTE_CONTESTED: Warning reason::ROUTE_CONTESTED, "Somebody keeps changing what Serin writes.";
    INVALID_SPEC: Warning reason::INVALID_SPEC, "The spec, or an object that it names, cannot be used.";
    PROGRESS_DEADLINE_EXCEEDED: Warning reason::PROGRESS_DEADLINE_EXCEEDED,
        "Pods have not come nearer for too long.";
    WEIGHTS_UNVERIFIED: Warning reason::WEIGHTS_UNVERIFIED,
        "A gateway refuses the weights, or is not known to carry them out after `verify.timeout`; the note names it.";
    REPLICA_SET_CREATE_ERROR: Warning reason::REPLICA_SET_CREATE_ERROR,
        "The API server refused the template; the note has its words.";
    ROLE_ACKNOWLEDGEMENT_TIMEOUT: Warning "RoleAcknowledgementTimeout",
        "Too few promoted pods said in time that they read their role; the old pods went without.";
    ROLE_METADATA_FROZEN: Warning reason::ROLE_METADATA_FROZEN,
        "The template reads role metadata where it never changes.";
    DELETION_TIMEOUT: Warning "DeletionTimeout", "A deletion took longer than 60 s and was let go.";
}
