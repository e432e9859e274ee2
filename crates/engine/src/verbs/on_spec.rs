//! Verbs that change the spec: templates, steps, replicas, restarts, `spec.paused`, and the end.

use super::{Expect, Outcome, State};

use Expect::{GoesOn, Holds, NewCanary, NoEffect, Removed, Restarts, Rests, Scales, StartsOver};
use State::{
    Aborted, Aborting, Committing, Degraded, FirstDeploy, HandOver, Healthy, Paused, Stepping, Superseding,
};

pub(super) fn undo_to_stable(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "Nothing: there is no such template.",
            why: "No revision was ever stable.",
            expect: NoEffect,
        },
        Stepping | Paused | Committing | Superseding => &Outcome {
            what: "The canary ends at once: its weight is 0 with the next write, then its Service returns and its pods go. \
                   The Rollout is Healthy, without the verdict that an abort leaves.",
            why: "What is wanted is what serves already, so there is nothing to test in steps.",
            expect: Rests(Healthy),
        },
        HandOver => &Outcome {
            what: "Nothing: the stable revision is the wanted one by now. To take a promotion back, undo to the revision \
                   before.",
            why: "The promotion is recorded; what is left of it finishes.",
            expect: NoEffect,
        },
        Aborting | Aborted => &Outcome {
            what: "The abort ends with its cause: the Rollout is Healthy as soon as all traffic is back.",
            why: "An abort is for one template, and that is no longer wanted.",
            expect: Rests(Healthy),
        },
        Healthy => &Outcome {
            what: "Nothing.",
            why: "It is the template that is written there already.",
            expect: NoEffect,
        },
        Degraded => &Outcome {
            what: "The canary that hangs ends at once, and the Rollout is Healthy.",
            why: "What is wanted is what serves already. An invalid strategy has to be mended besides.",
            expect: Rests(Healthy),
        },
    }
}

pub(super) fn undo_to_older(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "Nothing: there is no older revision that was stable.",
            why: "No revision was ever stable.",
            expect: NoEffect,
        },
        Healthy => &Outcome {
            what: "The older revision is a canary, from step 0. Its ReplicaSet is used again. To take it quickly, promote \
                   it in full.",
            why: "It was good for the load of its day. Whether it still is, the steps show.",
            expect: NewCanary,
        },
        HandOver => &Outcome {
            what: "What is under way finishes; then the older revision is a canary, from step 0. While its pods still drain \
                   they are used again.",
            why: "Two Services in two states of a change would be one thing too many at a time.",
            expect: NewCanary,
        },
        Aborting | Aborted => &Outcome {
            what: "The abort ends, and the older revision is the canary, from step 0.",
            why: "An abort is for one template, and that is no longer wanted.",
            expect: NewCanary,
        },
        Stepping | Paused | Committing | Superseding | Degraded => &Outcome {
            what: "The present canary's weight goes to 0, and the older revision takes its place, from step 0. Its \
                   ReplicaSet is used again.",
            why: "Only the stable revision needs no test; to be back there at once, undo to it.",
            expect: NewCanary,
        },
    }
}

pub(super) fn restart(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "Pods that are older than the time are replaced one by one; the deploy goes on with the new ones.",
            why: "Pods are replaced by what is in the template now, so no step is needed.",
            expect: Restarts,
        },
        Healthy => &Outcome {
            what: "One pod more is started; when it is available, an old one is evicted, and so on until all are new.",
            why: "There are never fewer ready pods than wanted. What a PodDisruptionBudget forbids is tried again later.",
            expect: Restarts,
        },
        Stepping | Paused | Committing | Superseding => &Outcome {
            what: "The stable pods are replaced one by one, then the canary's. The canary goes on meanwhile.",
            why: "No weight depends on which pods of a revision serve, so neither holds the other up.",
            expect: Restarts,
        },
        HandOver => &Outcome {
            what: "The stable pods are replaced one by one while the Services are handed over.",
            why: "Each pod is gone only when another one serves, so the hand-over always finds all it needs.",
            expect: Restarts,
        },
        Aborting | Aborted => &Outcome {
            what: "The stable pods are replaced one by one. The abort stands; the canary's pods go without.",
            why: "The aborted canary has no traffic left that a restart could help.",
            expect: Restarts,
        },
        Degraded => &Outcome {
            what: "The stable pods are replaced one by one, then the canary's; those of them that are not ready first.",
            why: "A pod that serves nobody can be replaced without another one in its place.",
            expect: Restarts,
        },
    }
}

