//! An explanation as text for a terminal.

use super::revisions::{RevisionNow, ServiceNow};
use super::{Explanation, Next, RouteShare, Steps, VerbNow};
use crate::words;

impl Explanation {
    /// The whole of it.
    pub fn text(&self) -> String {
        let phase = self.phase.map_or("nothing recorded".to_owned(), |phase| format!("{phase:?}"));
        let message = self.message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
        let mut text = format!("Rollout {}/{}: {phase}{message}\n", self.namespace, self.name);
        text += &format!("  State: {}. {}\n", self.state, self.meaning);
        if let Some(doubt) = &self.doubt {
            text += &format!("  {doubt}.\n");
        }
        if let Some(steps) = &self.steps {
            text += &format!("  {}\n", self::steps(steps));
        }
        if let Some(weights) = &self.weights {
            for RouteShare { route, canary } in &weights.routes {
                let asked = weights.desired.filter(|desired| desired != canary);
                let asked = asked.map(|desired| format!("; {desired} % is asked for")).unwrap_or_default();
                text += &format!("  Canary's share of {route}: {canary} %{asked}\n");
            }
        }
        text += "\nRevisions\n";
        text += &words::list(&self.revisions.iter().map(revision).collect::<Vec<_>>());
        if self.resting_revisions > 0 {
            text += &format!("  and {} without pods\n", self.resting_revisions);
        }
        text += "\nIt waits for\n";
        text += &words::waits(&self.waits);
        text += "\nThe operator would write next\n";
        text += &words::list(&next(&self.next));
        text += "\nWhat a command would do now\n";
        self.verbs.iter().fold(text, |text, verb| text + &self::verb(verb))
    }
}

fn steps(steps: &Steps) -> String {
    let Steps { index, all } = steps;
    let marked = all.iter().enumerate().map(|(at, step)| match at == *index {
        true => format!("[{step}]"),
        false => step.clone(),
    });
    let list = marked.collect::<Vec<_>>().join(", ");
    match *index >= all.len() {
        true => format!("All {} steps are done: {list}", all.len()),
        false => format!("Step {index}, counted from 0, of {}: {list}", all.len()),
    }
}

fn revision(revision: &RevisionNow) -> String {
    let RevisionNow { role, number, replica_set, wanted, ready, available, share, .. } = revision;
    let mut text = format!(
        "{role}: revision {number} ({replica_set}), {} wanted, {} there, {ready} ready, {available} available",
        words::pods(*wanted),
        revision.existing,
    );
    if !revision.services.is_empty() {
        let services: Vec<String> = revision.services.iter().map(service).collect();
        let share = share.map_or("reached".to_owned(), |share| format!("{share} % of the traffic"));
        text += &format!(", {share} by {}", services.join(" and "));
    }
    if let Some(failure) = &revision.failure {
        text += &format!("; pods cannot be created: {failure}");
    }
    text
}

fn service(service: &ServiceNow) -> String {
    let ServiceNow { name, ready_endpoints, other_endpoints } = service;
    let others = if *other_endpoints > 0 { format!(" and {other_endpoints} others") } else { String::new() };
    format!("Service {name} (lists {ready_endpoints} of its ready pods{others})")
}

fn next(next: &Next) -> Vec<String> {
    let mut lines = next.writes.clone();
    if next.status {
        lines.push("Record the new status".to_owned());
    }
    if let Some(at) = next.wake_at {
        let look = if lines.is_empty() { "nothing before" } else { "then look again at" };
        lines.push(format!("{look} {at}"));
    } else if lines.is_empty() {
        lines.push("nothing until something changes".to_owned());
    }
    lines
}

fn verb(now: &VerbNow) -> String {
    let VerbNow { verb, what, why, command } = now;
    format!("  {verb}: {what} {why}\n    {command}\n")
}
