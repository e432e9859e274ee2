//! One thing that happens in a story.

use std::fmt;
use std::str::FromStr;

use crate::random::Random;
use crate::setting::{Setting, Trouble};

/// Defines the turns with the words that a story is written in, and the numbers that each takes.
macro_rules! turns {
    ($($(#[$doc:meta])* $name:ident $(($first:ident $(, $second:ident)?))? = $word:literal,)+) => {
        /// One thing that happens. Numbers that choose among objects count from 0 and begin anew behind the last one, so
        /// that a story makes sense with any other turn left out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Turn {
            $($(#[$doc])* $name $({ $first: u32 $(, $second: u32)? })?,)+
        }

        impl Turn {
            /// The words of all turns.
            pub const WORDS: &[&str] = &[$($word),+];

            fn parts(self) -> (&'static str, Vec<u32>) {
                match self {
                    $(Self::$name $({ $first $(, $second)? })? => ($word, vec![$($first $(, $second)?)?]),)+
                }
            }

            fn of(word: &str, mut numbers: impl Iterator<Item = u32>) -> Option<Self> {
                match word {
                    $($word => Some(Self::$name $({
                        $first: numbers.next()? $(, $second: numbers.next()?)?
                    })?),)+
                    _ => None,
                }
            }
        }
    };
}

turns! {
    /// The operator takes so many steps, a call being one, if it has a reason to.
    Operate(steps) = "operate",
    /// The operator goes on until it rests.
    Reconcile = "reconcile",
    /// The operator's process dies and starts again.
    Crash = "crash",
    /// Another process takes over; the first may still send the call that it was about to send.
    TakeOver = "take-over",
    /// The first process sends that call.
    LateCall = "late-call",
    /// A watch tells so many events.
    Hear(kind, events) = "hear",
    /// All watches tell everything.
    HearAll = "hear-all",
    /// A watch tells its last events once more.
    HearAgain(kind, events) = "hear-again",
    /// A watch ends, and begins with a list when it is next heard.
    LoseWatch(kind) = "lose-watch",
    /// The server forgets all changes, so that every watch begins with a list.
    Compact = "compact",
    /// The operator's clock is ahead by so many seconds.
    ClockAhead(seconds) = "clock-ahead",
    /// The operator's clock is behind by so many seconds.
    ClockBehind(seconds) = "clock-behind",
    /// All controllers take so many steps.
    Cluster(steps) = "cluster",
    /// The ReplicaSet controller alone takes a step.
    ReplicaSets = "replica-sets",
    /// The node alone takes a step.
    Node = "node",
    /// The EndpointSlice controller alone takes a step.
    Slices = "slices",
    /// So many seconds pass.
    Time(seconds) = "time",
    /// The operator's next write but so many is refused with this status code.
    Refuse(code, skip) = "refuse",
    /// The answer to the operator's next write but so many is lost.
    LoseAnswer(skip) = "lose-answer",
    /// The operator's next write but so many never arrives.
    LoseCall(skip) = "lose-call",
    /// The namespace may have so many pods.
    Quota(pods) = "quota",
    /// The namespace may have any number of pods again.
    NoQuota = "no-quota",
    /// A template with the image of that version; every fourth one is broken.
    Update(version) = "update",
    /// A template that means the same, written in another way.
    Rewrite = "rewrite",
    /// A template that the server refuses.
    UpdateInvalid = "update-invalid",
    /// The list of steps is edited.
    Steps(list) = "steps",
    /// A request in the spec to pass the pause of that step.
    Resume(step) = "resume",
    /// The same by clearing the pause in status.
    ResumeByStatus = "resume-by-status",
    /// The same by an annotation.
    ResumeByAnnotation(step) = "resume-by-annotation",
    /// The step index is written to status.
    Skip(step) = "skip",
    /// Pause cleared and step index raised by one, as `kubectl argo rollouts promote` may do.
    Promote = "promote",
    /// `promoteFull` is set in status.
    PromoteFull = "promote-full",
    Abort = "abort",
    AbortByAnnotation = "abort-by-annotation",
    Retry = "retry",
    Restart = "restart",
    Pause = "pause",
    Unpause = "unpause",
    Scale(replicas) = "scale",
    /// An autoscaler writes the number of replicas.
    Autoscale(replicas) = "autoscale",
    /// All of status is removed.
    WipeStatus = "wipe-status",
    /// Somebody writes other weights.
    ForeignWeights(stable, canary) = "foreign-weights",
    /// A tool applies the route as it is in Git.
    ApplyRoute = "apply-route",
    /// A tool replaces a Service by what is in Git.
    ApplyService(service) = "apply-service",
    /// A tool applies the Rollout as it is in Git, but for the image.
    ApplyRollout = "apply-rollout",
    DeleteService(service) = "delete-service",
    CreateService(service) = "create-service",
    DeleteRoute = "delete-route",
    CreateRoute = "create-route",
    /// A pod becomes unready.
    Unready(pod) = "unready",
    /// A pod is ready again.
    Ready(pod) = "ready",
    DeletePod(pod) = "delete-pod",
    /// Somebody scales a ReplicaSet.
    ScaleSet(set, pods) = "scale-set",
    DeleteSet(set) = "delete-set",
    /// The Rollout is deleted; with `1` its pods are to stay.
    DeleteRollout(orphan) = "delete-rollout",
    /// It is created again, where it is gone.
    CreateRollout = "create-rollout",
    /// For how many seconds pods have to be ready.
    MinReady(seconds) = "min-ready",
    /// A template that reads the role where it never changes.
    FreezeRole = "freeze-role",
    /// Somebody writes other weights so many times at once, as often as the operator puts them back.
    Fight(times) = "fight",
}

/// How often a turn happens, and in which trouble: with none it always may.
type Chance = (u32, Option<Trouble>, fn(&mut Random) -> Turn);

const CHANCES: &[Chance] = &[
    (10, None, |r| Turn::Operate { steps: 1 + r.below(12) }),
    (8, None, |_| Turn::Reconcile),
    (12, None, |r| Turn::Cluster { steps: 1 + r.below(5) }),
    (1, None, |_| Turn::ReplicaSets),
    (1, None, |_| Turn::Node),
    (1, None, |_| Turn::Slices),
    (4, None, |r| Turn::Time { seconds: 1 + r.below(40) }),
    (1, None, |r| Turn::Time { seconds: 100 + r.below(700) }),
    (4, None, |r| Turn::Update { version: r.below(9) }),
    (4, None, |r| Turn::Resume { step: r.below(4) }),
    (2, None, |_| Turn::ResumeByStatus),
    (9, Some(Trouble::Watches), |r| Turn::Hear { kind: r.below(6), events: 1 + r.below(8) }),
    (7, Some(Trouble::Watches), |_| Turn::HearAll),
    (1, Some(Trouble::Watches), |r| Turn::HearAgain { kind: r.below(6), events: 1 + r.below(5) }),
    (1, Some(Trouble::Watches), |r| Turn::LoseWatch { kind: r.below(6) }),
    (1, Some(Trouble::Watches), |_| Turn::Compact),
    (3, Some(Trouble::Crashes), |_| Turn::Crash),
    (3, Some(Trouble::Leaders), |_| Turn::TakeOver),
    (3, Some(Trouble::Leaders), |_| Turn::LateCall),
    (1, Some(Trouble::Clocks), |r| Turn::ClockAhead { seconds: r.below(90) }),
    (1, Some(Trouble::Clocks), |r| Turn::ClockBehind { seconds: r.below(90) }),
    (3, Some(Trouble::Calls), |r| Turn::Refuse {
        code: [409, 422, 500, 403, 404, 429][r.below(6) as usize],
        skip: r.below(4),
    }),
    (2, Some(Trouble::Calls), |r| Turn::LoseAnswer { skip: r.below(4) }),
    (1, Some(Trouble::Calls), |r| Turn::LoseCall { skip: r.below(4) }),
    (3, Some(Trouble::Pods), |r| Turn::Unready { pod: r.below(10) }),
    (2, Some(Trouble::Pods), |r| Turn::Ready { pod: r.below(10) }),
    (2, Some(Trouble::Pods), |r| Turn::DeletePod { pod: r.below(10) }),
    (1, Some(Trouble::Pods), |r| Turn::Quota { pods: r.below(12) }),
    (1, Some(Trouble::Pods), |_| Turn::NoQuota),
    (2, Some(Trouble::Traffic), |r| Turn::ForeignWeights { stable: r.below(3), canary: r.below(3) }),
    (1, Some(Trouble::Traffic), |r| Turn::Fight { times: 25 + r.below(15) }),
    (1, Some(Trouble::Traffic), |_| Turn::ApplyRoute),
    (1, Some(Trouble::Traffic), |r| Turn::ApplyService { service: r.below(2) }),
    (1, Some(Trouble::Traffic), |r| Turn::DeleteService { service: r.below(2) }),
    (2, Some(Trouble::Traffic), |r| Turn::CreateService { service: r.below(2) }),
    (1, Some(Trouble::Traffic), |_| Turn::DeleteRoute),
    (2, Some(Trouble::Traffic), |_| Turn::CreateRoute),
    (2, Some(Trouble::Sets), |r| Turn::ScaleSet { set: r.below(3), pods: r.below(6) }),
    (1, Some(Trouble::Sets), |r| Turn::DeleteSet { set: r.below(3) }),
    (3, Some(Trouble::Autoscaler), |r| Turn::Autoscale { replicas: r.below(7) }),
    (1, Some(Trouble::Verbs), |r| Turn::DeleteRollout { orphan: r.below(2) }),
    (2, Some(Trouble::Verbs), |_| Turn::CreateRollout),
    (1, Some(Trouble::Verbs), |r| Turn::MinReady { seconds: r.below(8) }),
    (1, Some(Trouble::Verbs), |_| Turn::FreezeRole),
    (1, Some(Trouble::Verbs), |_| Turn::Rewrite),
    (1, Some(Trouble::Verbs), |_| Turn::UpdateInvalid),
    (2, Some(Trouble::Verbs), |r| Turn::Steps { list: r.below(8) }),
    (1, Some(Trouble::Verbs), |r| Turn::ResumeByAnnotation { step: r.below(4) }),
    (1, Some(Trouble::Verbs), |r| Turn::Skip { step: r.below(6) }),
    (1, Some(Trouble::Verbs), |_| Turn::Promote),
    (1, Some(Trouble::Verbs), |_| Turn::PromoteFull),
    (1, Some(Trouble::Verbs), |_| Turn::Abort),
    (2, Some(Trouble::Verbs), |_| Turn::AbortByAnnotation),
    (1, Some(Trouble::Verbs), |_| Turn::Retry),
    (1, Some(Trouble::Verbs), |_| Turn::Restart),
    (1, Some(Trouble::Verbs), |_| Turn::Pause),
    (2, Some(Trouble::Verbs), |_| Turn::Unpause),
    (2, Some(Trouble::Verbs), |r| Turn::Scale { replicas: r.below(7) }),
    (1, Some(Trouble::Verbs), |_| Turn::WipeStatus),
    (1, Some(Trouble::Verbs), |_| Turn::ApplyRollout),
];

impl Turn {
    /// Any turn that may happen in such a setting.
    pub fn any(setting: &Setting, random: &mut Random) -> Self {
        let may_happen = |chance: &&Chance| chance.1.is_none_or(|trouble| setting.has(trouble));
        let sum = CHANCES.iter().filter(may_happen).map(|chance| chance.0).sum();
        let mut drawn = random.below(sum);
        for (weight, _, make) in CHANCES.iter().filter(may_happen) {
            match drawn.checked_sub(*weight) {
                Some(left) => drawn = left,
                None => return make(random),
            }
        }
        Self::Reconcile
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, numbers) = self.parts();
        f.write_str(word)?;
        numbers.iter().try_for_each(|number| write!(f, " {number}"))
    }
}

impl FromStr for Turn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default();
        let numbers = words.map(|number| number.parse().unwrap_or(0));
        Self::of(word, numbers).ok_or_else(|| format!("nothing that happens is called {text:?}"))
    }
}
