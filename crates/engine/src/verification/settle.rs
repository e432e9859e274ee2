//! How long the proxies of a gateway may take to follow their controller.

use jiff::{SignedDuration, Timestamp};
use serin_api::status::RouteParent;
use serin_api::validate::Verification;

/// Controllers whose proxies are known to follow sooner, or later, than others, by the beginning of their names.
const KNOWN: &[(&str, SignedDuration)] = &[
    // Measured on the real node of the tests: 130 ms at most.
    ("gateway.envoyproxy.io/", SignedDuration::from_secs(1)),
    // Load balancers of a cloud take a few seconds for routes and up to 20 for endpoints.
    ("networking.gke.io/", SignedDuration::from_secs(20)),
];

/// How long any other takes, once its controller has reported.
const REPORTED: SignedDuration = SignedDuration::from_secs(2);

/// How long a gateway takes that does not say what it has accepted: controller and proxies together.
const UNREPORTED: SignedDuration = SignedDuration::from_secs(5);

fn known(controller: Option<&str>) -> Option<SignedDuration> {
    let controller = controller?;
    KNOWN.iter().find(|(name, _)| controller.starts_with(name)).map(|(_, settle)| *settle)
}

/// The settle time after a report of this controller.
pub(super) fn of_controller(wanted: &Verification, controller: Option<&str>) -> SignedDuration {
    wanted.settle.or_else(|| known(controller)).unwrap_or(REPORTED)
}

/// The longest settle time after reports of these.
pub(super) fn of_report(wanted: &Verification, parents: &[RouteParent]) -> SignedDuration {
    let each = parents.iter().map(|parent| of_controller(wanted, parent.controller.as_deref()));
    each.max().or(wanted.settle).unwrap_or(REPORTED)
}

/// The delay after a write where these do not report, or are not asked.
pub(super) fn without_report(wanted: &Verification, parents: &[RouteParent]) -> SignedDuration {
    let known = parents.iter().filter_map(|parent| known(parent.controller.as_deref())).max();
    wanted.settle.unwrap_or_else(|| known.unwrap_or(SignedDuration::ZERO).max(UNREPORTED))
}

/// A time after another one.
pub(super) fn after(time: Timestamp, delay: SignedDuration) -> Option<Timestamp> {
    time.checked_add(delay).ok()
}
