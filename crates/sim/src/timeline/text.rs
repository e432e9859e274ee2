//! The timeline for people.

use super::clock::length;
use super::{Act, Moment, Summary, Timeline, View, Wait, What};

/// The whole of it.
pub fn text(timeline: &Timeline) -> String {
    let mut lines = vec![format!(
        "Rollout {} in namespace {}, {} pods. It is assumed that",
        timeline.rollout, timeline.namespace, timeline.replicas
    )];
    lines.extend(timeline.assumed.iter().map(|sentence| format!("- {sentence}")));
    for act in &timeline.acts {
        lines.push(String::new());
        lines.push(act.title.clone());
        lines.extend(table(act));
        lines.extend(summary(&act.summary));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// The cells before the words: time, weights, pods.
type Cells = [String; 3];

fn table(act: &Act) -> Vec<String> {
    let mut rows: Vec<(Cells, Vec<String>)> =
        vec![(["time", "weights", "pods (* stable)"].map(str::to_owned), vec!["what happens".to_owned()])];
    let mut before: Option<&View> = None;
    for moment in &act.moments {
        let words = words(moment);
        let is_same = before.is_some_and(|before| same_sight(before, &moment.view));
        if !words.is_empty() || !is_same {
            rows.push((cells(moment), words));
        }
        before = Some(&moment.view);
    }
    let width =
        |column: usize| rows.iter().map(|(cells, _)| cells[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut lines = Vec::new();
    for (cells, words) in &rows {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        let head = padded.collect::<Vec<_>>().join("  ");
        let blank = " ".repeat(head.chars().count());
        let first = words.first().map_or("", String::as_str);
        lines.push(format!("  {head}  {first}"));
        lines.extend(words.iter().skip(1).map(|word| format!("  {blank}  {word}")));
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// What the table shows of a view.
fn same_sight(one: &View, other: &View) -> bool {
    one.weights == other.weights && one.revisions == other.revisions
}

fn cells(moment: &Moment) -> Cells {
    let view = &moment.view;
    let weights =
        view.weights.map_or("-".to_owned(), |shares| format!("{}/{}", shares.stable, shares.canary));
    let pods = view.revisions.iter().map(|revision| {
        let mark = if revision.stable { "*" } else { "" };
        format!("r{}{mark} {}/{}", revision.revision, revision.available, revision.wanted)
    });
    let pods = pods.collect::<Vec<_>>().join(" ");
    [format!("t+{}", length(moment.seconds)), weights, if pods.is_empty() { "-".to_owned() } else { pods }]
}

fn words(moment: &Moment) -> Vec<String> {
    let mut words: Vec<(String, usize)> = Vec::new();
    for write in moment.writes.iter().filter(|write| write.what != What::Status) {
        match words.last_mut().filter(|(last, _)| *last == write.words) {
            Some((_, times)) => *times += 1,
            None => words.push((write.words.clone(), 1)),
        }
    }
    let counted = |(words, times): (String, usize)| {
        if times == 1 { words } else { format!("{words} ({times} writes)") }
    };
    let mut words: Vec<String> = words.into_iter().map(counted).collect();
    for wait in &moment.waits {
        words.extend(wait_words(wait));
    }
    words
}

fn wait_words(wait: &Wait) -> Vec<String> {
    match &wait.command {
        Some(command) => vec![
            format!("|| {}:", wait.message),
            format!("   {command}"),
            "   (the plan goes on as if that were done at once)".to_owned(),
        ],
        None => vec![format!(".. {}", wait.message)],
    }
}

fn summary(summary: &Summary) -> Vec<String> {
    let parts = [
        (summary.paused_seconds, "of timed pauses"),
        (summary.readiness_seconds, "until pods were ready"),
        (summary.drain_seconds, "of drains"),
    ];
    let spent: Vec<String> = parts
        .iter()
        .filter(|(seconds, _)| *seconds >= 0.5)
        .map(|(seconds, what)| format!("{} {what}", length(*seconds)))
        .collect();
    let spent = if spent.is_empty() { String::new() } else { format!(" ({})", spent.join(", ")) };
    let stops = match summary.stops_for_a_person {
        0 => String::new(),
        1 => ", plus 1 pause for a person".to_owned(),
        stops => format!(", plus {stops} pauses for a person"),
    };
    let mut lines = vec![
        format!("  It takes {}{spent}{stops}.", length(summary.seconds)),
        format!(
            "  At most {} pods at once; {} writes, {} of them of status.",
            summary.peak_pods, summary.writes, summary.status_writes
        ),
    ];
    let phase = summary.end.phase.map_or("unknown".to_owned(), |phase| format!("{phase:?}"));
    let message = summary.end.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
    lines.push(format!("  In the end: {phase}{message}"));
    lines.extend(summary.end.waits.iter().map(|wait| format!("  .. {}", wait.message)));
    lines
}
