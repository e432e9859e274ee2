//! The search through all states of small worlds: that it is complete, that it finds defects, and what it takes for one
//! state.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serin_sim::Faithful;
use serin_stories::defects::{Defect, all};
use serin_stories::exhaustive::canonical::{Memo, canonical};
use serin_stories::exhaustive::choices::{Who, choices};
use serin_stories::exhaustive::node::Node;
use serin_stories::exhaustive::worlds::SmallWorld;
use serin_stories::exhaustive::{Report, explore, root};
use serin_stories::stage::Stage;
use serin_stories::turn::Turn;
use serin_stories::{Story, play_with};
use serin_testkit::service;

/// More states than any of these worlds has.
const STATES: usize = 50_000;

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

fn search(world: &SmallWorld) -> Report {
    explore(world, &|| Box::new(Faithful), threads(), STATES)
}

#[test]
fn every_state_of_small_worlds_keeps_the_rules_and_ends_well() {
    for (replicas, steps, roles) in [(1, 8, false), (2, 9, true), (3, 3, false)] {
        let world = SmallWorld::new(replicas, steps, roles).asking(0).faultless();
        let report = search(&world);
        assert!(report.found.is_none(), "{world}: {:?}", report.found);
        assert!(report.is_complete && report.states > 50 && report.ends >= 2, "{world}: {report:?}");
    }
}

#[test]
fn a_world_with_a_watch_that_lags_or_two_leaders_keeps_the_rules_in_every_state() {
    let report = search(&SmallWorld::new(1, 0, false).asking(0).blind());
    assert!(report.found.is_none() && report.is_complete, "{:?}", report.found);
    assert!(report.states > 1000, "{} states", report.states);
}

#[test]
fn defects_on_purpose_are_found_as_short_stories_that_can_be_played_again() {
    let by_name: BTreeMap<&str, Defect> = all().map(|defect| (defect.name, defect)).collect();
    for (name, world) in [
        ("a weight is written before its endpoints are there", SmallWorld::new(2, 9, false)),
        ("the weight follows as soon as one pod is ready", SmallWorld::new(2, 9, false)),
        ("old pods go as soon as they are old", SmallWorld::new(1, 0, false)),
        ("the stable Service is moved with the commit", SmallWorld::new(1, 0, false)),
        ("an abort leaves the weight", SmallWorld::new(1, 9, false).asking(1)),
        ("a pause is passed with the status that begins it", SmallWorld::new(1, 9, false)),
        ("a ReplicaSet gets a pod more than it should", SmallWorld::new(1, 9, false)),
        ("live pods keep their old role", SmallWorld::new(1, 9, true)),
        ("wake-ups are forgotten", SmallWorld::new(1, 8, false)),
        ("weights are written to another route", SmallWorld::new(1, 9, false)),
    ] {
        let defect = by_name[name];
        let world = if name.contains("abort") { world } else { world.asking(0) };
        let report = explore(&world.faultless(), &move || Box::new(defect), threads(), STATES);
        let Some((story, violation)) = report.found else { panic!("{name} is not found: {report:?}") };
        let again: Story = story.to_string().parse().unwrap();
        assert!(
            play_with(&again, Box::new(defect), false).violation.is_some(),
            "{name}: {story}: {violation:?}"
        );
    }
}

#[test]
fn a_fault_is_what_shows_a_missing_precondition() {
    let defect = all().find(|defect| defect.name == "JSON patches test nothing").unwrap();
    let faultless = SmallWorld::new(1, 9, false).asking(0).faultless();
    let calm = explore(&faultless, &move || Box::new(defect), threads(), STATES);
    assert!(calm.found.is_none() && calm.is_complete, "{:?}", calm.found);
    let world = SmallWorld::new(1, 9, false).asking(0).blind();
    let report = explore(&world, &move || Box::new(defect), threads(), STATES);
    assert!(report.found.is_some(), "{report:?}");
}

fn form(node: &Node) -> u128 {
    canonical(&node.stage, &format!("{:?}", node.past), &mut Memo::default())
}

fn take(node: &mut Node, choice: &serin_stories::exhaustive::choices::Choice) {
    node.take(choice).1.unwrap();
}

