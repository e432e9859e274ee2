//! Verified weights: whether the gateways are known to carry out what a route says.
//!
//! A gateway's report names the generation that it has accepted. That its proxies follow, no report says: it is given a
//! settle time on top. Everything follows from the route as it is and from what status recorded of it; a record is good
//! only for the same route, the same share, and the same last write of ours.

mod parents;
mod settle;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use serin_api::route::RouteId;
use serin_api::spec::VerifyMode;
use serin_api::status::{ParentState, RouteParent, RouteWeights};
use serin_api::validate::Verification;

use crate::draft::Draft;
use crate::routes::RouteView;
use crate::snapshot::Snapshot;
use crate::waits::Wait;

/// How far one route has come with the weights that it carries.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// What is recorded of it.
    pub record: RouteWeights,
    /// It is verified, or nothing more can be known of it.
    pub is_over: bool,
    /// When it will be over if nothing else happens; nothing where a gateway has to report first, or has refused.
    pub at: Option<Timestamp>,
    /// Since when the timeout counts.
    timeout_at: Timestamp,
}

impl Verified {
    fn is_late(&self, now: Timestamp) -> bool {
        !self.is_over && now >= self.timeout_at
    }
}

/// Judges what each route of a Rollout carries; nothing while they are not all there.
pub fn of(world: &Snapshot, now: Timestamp) -> Vec<Verified> {
    let traffic = world.traffic.as_ref().filter(|traffic| traffic.recorded && traffic.routes.all_found());
    let wanted = world.strategy.as_ref().map(|strategy| strategy.verification).unwrap_or_default();
    let routes = traffic.into_iter().flat_map(|traffic| &traffic.routes.0);
    routes.map(|route| of_route(world, route, &wanted, now)).collect()
}

/// Whether a record is about this route.
pub fn is_of(record: &RouteWeights, route: &RouteId) -> bool {
    record.kind == route.kind.kind() && record.namespace == route.namespace && record.name == route.name
}

/// What all of them together are: verified when each is, and nobody knows where nobody knows of one.
pub fn verdict(verified: &[Verified]) -> Option<bool> {
    let mut each = verified.iter().map(|verified| verified.record.verified);
    let first = each.next()?;
    // Not yet, before nobody knows, before yes.
    let rank = |verdict: &Option<bool>| match verdict {
        Some(false) => 0,
        None => 1,
        Some(true) => 2,
    };
    each.chain([first]).min_by_key(rank).flatten()
}

fn of_route(world: &Snapshot, route: &RouteView, wanted: &Verification, now: Timestamp) -> Verified {
    let weights = world.recorded_weights();
    let records = weights.map(|weights| &weights.routes[..]).unwrap_or_default();
    let earlier = records.iter().find(|record| is_of(record, &route.id));
    let weight = route.canary_percent();
    let written_at = route.written_at.map(Time);
    // Where nobody notes who wrote, or somebody else has written the same since, that says nothing against the record.
    let is_same_write = |record: &RouteWeights| written_at.is_none() || record.written_at == written_at;
    let standing =
        earlier.filter(|record| record.uid == route.uid && record.weight == weight && is_same_write(record));
    let written_at = written_at.or_else(|| standing.and_then(|record| record.written_at.clone()));
    let generation = standing.map_or(route.generation, |record| record.generation);
    // Of a time to come, the clock has been set back since.
    let seen_at = standing.map_or(now, |record| record.seen_at.0.min(now));
    let parents = parents::judge(route, generation, earlier);
    let is_accepted = parents.iter().all(|parent| parent.state == ParentState::Accepted);
    let accepted_at = is_accepted
        .then(|| standing.and_then(|record| record.accepted_at.as_ref()).map_or(now, |at| at.0.min(now)));
    let at = match wanted.mode {
        VerifyMode::Off => Some(seen_at),
        VerifyMode::Delay => settle::after(seen_at, settle::without_report(wanted, &parents)),
        VerifyMode::Status => {
            accepted_at.and_then(|at| settle::after(at, settle::of_report(wanted, &parents)))
        }
        VerifyMode::Auto => parents::arrival(wanted, &parents, seen_at, accepted_at.unwrap_or(now)),
    };
    let was_verified = standing.is_some_and(|record| record.verified == Some(true)) && at.is_some();
    let is_over = was_verified || at.is_some_and(|at| at <= now);
    // Time alone proves nothing.
    let verified = if is_over { (is_accepted && !parents.is_empty()).then_some(true) } else { Some(false) };
    Verified {
        record: RouteWeights {
            kind: route.id.kind.kind().to_owned(),
            namespace: route.id.namespace.clone(),
            name: route.id.name.clone(),
            uid: route.uid.clone(),
            weight,
            generation,
            written_at,
            seen_at: MicroTime(seen_at),
            accepted_at: accepted_at.map(MicroTime),
            verified,
            parents,
        },
        is_over,
        at: at.filter(|_| !is_over),
        timeout_at: settle::after(seen_at, wanted.timeout).unwrap_or(Timestamp::MAX),
    }
}

