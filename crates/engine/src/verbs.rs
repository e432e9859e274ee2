//! What people can ask of a Rollout, and what comes of it in each state it can be in: one table, which the tests walk,
//! the documentation is made from, and `serin explain` prints.

mod command;
mod contest;
mod on_canary;
mod on_spec;
mod state;

pub use contest::{Contest, Winner, winner};
pub use state::State;

/// Something that a person asks of a Rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// All traffic back to the stable revision.
    Abort,
    /// Begin again with what was aborted.
    Retry,
    /// Pass the pause that stands.
    Resume,
    /// Leave the step that it is at for the next one.
    PromoteStep,
    /// Walk the rest of the steps without stopping at a pause.
    PromoteFull,
    /// Go on at a step that is named.
    Skip,
    /// The template of the stable revision again.
    UndoToStable,
    /// The template of a revision that was stable before.
    UndoToOlder,
    /// Replace the pods, one by one, without a new template.
    Restart,
    /// `spec.paused: true`.
    Pause,
    /// `spec.paused: false`, where it was true.
    Unpause,
    /// Other steps for the same template.
    EditSteps,
    /// Another template.
    ChangeTemplate,
    /// Another number of replicas.
    Scale,
    /// Delete the Rollout.
    Delete,
}

/// What comes of a verb in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happens, in one or two sentences.
    pub what: &'static str,
    /// Why it is so.
    pub why: &'static str,
    /// The same for tests: what can be seen when operator and cluster have come to rest and nobody else has acted.
    pub expect: Expect,
}

/// What can be seen at rest. "As without" means the state, the step, the stable revision, the weights and the pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Everything is as without.
    NoEffect,
    /// Everything is as without, the request is gone, and an Event with this reason has said so.
    Refused(&'static str),
    /// Everything is as without, and the request is still there: it is carried out when it can be.
    Kept,
    /// It is in this state.
    Rests(State),
    /// The pause that stood is passed, and the next one stands.
    PassesOnePause,
    /// The wanted revision is stable, every remaining weight was written on the way, and no pause has held it.
    PassesEveryPause,
    /// It pauses at the first pause at or after the step that was named.
    GoesOnAt,
    /// The same canary pauses at the first pause of the steps.
    StartsOver,
    /// The template that was written is the canary and pauses at the first pause of the steps; an older canary has no
    /// pods.
    NewCanary,
    /// Everything is as without, and every pod of stable and canary was made after the request.
    Restarts,
    /// No step is done that was not done before, no weight is higher, and nothing is promoted.
    Holds,
    /// Everything is as it would be had it never been paused.
    GoesOn,
    /// Everything is as without, for the new number of replicas.
    Scales,
    /// The Rollout is gone, with its ReplicaSets; the Services have the selectors of their author, and all weight is on
    /// the stable one.
    Removed,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 15] = [
        Self::Abort,
        Self::Retry,
        Self::Resume,
        Self::PromoteStep,
        Self::PromoteFull,
        Self::Skip,
        Self::UndoToStable,
        Self::UndoToOlder,
        Self::Restart,
        Self::Pause,
        Self::Unpause,
        Self::EditSteps,
        Self::ChangeTemplate,
        Self::Scale,
        Self::Delete,
    ];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Retry => "retry",
            Self::Resume => "resume",
            Self::PromoteStep => "promote one step",
            Self::PromoteFull => "promote full",
            Self::Skip => "skip",
            Self::UndoToStable => "undo to the stable revision",
            Self::UndoToOlder => "undo to an older revision",
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Unpause => "unpause",
            Self::EditSteps => "edit the steps",
            Self::ChangeTemplate => "change the template",
            Self::Scale => "scale",
            Self::Delete => "delete",
        }
    }

    /// What it asks for, in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Abort => "Take all traffic off the canary, now.",
            Self::Retry => "Try what was aborted once more, from the first step.",
            Self::Resume => "Pass the pause that stands at one step.",
            Self::PromoteStep => "Leave the present step, done or not, for the next one.",
            Self::PromoteFull => {
                "Walk all remaining weights to promotion and stop at no pause. Pods still come before traffic."
            }
            Self::Skip => "Go on at the step that is named; the number of steps means that all are done.",
            Self::UndoToStable => "Give up the canary by writing the template of the stable revision.",
            Self::UndoToOlder => "Return to a revision that was stable before, by writing its template.",
            Self::Restart => "Replace every pod that is older than the time that is named, one by one.",
            Self::Pause => "Hold steps and promotion where they are.",
            Self::Unpause => "Let steps and promotion go on.",
            Self::EditSteps => "Change the list of steps and nothing else.",
            Self::ChangeTemplate => "Deploy something new.",
            Self::Scale => "Change the number of replicas, by hand or by an autoscaler.",
            Self::Delete => "Delete the Rollout.",
        }
    }
}

/// What comes of `verb` in `state`.
pub fn outcome(verb: Verb, state: State) -> &'static Outcome {
    match verb {
        Verb::Abort => on_canary::abort(state),
        Verb::Retry => on_canary::retry(state),
        Verb::Resume => on_canary::resume(state),
        Verb::PromoteStep => on_canary::promote_step(state),
        Verb::PromoteFull => on_canary::promote_full(state),
        Verb::Skip => on_canary::skip(state),
        Verb::UndoToStable => on_spec::undo_to_stable(state),
        Verb::UndoToOlder => on_spec::undo_to_older(state),
        Verb::Restart => on_spec::restart(state),
        Verb::Pause => on_spec::pause(state),
        Verb::Unpause => on_spec::unpause(state),
        Verb::EditSteps => on_spec::edit_steps(state),
        Verb::ChangeTemplate => on_spec::change_template(state),
        Verb::Scale => on_spec::scale(state),
        Verb::Delete => on_spec::delete(state),
    }
}