/// Where a canary pauses at its first step, half of the traffic being its.
fn paused(mut node: Node) -> Vec<(u128, Node)> {
    let asks = |choice: &&serin_stories::exhaustive::choices::Choice| {
        matches!(choice.turns[..], [Turn::Update { version: 1 }])
    };
    let update = choices(&node).iter().find(asks).cloned().unwrap();
    take(&mut node, &update);
    let mut forms = Vec::new();
    loop {
        let own = form(&node);
        let calm = choices(&node).into_iter().filter(|choice| choice.who == Who::Nature).find_map(|choice| {
            let mut next = node.fork(Box::new(Faithful));
            take(&mut next, &choice);
            (form(&next) != own).then_some(next)
        });
        forms.push((own, node));
        match calm {
            Some(next) => node = next,
            None => return forms,
        }
    }
}

#[test]
fn other_names_versions_and_dates_make_no_other_state() {
    let world = SmallWorld::new(2, 9, true).asking(0).faultless();
    let plain = root(&world, Box::new(Faithful)).unwrap();
    let mut stage = Stage::new(&world.setting, Box::new(Faithful));
    for _ in 0..7 {
        stage.world.create(service("other").manifest());
        stage.world.delete(serin_testkit::Kind::Service, "other");
    }
    stage.world.advance(SignedDuration::from_hours(5));
    stage.deploy().unwrap();
    stage.world.forget_history();
    let renamed = Node { stage, past: plain.past };
    let (plain, renamed) = (paused(plain), paused(renamed));
    let forms = |nodes: &[(u128, Node)]| -> Vec<u128> { nodes.iter().map(|(form, _)| *form).collect() };
    assert_eq!(forms(&plain), forms(&renamed));
    assert!(plain.len() > 12, "{} states", plain.len());
    let last = |nodes: &[(u128, Node)]| nodes.last().unwrap().1.stage.world.version();
    assert_ne!(last(&plain), last(&renamed));
}

#[test]
fn what_later_steps_depend_on_makes_another_state() {
    let world = SmallWorld::new(2, 9, true).asking(0);
    let states = paused(root(&world, Box::new(Faithful)).unwrap());
    let (_, end) = states.last().unwrap();
    let mut seen: BTreeMap<u128, String> = BTreeMap::new();
    for (number, (form, _)) in states.iter().enumerate() {
        assert_eq!(seen.insert(*form, format!("state {number}")), None);
    }
    let ways = [
        "time 5",
        "time 6",
        "unready 0",
        "unready 2",
        "delete-pod 0",
        "scale-set 0 3",
        "scale-set 1 3",
        "delete-set 0",
        "foreign-weights 1 2",
        "foreign-weights 2 1",
        "apply-route",
        "apply-service 0",
        "apply-service 1",
        "delete-service 1",
        "delete-route",
        "wipe-status",
        "abort",
        "resume 1",
        "update 2",
        "pause",
        "scale 3",
        "promote-full",
        "steps 5",
        "clock-ahead 5",
    ];
    for way in ways {
        let mut node = end.fork(Box::new(Faithful));
        node.stage.play(way.parse().unwrap()).unwrap();
        node.stage.leader.operator.hear_all(&node.stage.world);
        assert_eq!(seen.insert(form(&node), way.to_owned()), None, "{way}");
    }
    let mut used = end.fork(Box::new(Faithful));
    used.past.has_failed = true;
    assert_eq!(seen.insert(form(&used), "a path that has had its fault".to_owned()), None);
}

#[test]
fn what_a_process_knows_makes_another_state() {
    let world = SmallWorld::new(2, 9, false).asking(0).blind();
    let states = paused(root(&world, Box::new(Faithful)).unwrap());
    let busy = states.iter().find(|(_, node)| node.stage.leader.operator.is_busy()).unwrap();
    let mut forms = vec![busy.0];
    for way in ["crash", "take-over", "foreign-weights 1 2"] {
        let mut node = busy.1.fork(Box::new(Faithful));
        node.stage.play(way.parse().unwrap()).unwrap();
        forms.push(form(&node));
        // The same world, of which the operator has heard.
        node.stage.leader.operator.hear_all(&node.stage.world);
        if way == "foreign-weights 1 2" {
            forms.push(form(&node));
        }
    }
    let count = forms.len();
    forms.sort_unstable();
    forms.dedup();
    assert_eq!(forms.len(), count);
}
