//! The numbers, in the order in which docs/evidence.md has them.

use serin_node::Site;
use serin_node::traffic::{Answer, Host, RATE};

use crate::control::Control;
use crate::history::History;
use crate::judge::{self, SETTLE, Split, needed};
use crate::kill::Kill;
use crate::report::{Report, middle_and_most, millis};
use crate::scenes::{FIRST_PAUSE, SECOND_PAUSE};

/// How many answers that should not have been are shown.
const SHOWN: usize = 5;

/// Within which time the operator is to have written what it can write at once, in microseconds.
const SOON: i64 = 1_000_000;

/// A load below this part of the promised one proves less.
const ENOUGH: f64 = 0.97;

pub fn tell(report: &Report, site: &Site, control: &Control, kills: &[Kill], answers: &[Answer], began: i64) {
    let log = std::fs::read_to_string(&site.inside.audit_log).expect("the audit log");
    let history = History::read(&log);
    the_setting_can_tell(report, control, &history);
    no_request_failed(report, answers);
    pinned_hosts(report, &history, answers);
    the_split(report, &judge::splits(&history, answers));
    aborts(report, &history, answers);
    foreign(report, &history, kills, began);
}

fn the_setting_can_tell(report: &Report, control: &Control, history: &History) {
    report.promise(
        &format!(
            "requests can fail here: {} of {} did in {} restarts of the same application as a Deployment",
            control.failed, control.requests, control.restarts
        ),
        control.failed > 0,
    );
    Report::number(&format!("pods were ready after {}", middle_and_most(history.starts.clone())));
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of hours")]
fn no_request_failed(report: &Report, answers: &[Answer]) {
    let failed: Vec<&Answer> = answers.iter().filter(|answer| answer.got.is_err()).collect();
    let fresh = answers.iter().filter(|answer| answer.fresh).count();
    report.promise(
        &format!(
            "{} requests, {} failed ({fresh} on connections of their own, {} on ones that were kept)",
            answers.len(),
            failed.len(),
            answers.len() - fresh
        ),
        failed.is_empty() && !answers.is_empty(),
    );
    let first = answers.first().map_or(0, |answer| answer.sent);
    let last = answers.last().map_or(0, |answer| answer.sent);
    let rate = answers.len() as f64 * 1e6 / (last - first).max(1) as f64;
    report.promise(
        &format!("they were {rate:.1} a second, as said ({RATE})"),
        rate >= f64::from(RATE) * ENOUGH,
    );
    let mut took: Vec<i64> = answers.iter().map(|answer| answer.answered - answer.sent).collect();
    took.sort_unstable();
    let most = took.last().copied().unwrap_or(0);
    let of_hundred = took.get(took.len() * 99 / 100).copied().unwrap_or(0);
    Report::number(&format!(
        "99 of 100 were answered within {}, all within {}",
        millis(of_hundred),
        millis(most)
    ));
}

fn pinned_hosts(report: &Report, history: &History, answers: &[Answer]) {
    let mut hosts = judge::served(history, answers);
    for (host, promise) in [
        (Host::Old, "answers came from a version that was not yet promoted, or no longer stable"),
        (Host::New, "answers came from another version than the canary Service pointed at"),
        (Host::App, "answers came from a version that the weights gave nothing"),
    ] {
        let served = hosts.remove(host.name()).unwrap_or_default();
        report.promise(
            &format!("{}: {} of {} {promise}", host.name(), served.wrong.len(), served.requests),
            served.wrong.is_empty() && served.requests > 0,
        );
        Report::number(&format!(
            "  the gateway followed within {} (counted as wrong after {})",
            millis(served.lag),
            millis(SETTLE)
        ));
        for answer in served.wrong.iter().take(SHOWN) {
            println!("         {answer:?}");
        }
    }
}

fn the_split(report: &Report, splits: &[Split]) {
    for (_, share) in [FIRST_PAUSE, SECOND_PAUSE] {
        let at_weight: Vec<&Split> = splits.iter().filter(|split| split.share == share).collect();
        let told: Vec<&Split> = at_weight.iter().copied().filter(|split| split.tells()).collect();
        let worst = told.iter().max_by(|one, other| one.deviation().total_cmp(&other.deviation()));
        let (all, of_canary) = at_weight
            .iter()
            .fold((0, 0), |(all, of_canary), split| (all + split.requests, of_canary + split.of_canary));
        report.promise(
            &format!(
                "at weight {}: worst split {}, in {} samples of at least {} requests",
                share / 10,
                worst.map_or("unknown".to_owned(), |split| in_words(split)),
                told.len(),
                needed(share)
            ),
            worst.is_some_and(|split| split.holds()),
        );
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let together = of_canary as f64 * 100.0 / (all.max(1)) as f64;
        let short = at_weight.len() - told.len();
        Report::number(&format!(
            "  together {together:.2} % of {all} requests; {short} times the weight did not stand long enough to tell"
        ));
    }
}

fn in_words(split: &Split) -> String {
    format!(
        "{:.2} % off ({} of {} requests, version {} beside {})",
        split.deviation() * 100.0,
        split.of_canary,
        split.requests,
        split.canary,
        split.stable
    )
}

fn aborts(report: &Report, history: &History, answers: &[Answer]) {
    let aborts = judge::aborts(history, answers);
    report.promise(
        &format!(
            "{} aborts of a canary with traffic: route written after {}",
            aborts.len(),
            middle_and_most(aborts.iter().map(|abort| abort.written).collect())
        ),
        !aborts.is_empty() && aborts.iter().all(|abort| abort.written <= SOON),
    );
    Report::number(&format!(
        "  the last client was answered by the canary after {}",
        middle_and_most(aborts.iter().map(|abort| abort.last_answer).collect())
    ));
}

fn foreign(report: &Report, history: &History, kills: &[Kill], began: i64) {
    let foreign = judge::foreign(history, began);
    let matters = foreign.iter().filter(|foreign| foreign.matters).count();
    let in_kill =
        |since: i64, stood: i64| kills.iter().any(|kill| since <= kill.led_again && since + stood >= kill.at);
    let (killed, led): (Vec<_>, Vec<_>) =
        foreign.iter().partition(|foreign| in_kill(foreign.since, foreign.stood));
    let stood = |foreign: &[&judge::Foreign]| middle_and_most(foreign.iter().map(|one| one.stood).collect());
    report.promise(
        &format!(
            "{} times a tool put other weights on the route, {matters} times in the middle of a canary: put back after {}",
            foreign.len(),
            stood(&led)
        ),
        matters > 0 && led.iter().all(|foreign| foreign.stood <= SOON),
    );
    if !killed.is_empty() {
        Report::number(&format!("  {} times while nobody led: after {}", killed.len(), stood(&killed)));
    }
    for kill in kills {
        Report::number(&format!(
            "operator killed {} ms after {}: another led {:.1} s later",
            kill.millis,
            kill.after,
            f64::from(i32::try_from((kill.led_again - kill.at) / 1000).unwrap_or(i32::MAX)) / 1000.0
        ));
    }
}