pub(super) fn pause(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "The deploy goes on; the next template will be held.",
            why: "Without it nothing would serve at all.",
            expect: NoEffect,
        },
        Stepping | Superseding => &Outcome {
            what: "The canary gets no weight that it does not have, and no pause is passed. One that has not begun gets no \
                   pods.",
            why: "What was carried out stays, what was not is not begun.",
            expect: Holds,
        },
        Paused => &Outcome {
            what: "It stays at the step even when the pause is over or somebody resumes; a resume is refused until you \
                   unpause. The time of the pause runs on.",
            why: "Two locks on one door: both have to be opened, spec.paused first.",
            expect: Holds,
        },
        Committing => &Outcome {
            what: "The canary keeps its weight and is not promoted until you unpause. It may be aborted meanwhile.",
            why: "The promotion is the last of the gates that are held.",
            expect: Holds,
        },
        Degraded => &Outcome {
            what: "The canary stays as it is; its deadline does not run. The phase is Paused unless the spec is invalid.",
            why: "Time in which nothing may happen is no lack of progress.",
            expect: Holds,
        },
        HandOver => &Outcome {
            what: "What is under way finishes; the next template will be held.",
            why: "Stopped in between, Services and weights would disagree for as long as you pause.",
            expect: NoEffect,
        },
        Aborting | Aborted => &Outcome {
            what: "The abort finishes and stands; a retry or another template will be held.",
            why: "Nothing holds up the way back.",
            expect: NoEffect,
        },
        Healthy => &Outcome {
            what: "The phase is Paused, and the next template will be held before its first pod. Repairs go on.",
            why: "Steps and promotion are held, and there are none under way.",
            expect: NoEffect,
        },
    }
}

pub(super) fn unpause(state: State) -> &'static Outcome {
    match state {
        Stepping | Superseding | Committing => &Outcome {
            what: "Steps and promotion go on from where they were held.",
            why: "Nothing of what was held is lost or done twice.",
            expect: GoesOn,
        },
        Paused => &Outcome {
            what: "The pause of the step still stands, unless its time is over by now: then the step is passed.",
            why: "The two locks are opened one by one; the pause's time ran on.",
            expect: GoesOn,
        },
        Degraded => &Outcome {
            what: "What it lacks is waited for again, and its deadline begins anew.",
            why: "The time in which it was held is no lack of progress.",
            expect: GoesOn,
        },
        FirstDeploy | HandOver | Aborting | Aborted | Healthy => &Outcome {
            what: "Nothing, but the next template will not be held.",
            why: "Nothing of what is under way here was held.",
            expect: GoesOn,
        },
    }
}

pub(super) fn edit_steps(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "The deploy goes on; the next template has the new steps.",
            why: "Steps are not carried out in a first deploy.",
            expect: NoEffect,
        },
        Stepping | Paused | Committing => &Outcome {
            what: "The same canary begins the new steps at step 0: the first weight is written, also a lower one, and pauses \
                   stand again. Pods that serve stay.",
            why: "An index into the old list means nothing in the new one. To skip what is done, set currentStepIndex.",
            expect: StartsOver,
        },
        Superseding => &Outcome {
            what: "The new canary begins with the new steps.",
            why: "It has not begun with the old ones yet.",
            expect: StartsOver,
        },
        Degraded => &Outcome {
            what: "The canary begins the new steps at step 0, and its deadline begins anew. What it lacks is still needed.",
            why: "Steps bring no pods. A mistake in the old steps is mended by it, and then it goes on.",
            expect: Rests(Degraded),
        },
        HandOver | Healthy => &Outcome {
            what: "Nothing, but the next template has the new steps.",
            why: "No canary is on its way through them.",
            expect: NoEffect,
        },
        Aborting | Aborted => &Outcome {
            what: "The abort stands. A retry or another template has the new steps.",
            why: "An abort is for the template. Other steps do not make it a better one.",
            expect: NoEffect,
        },
    }
}

