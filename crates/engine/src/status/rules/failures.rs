//! What will not go on by itself.

use serin_api::conditions::{ConditionType, reason};
use serin_api::status::Phase;

use super::{Announcement, Finding, Rule, failed, progressing_differs};
use crate::abort;
use crate::events::reasons;
use crate::status::facts::Facts;
use crate::verification;
use crate::waits::Wait;

pub const INVALID_SPEC: Rule = Rule {
    name: "invalid-spec",
    when: "The spec, or an object that it names, cannot be used.",
    advice: "Mend what the message names: [InvalidSpec](../operations.md#invalidspec). It goes on by itself then.",
    phase: Phase::Degraded,
    message: "InvalidSpec: …",
    progressing: None,
    waits: &[Wait::ValidSpec],
    event: Some(Announcement {
        reason: reasons::INVALID_SPEC,
        is_new: |facts, finding| {
            let recorded = facts.recorded(ConditionType::InvalidSpec);
            recorded.is_none_or(|condition| condition.message != finding.words)
        },
        note: |_, finding| finding.words.clone(),
    }),
    finds: |facts| {
        let words = facts.invalid()?;
        Some(Finding { wait: Some((Wait::ValidSpec, words.clone(), None)), words })
    },
};

pub const ABORTED: Rule = Rule {
    name: "aborted",
    when: "The canary was aborted: all traffic returns to the stable revision, or has returned.",
    advice: "Change the template, or retry by the command under `unblock`: \
             [abort](../operations.md#resume-abort-retry).",
    phase: Phase::Degraded,
    message: "RolloutAborted: …",
    progressing: failed(reason::ROLLOUT_ABORTED),
    waits: &[Wait::Retry],
    event: Some(Announcement {
        reason: reasons::ROLLOUT_ABORTED,
        is_new: |facts, _| facts.status().aborted_pod_hash != facts.world().recorded.aborted_pod_hash,
        note: |_, finding| format!("{}: {}", reason::ROLLOUT_ABORTED, finding.words),
    }),
    finds: |facts| {
        facts.status().abort.then(|| Finding {
            words: abortion(facts),
            wait: Some((
                Wait::Retry,
                "the update was aborted: change the template, or retry it".into(),
                Some(facts.patch("--subresource status ", r#"{"status":{"abort":false}}"#)),
            )),
        })
    },
};

pub const TEMPLATE_REFUSED: Rule = Rule {
    name: "template-refused",
    when: "The API server does not take the template, so that no ReplicaSet can be made of it.",
    advice: "Mend the template by the server's words, or the policy or right that they name. What runs goes on, an \
             older canary with its weight, too. Tried again after 10 s.",
    phase: Phase::Degraded,
    message: "ReplicaSetCreateError: …",
    progressing: failed(reason::REPLICA_SET_CREATE_ERROR),
    waits: &[Wait::RefusedWrite],
    event: Some(Announcement {
        reason: reasons::REPLICA_SET_CREATE_ERROR,
        is_new: |facts, finding| progressing_differs(facts, reason::REPLICA_SET_CREATE_ERROR, &finding.words),
        note: |_, finding| finding.words.clone(),
    }),
    finds: |facts| {
        let refusal = facts.template_refusal()?;
        Some(Finding::saying(format!("Failed to create ReplicaSet {:?}: {refusal}", facts.replica_set())))
    },
};

pub const OUT_OF_TIME: Rule = Rule {
    name: "out-of-time",
    when: "Pods are missing and have not come nearer for `progressDeadlineSeconds`.",
    advice: "Look why the pods do not come: [progress deadline](../operations.md#progress-deadline). Weights stay, and \
             it goes on by itself when they do.",
    phase: Phase::Degraded,
    message: "ProgressDeadlineExceeded: …",
    progressing: failed(reason::PROGRESS_DEADLINE_EXCEEDED),
    waits: &[],
    event: Some(Announcement {
        reason: reasons::PROGRESS_DEADLINE_EXCEEDED,
        is_new: |facts, finding| {
            progressing_differs(facts, reason::PROGRESS_DEADLINE_EXCEEDED, &finding.words)
        },
        note: |_, finding| finding.words.clone(),
    }),
    finds: |facts| {
        let failure = facts.world().current().and_then(|current| current.failure.as_deref());
        let failure = failure.map(|failure| format!(" {failure}")).unwrap_or_default();
        let name = facts.replica_set();
        let words = format!("ReplicaSet {name:?} has timed out progressing.{failure}");
        facts.is_late.then(|| Finding::saying(words))
    },
};

pub const WEIGHTS_UNVERIFIED: Rule = Rule {
    name: "weights-unverified",
    when: "A step, the promotion or a newer canary waits for weights that a gateway refuses, or that are not verified after \
           `verify.timeout`.",
    advice: "Look at the route's status and at the gateway that the message names: \
             [weights that are not verified](../operations.md#weights-that-are-not-verified). Pods and weights stay, and \
             it goes on by itself when the gateway does. An abort is possible at any time.",
    phase: Phase::Degraded,
    message: "WeightsUnverified: …",
    progressing: failed(reason::WEIGHTS_UNVERIFIED),
    waits: &[Wait::VerifiedWeights],
    event: Some(Announcement {
        reason: reasons::WEIGHTS_UNVERIFIED,
        is_new: |facts, finding| progressing_differs(facts, reason::WEIGHTS_UNVERIFIED, &finding.words),
        note: |_, finding| finding.words.clone(),
    }),
    finds: |facts| verification::failure(facts.draft).map(Finding::saying),
};

fn abortion(facts: &Facts<'_, '_>) -> String {
    let number = facts.world().current().map_or(0, |current| current.number);
    let cause = abort::cause(facts.world()).or_else(|| recorded_cause(facts));
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("Rollout aborted update to revision {number}{cause}")
}

/// The cause of an abort outlives what caused it.
fn recorded_cause<'w>(facts: &Facts<'_, 'w>) -> Option<&'w str> {
    let recorded = facts.recorded(ConditionType::Progressing)?;
    let aborted = recorded.reason == reason::ROLLOUT_ABORTED;
    recorded.message.split_once(": ").filter(|_| aborted).map(|(_, cause)| cause)
}
