//! What a person or a step holds.

use serin_api::conditions::reason;
use serin_api::status::Phase;

use super::{Announcement, Finding, PAUSED, Rule};
use crate::events::reasons;
use crate::waits::Wait;

pub const HELD: Rule = Rule {
    name: "held",
    when: "`spec.paused` is true: steps and promotion are held.",
    advice: "Set it to false when you are ready; the command is under `unblock`.",
    phase: Phase::Paused,
    message: "manually paused",
    progressing: PAUSED,
    waits: &[Wait::Unpause],
    event: None,
    finds: |facts| {
        facts.world().rollout.paused.then(|| Finding {
            words: "Rollout is paused".into(),
            wait: Some((
                Wait::Unpause,
                "spec.paused holds the steps and the promotion".into(),
                Some(facts.patch("", r#"{"spec":{"paused":false}}"#)),
            )),
        })
    },
};

pub const STEP_PAUSES: Rule = Rule {
    name: "step-pauses",
    when: "A `pause` step is carried out.",
    advice: "Look whether the canary is good; resume by the command under `unblock`, or abort. A pause with a time \
             ends by itself.",
    phase: Phase::Paused,
    message: reason::CANARY_PAUSE_STEP,
    progressing: PAUSED,
    waits: &[Wait::Resume, Wait::PauseDuration],
    event: Some(Announcement {
        reason: reasons::ROLLOUT_PAUSED,
        is_new: |facts, _| facts.status().pause_conditions != facts.world().recorded.pause_conditions,
        note: |facts, finding| {
            // What lets a pause go on is noted with it, before anything else is.
            let command = facts.status().waiting_for.iter().find_map(|wait| wait.unblock.as_deref());
            let how = command.map(|command| format!("; to go on: {command}")).unwrap_or_default();
            format!("{} ({}){how}", finding.words, reason::CANARY_PAUSE_STEP)
        },
    }),
    finds: |facts| {
        let pauses = !facts.status().pause_conditions.is_empty();
        pauses.then(|| Finding::saying("Rollout is paused"))
    },
};
