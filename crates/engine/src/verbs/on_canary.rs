//! Verbs about the canary that is under way: abort and retry, and the ways past a step.

use super::{Expect, Outcome, State};

use Expect::{GoesOnAt, Kept, NoEffect, PassesEveryPause, PassesOnePause, Refused, Rests, StartsOver};
use State::{
    Aborted, Aborting, Committing, Degraded, FirstDeploy, HandOver, Healthy, Paused, Stepping, Superseding,
};

const NO_CANARY: &str = "There is no canary: the wanted revision is the stable one.";
const NEVER_STABLE: &str = "Steps are not carried out in a first deploy: there is nothing to compare with.";
const ABORTED_FIRST: &str =
    "An abort stands until somebody retries or writes another template; nothing else lifts it.";

pub(super) fn abort(state: State) -> &'static Outcome {
    match state {
        FirstDeploy => &Outcome {
            what: "Refused. The deploy goes on. To stop it, change the template or delete the Rollout.",
            why: "No revision was ever stable, so there is none that the traffic could return to.",
            expect: Refused("AbortRefused"),
        },
        Stepping | Paused => &Outcome {
            what: "The canary's weight is 0 with the next write. Then the canary Service returns to the stable revision, \
                   and the canary's pods go after abortScaleDownDelaySeconds.",
            why: "An abort waits for nothing but one ready stable pod: no pause, no spec.paused, no invalid spec.",
            expect: Rests(Aborted),
        },
        Committing => &Outcome {
            what: "As at any step before: all traffic returns to the stable revision, which still has all its pods.",
            why: "Until the canary is recorded as stable nothing is final. If the record is written first, the abort is \
                  refused.",
            expect: Rests(Aborted),
        },
        HandOver => &Outcome {
            what: "Refused. What is under way finishes. To go back, undo to the revision before.",
            why: "The wanted revision is the stable one already: the traffic is where an abort would bring it.",
            expect: Refused("AbortRefused"),
        },
        Aborting => &Outcome {
            what: "Nothing more: it is being aborted. If it takes long, status.waitingFor says why.",
            why: "An abort that stands is not begun again.",
            expect: NoEffect,
        },
        Aborted => &Outcome {
            what: "Nothing more: all traffic is on the stable revision.",
            why: "An abort that stands is not begun again.",
            expect: NoEffect,
        },
        Superseding => &Outcome {
            what: "The newest template is aborted. All traffic returns to the stable revision, also from the older canary.",
            why: "`current` means what the template describes when the request is read. No canary may keep a share.",
            expect: Rests(Aborted),
        },
        Healthy => &Outcome {
            what: "Refused. To go back to the revision before, undo to it.",
            why: NO_CANARY,
            expect: Refused("AbortRefused"),
        },
        Degraded => &Outcome {
            what: "The canary's weight is 0 with the next write, and the canary goes. The stable revision serves on.",
            why: "What holds the canary up does not hold up its abort, not even a spec that cannot be read.",
            expect: Rests(Aborted),
        },
    }
}

pub(super) fn retry(state: State) -> &'static Outcome {
    match state {
        Aborting | Aborted => &Outcome {
            what: "The same canary begins again at step 0, with the pods that it still has.",
            why: "Nothing of the first attempt counts: what was wrong then may be wrong in its first step.",
            expect: StartsOver,
        },
        FirstDeploy => &Outcome {
            what: "Nothing: the deploy goes on.",
            why: "A first deploy cannot be aborted, and so not be retried.",
            expect: NoEffect,
        },
        HandOver | Healthy => &Outcome { what: "Nothing.", why: NO_CANARY, expect: NoEffect },
        Degraded => &Outcome {
            what: "Nothing: it goes on by itself as soon as the cause in status.message is gone.",
            why: "Nobody has aborted it; a step that could not be finished is still being tried.",
            expect: NoEffect,
        },
        Stepping | Paused | Committing | Superseding => &Outcome {
            what: "Nothing: the canary goes on as before.",
            why: "It is not aborted. To begin again from the first step, set currentStepIndex to 0.",
            expect: NoEffect,
        },
    }
}

pub(super) fn resume(state: State) -> &'static Outcome {
    match state {
        Paused => &Outcome {
            what: "The pause is passed, and the next step is carried out. While spec.paused is true it is refused.",
            why: "A request names one step and passes the pause that stands there, once, however often it is sent.",
            expect: PassesOnePause,
        },
        FirstDeploy => &Outcome {
            what: "Refused. The deploy goes on.",
            why: NEVER_STABLE,
            expect: Refused("ResumeRefused"),
        },
        HandOver | Healthy => &Outcome { what: "Refused.", why: NO_CANARY, expect: Refused("ResumeRefused") },
        Aborting | Aborted => &Outcome {
            what: "Refused. Retry it first.",
            why: ABORTED_FIRST,
            expect: Refused("ResumeRefused"),
        },
        Degraded => &Outcome {
            what: "Refused, where it hangs in a step. A pause that stands is passed, and it goes on as soon as the cause in \
                   status.message is gone.",
            why: "A request passes the pause that it names, whatever else is wrong. What else is wrong holds the next step.",
            expect: Refused("ResumeRefused"),
        },
        Stepping | Committing | Superseding => &Outcome {
            what: "Refused. Send it again when the pause stands; it goes on without you until then.",
            why: "No pause stands. A request that waited could pass one that nobody had looked at.",
            expect: Refused("ResumeRefused"),
        },
    }
}