/// Whether what the routes carry is verified. Where it is not, steps and promotion wait for it, and that is noted.
pub fn holds(draft: &mut Draft<'_>) -> bool {
    let Some(missing) = missing(draft) else { return !draft.verified.is_empty() };
    draft.wait(Wait::VerifiedWeights, missing, None);
    draft.awaits_verification = true;
    let in_time = |verified: &&Verified| !verified.is_over && !verified.is_late(draft.now);
    let timeouts: Vec<Timestamp> =
        draft.verified.iter().filter(in_time).map(|verified| verified.timeout_at).collect();
    timeouts.into_iter().for_each(|at| draft.wake(at));
    false
}

/// What is missing until the weights of every route are verified, in one sentence; nothing where they are, or where there
/// is no route.
pub fn missing(draft: &mut Draft<'_>) -> Option<String> {
    let open = || draft.verified.iter().filter(|verified| !verified.is_over);
    let at = open().filter_map(|verified| verified.at).min();
    // One that a gateway has to report on is waited for longer than one that only has to settle.
    let words = open().max_by_key(|verified| verified.at.is_none()).map(words);
    if let Some(at) = at {
        draft.wake(at);
    }
    words
}

/// Why what is waited for will not come by itself, as far as is known: a gateway has refused it, or is out of time.
pub fn failure(draft: &Draft<'_>) -> Option<String> {
    let fails = |verified: &&Verified| {
        let is_refused = verified.record.parents.iter().any(|parent| parent.state == ParentState::Refused);
        is_refused && !verified.is_over && verified.at.is_none() || verified.is_late(draft.now)
    };
    draft.verified.iter().filter(|_| draft.awaits_verification).find(fails).map(words)
}

fn words(verified: &Verified) -> String {
    let RouteWeights { kind, name, weight, generation, .. } = &verified.record;
    let subject = format!("weight {weight} of {kind} {name} (generation {generation})");
    let worst = verified.record.parents.iter().max_by_key(|parent| parent.state);
    match (verified.at, worst) {
        (Some(at), _) => format!("{subject} is given until {at} to reach every proxy"),
        (None, Some(RouteParent { name, state, reason, message, .. })) => {
            let why = [reason, message].into_iter().flatten().cloned().collect::<Vec<_>>().join(": ");
            let why = if why.is_empty() { String::new() } else { format!(" ({why})") };
            match state {
                ParentState::Refused => format!("{name} refuses {subject}{why}"),
                ParentState::Silent => format!("{name} does not report on {subject}"),
                ParentState::Unverifiable => {
                    format!("{name} does not say which generation it reports on: {subject}")
                }
                ParentState::Accepted | ParentState::Pending => {
                    format!("{name} has not accepted {subject} yet{why}")
                }
            }
        }
        (None, None) => format!("{subject} has no parent that could report"),
    }
}