pub(super) fn change_template(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "The new template takes the place of the one that is being deployed, without steps.",
            why: "There is still nothing to compare with. A broken first template is mended this way.",
            expect: Rests(Healthy),
        },
        Stepping | Paused | Committing | Superseding | Degraded => &Outcome {
            what: "The present canary's weight goes to 0, its pods go, and the new template is the canary, from step 0.",
            why: "There is at most one canary, and nothing that was seen of the old one speaks for the new one.",
            expect: NewCanary,
        },
        HandOver => &Outcome {
            what: "What is under way finishes; then the new template is the canary, from step 0.",
            why: "Two Services in two states of a change would be one thing too many at a time.",
            expect: NewCanary,
        },
        Aborting | Aborted => &Outcome {
            what: "The abort ends, and the new template is the canary, from step 0.",
            why: "An abort is for one template, and that is no longer wanted.",
            expect: NewCanary,
        },
        Healthy => &Outcome {
            what: "The new template is a canary, from step 0.",
            why: "That is what a Rollout is for.",
            expect: NewCanary,
        },
    }
}

pub(super) fn scale(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "The revision gets so many pods; the deploy is over when all of them are available.",
            why: "The number of pods is yours or your autoscaler's at any time.",
            expect: Scales,
        },
        Stepping | Paused | Superseding | Degraded => &Outcome {
            what: "The stable revision gets so many pods, the canary those of its weight. Steps neither wait nor begin \
                   again, and at 0 replicas the step is kept.",
            why: "Scaling opens no gate and closes none. Pods that carry a share stay until it is lowered.",
            expect: Scales,
        },
        Committing => &Outcome {
            what: "Both revisions get so many pods, and the promotion waits until all of the canary's are available.",
            why: "What is promoted must be able to carry everything.",
            expect: Scales,
        },
        HandOver => &Outcome {
            what: "The stable revision gets so many pods; the revision before keeps its own until it has drained.",
            why: "Pods that traffic has not left for sure are not taken away.",
            expect: Scales,
        },
        Aborting | Aborted => &Outcome {
            what: "The stable revision gets so many pods. The abort stands.",
            why: "The number of pods is yours or your autoscaler's at any time.",
            expect: Scales,
        },
        Healthy => &Outcome {
            what: "The stable revision gets so many pods, without steps.",
            why: "Only a change of the template is a canary.",
            expect: Scales,
        },
    }
}

pub(super) fn delete(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "The Services get their own selectors back; then the Rollout and its pods are gone.",
            why: "Nothing was stable, so there is nothing to bring back.",
            expect: Removed,
        },
        Stepping | Paused | Committing | Superseding | Degraded | Aborting => &Outcome {
            what: "All traffic goes to the stable revision, the canary goes, the Services get their own selectors back. \
                   Then, after a minute at most, the Rollout and its pods are gone.",
            why: "Whoever takes over with --cascade=orphan finds the stable pods serving and nothing else.",
            expect: Removed,
        },
        HandOver | Aborted | Healthy => &Outcome {
            what: "What is under way finishes, the Services get their own selectors back. Then, after a minute at most, the \
                   Rollout and its pods are gone.",
            why: "Whoever takes over with --cascade=orphan finds the stable pods serving and nothing else.",
            expect: Removed,
        },
    }
}
