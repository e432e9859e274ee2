//! What a Rollout waits for: a short reason, the details, and what would let it go on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serin_api::status::WaitingFor;

use crate::draft::Draft;

/// Declares each wait and the list of all of them, so that none can be missing there.
macro_rules! waits {
    ($($wait:ident: $meaning:literal, $advice:literal;)*) => {
        /// Why nothing more happens now. The names are part of the API: people and tools match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Wait {
            $(#[doc = $meaning] $wait,)*
        }

        impl Wait {
            /// Every wait.
            pub const ALL: &[Self] = &[$(Self::$wait),*];

            /// Its name in status.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$wait => stringify!($wait),)*
                }
            }

            /// What is waited for, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$wait => $meaning,)*
                }
            }

            /// What a person does about it, in Markdown, with links as seen from `docs/reference`.
            pub fn advice(self) -> &'static str {
                match self {
                    $(Self::$wait => $advice,)*
                }
            }
        }
    };
}

waits! {
    Resume: "A pause without a time stands.",
        "Look whether the canary is good; run the command under `unblock`, or abort.";
    PauseDuration: "A pause with a time stands; the message has its end.",
        "Nothing, or resume earlier.";
    Unpause: "`spec.paused` is true and holds steps and promotion.",
        "The command under `unblock`, when you are ready.";
    AvailablePods: "Pods of the wanted revision are not available: not created, not scheduled, not ready, or ready for \
                    less than `minReadySeconds`.",
        "`kubectl describe` the ReplicaSet and its pods: quota, image, probes, nodes.";
    Endpoints: "The canary Service does not list the ready pods that the next weight needs, or has none at all, and \
                then its weight is 0.",
        "[Fewer than needed, or equal numbers](../operations.md#what-it-waits-for).";
    StableEndpoints: "The stable Service does not list the ready pods that the weight needs, after a promotion or for \
                      an abort; or no stable pod is ready, and the canary takes all traffic.",
        "[Fewer than needed, or equal numbers](../operations.md#what-it-waits-for).";
    VerifiedWeights: "A weight is written, and not every gateway is known to carry it out yet; the message names the one \
                      and its reason.",
        "[Weights that are not verified](../operations.md#weights-that-are-not-verified).";
    Drain: "Traffic has left a revision; its pods stay until the time in the message.",
        "Nothing. This holds nothing up.";
    RoleAcknowledgement: "`roleAcknowledgement` asks for more promoted pods that have read their role. The old \
                          revision's pods stay until then or until the time in the message.",
        "Nothing. This holds nothing else up. If it always takes the whole time, see \
         [canary-aware applications](../canary-aware-apps.md).";
    Retry: "The canary was aborted.",
        "Change the template, or retry by the command under `unblock`.";
    ValidSpec: "The spec, or an object that it names, cannot be used.",
        "[InvalidSpec](../operations.md#invalidspec). Where a step's weight cannot be expressed, `unblock` says by how \
         much to multiply the weights of that rule.";
    ContestedWrite: "Another writer keeps changing a weight or a selector, and the next correction waits a little.",
        "[RouteContested](../operations.md#routecontested).";
    RefusedWrite: "The API server refused a write twice, or forbade it; the message has its words. It is tried again \
                   after 10 s.",
        "The message: a missing right, an admission policy, a quota, an invalid template.";
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