pub(super) fn promote_step(state: State) -> &'static Outcome {
    match state {
        Stepping => &Outcome {
            what: "It goes on at the next step without finishing this one. If that is a pause, it begins now.",
            why: "Only judgement is skipped: traffic still comes after the pods that it needs.",
            expect: GoesOnAt,
        },
        Paused => &Outcome {
            what: "The pause is passed, exactly this one: if the next step is a pause too, that one begins afresh.",
            why: "Any request passes at most one pause.",
            expect: GoesOnAt,
        },
        Superseding => &Outcome {
            what: "The new canary leaves its first step, provided that status names it already. Otherwise nothing.",
            why: "The step in status belongs to the template that status names; a newer one begins at step 0.",
            expect: GoesOnAt,
        },
        Degraded => &Outcome {
            what: "It leaves the step that it hangs in. If the next one is a pause, that stands, and the phase is Paused.",
            why: "You are taken at your word, but its weight stays where it is until the pods are there.",
            expect: GoesOnAt,
        },
        Committing => &Outcome {
            what: "Nothing: it is promoted as soon as all pods and all traffic are there.",
            why: "No step is left. The promotion itself cannot be skipped.",
            expect: NoEffect,
        },
        FirstDeploy => &Outcome { what: "Nothing: the deploy goes on.", why: NEVER_STABLE, expect: NoEffect },
        HandOver | Healthy => &Outcome { what: "Nothing.", why: NO_CANARY, expect: NoEffect },
        Aborting | Aborted => {
            &Outcome { what: "Nothing. Retry it first.", why: ABORTED_FIRST, expect: NoEffect }
        }
    }
}

pub(super) fn promote_full(state: State) -> &'static Outcome {
    match state {
        Stepping | Paused => &Outcome {
            what: "It walks all remaining weights to promotion and stops at no pause. Each weight waits for its pods and \
                   endpoints as always.",
            why: "You answer for all pauses at once. There is no jump: pods come before traffic at every weight.",
            expect: PassesEveryPause,
        },
        Committing => &Outcome {
            what: "It is promoted as soon as all pods and all traffic are there, as without.",
            why: "No pause is left to be passed.",
            expect: PassesEveryPause,
        },
        Superseding => &Outcome {
            what: "The new canary walks all its weights and stops at no pause, provided that status names it already. \
                   Otherwise the request is dropped.",
            why: "A request is for the template that its author saw in status. A newer one has to be asked for itself.",
            expect: PassesEveryPause,
        },
        Degraded => &Outcome {
            what: "It is kept. When the cause in status.message is gone, it walks on and stops at no pause.",
            why: "It opens pauses. Pods that are missing and specs that cannot be used are no pauses.",
            expect: Kept,
        },
        FirstDeploy => &Outcome {
            what: "Refused. The deploy goes on.",
            why: NEVER_STABLE,
            expect: Refused("PromoteFullRefused"),
        },
        HandOver | Healthy => {
            &Outcome { what: "Refused.", why: NO_CANARY, expect: Refused("PromoteFullRefused") }
        }
        Aborting | Aborted => &Outcome {
            what: "Refused. Retry it first.",
            why: "An abort wins over everything that would go forward.",
            expect: Refused("PromoteFullRefused"),
        },
    }
}

pub(super) fn skip(state: State) -> &'static Outcome {
    match state {
        Stepping | Paused => &Outcome {
            what: "It goes on at the step that is named, also at one that it has passed. A number beyond the steps means \
                   that all are done: then it gets all pods, all traffic, and is promoted.",
            why: "Only judgement is skipped. Pods still come before traffic, and a pause that is skipped to begins afresh.",
            expect: Rests(Healthy),
        },
        Superseding => &Outcome {
            what: "The new canary goes on at the step that is named, provided that status names the canary already. \
                   Otherwise nothing.",
            why: "The step in status belongs to the template that status names; a newer one begins at step 0.",
            expect: Rests(Healthy),
        },
        Degraded => &Outcome {
            what: "It leaves the step that it hangs in. With all steps skipped it gets all its pods, and stays as it is until \
                   they are ready.",
            why: "No judgement is left that would hold it; what it lacks are pods.",
            expect: Rests(Degraded),
        },
        Committing => &Outcome {
            what: "Nothing, where the end is named. An earlier step is gone back to: its weight is written, its pauses \
                   stand again.",
            why: "Until it is recorded as stable, the step is yours to name.",
            expect: NoEffect,
        },
        FirstDeploy => &Outcome { what: "Nothing: the deploy goes on.", why: NEVER_STABLE, expect: NoEffect },
        HandOver | Healthy => &Outcome { what: "Nothing.", why: NO_CANARY, expect: NoEffect },
        Aborting | Aborted => {
            &Outcome { what: "Nothing. Retry it first.", why: ABORTED_FIRST, expect: NoEffect }
        }
    }
}
