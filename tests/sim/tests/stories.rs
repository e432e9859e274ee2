//! Random stories, the same in every run, and those that have found a defect before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serin_engine::events::REASONS;
use serin_engine::waits::Wait;
use serin_stories::coverage::{ACTIONS, Coverage};
use serin_stories::{Story, play, shrink};

/// How many stories.
const STORIES: u64 = 2000;
/// How many things happen in each, at most.
const TURNS: u32 = 40;

#[test]
fn stories_keep_the_invariants_come_to_rest_and_meet_every_action_event_and_wait() {
    let (next, met, failed) = (AtomicU64::new(0), Mutex::new(Coverage::default()), Mutex::new(None));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let mut own = Coverage::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= STORIES || failed.lock().unwrap().is_some() {
                        break;
                    }
                    let outcome = play(&Story::of(seed, TURNS));
                    own.add(&outcome.coverage);
                    if outcome.violation.is_some() {
                        *failed.lock().unwrap() = Some(seed);
                    }
                }
                met.lock().unwrap().add(&own);
            });
        }
    });
    if let Some(seed) = failed.into_inner().unwrap() {
        let shortest = shrink(&Story::of(seed, TURNS), 1000, &mut |story| play(story).violation.is_some());
        panic!("seed {seed}, shortened: {shortest}\n{:?}", play(&shortest).violation);
    }
    let met = met.into_inner().unwrap();
    let missing = |all: Vec<&str>, met: BTreeSet<&str>| -> Vec<String> {
        all.into_iter().filter(|name| !met.contains(name)).map(str::to_owned).collect()
    };
    let names = |names: Vec<&'static str>| -> BTreeSet<&'static str> { names.into_iter().collect() };
    let none: Vec<String> = Vec::new();
    assert_eq!(missing(ACTIONS.to_vec(), names(met.actions.keys().copied().collect())), none, "actions");
    let reasons = REASONS.iter().map(|reason| reason.name).collect();
    assert_eq!(missing(reasons, names(met.events.keys().copied().collect())), none, "Events");
    let waits = Wait::ALL.iter().map(|wait| wait.name()).collect();
    assert_eq!(missing(waits, met.waits.keys().map(String::as_str).collect()), none, "waits");
}

#[test]
fn a_story_is_the_same_in_every_run() {
    for seed in 0..40 {
        let story = Story::of(seed, TURNS);
        assert_eq!(play(&story).end, play(&story).end, "{story}");
    }
}

#[test]
fn what_was_found_once_is_not_there_any_more() {
    let found = include_str!("found.txt");
    let stories = found.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for text in stories {
        let story: Story = text.parse().unwrap();
        assert_eq!(play(&story).violation, None, "{text}");
    }
}
