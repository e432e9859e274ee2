//! Proof that no request fails and that the split is what the route says, whatever people, tools and crashes do: two
//! hundred requests a second through a real gateway to real pods, while canaries are promoted, aborted, replaced and
//! taken back, the operator is killed, and a tool applies the route again.
//!
//! `make proof` runs it. Who was allowed to answer when is read from the API server's audit log afterwards, so that no
//! request is left out, whatever was going on.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a proof that cannot be made has failed"
)]

mod chance;
mod control;
mod failures;
mod gitops;
mod history;
mod judge;
mod kill;
mod report;
mod scenes;
mod setting;
mod told;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use serin_node::traffic::{Host, now};
use serin_node::{Rollout, Site, Traffic, ask};

use crate::chance::Chance;
use crate::kill::Kill;
use crate::report::Report;
use crate::scenes::Scenes;
use crate::setting::Setting;

/// Plays canaries under load and tells of every promise whether it held.
#[derive(Parser)]
struct Args {
    /// The part of all scenes that is played, in percent; at least one of each kind.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    percent: u32,
    /// For the moments at which the operator is killed.
    #[arg(long, default_value_t = 6)]
    seed: u64,
    /// How many seconds pods stay when traffic has left them; in the first canary it is the default of 30.
    #[arg(long, default_value_t = 6)]
    delay: u32,
}

/// How many of each kind are played in full.
const CANARIES: u32 = 20;
const ABORTS: u32 = 10;
const SUPERSEDES: u32 = 5;
const ROLLBACKS: u32 = 5;
const KILLS: u32 = 3;

/// After the last scene, for whatever is still on its way.
const END: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let args = Args::parse();
    let mut setting = Setting::of(args.seed);
    let site = Site::open();
    let gateway = site.inside.gateway.expect("a gateway");
    let control = control::play(&site);
    let rollout = Rollout::pinned_clients_of_version(&site, 1);
    site.until("the hosts are served", || {
        Host::ALL.iter().all(|host| ask(gateway, host.name(), 1).failures.is_empty())
    });

    let began = now();
    let traffic = Traffic::start(gateway);
    let scenes = Scenes::new(&site, rollout, &traffic, 1);
    let kills = play(&args, &scenes, &mut setting);
    std::thread::sleep(END);
    let answers = traffic.stop();

    let report = Report::default();
    println!("\n{}", setting.told());
    told::tell(&report, &site, &control, &kills, &answers, began);
    println!("{} promises kept, {} broken, in {} s", report.kept(), report.broken(), setting.seconds());
    if report.broken() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// All scenes. During every second one a tool applies the route.
fn play(args: &Args, scenes: &Scenes<'_>, setting: &mut Setting) -> Vec<Kill> {
    let count = |full: u32| (full * args.percent).div_ceil(100);
    let mut player = Player { scenes, setting, looked: 0 };
    let mut kills = Vec::new();
    let mut chance = Chance::of(args.seed);

    player.play("canary", 1, count(CANARIES), false, || scenes.shipped());
    scenes.hurry(args.delay);
    for turn in 2..=count(CANARIES) {
        player.play("canary", turn, count(CANARIES), turn % 2 == 0, || scenes.canary(&|_| {}));
    }
    for turn in 1..=count(ABORTS) {
        player.play("abort", turn, count(ABORTS), turn % 2 == 0, || scenes.abort(turn as usize - 1));
    }
    for turn in 1..=count(SUPERSEDES) {
        player.play("supersede", turn, count(SUPERSEDES), turn % 2 == 0, || {
            scenes.supersede(turn as usize - 1)
        });
    }
    for turn in 1..=count(ROLLBACKS) {
        player.play("rollback", turn, count(ROLLBACKS), turn % 2 == 0, || match turn {
            1 => scenes.return_to_previous(false),
            3 => scenes.return_to_previous(true),
            _ => scenes.take_back(turn as usize),
        });
    }
    for turn in 1..=count(KILLS) {
        player.play("kill", turn, count(KILLS), turn % 2 == 0, || {
            kills.push(kill::canary(scenes, &mut chance))
        });
    }
    kills
}

/// Plays scenes and tells of each.
struct Player<'a, 's> {
    scenes: &'a Scenes<'s>,
    setting: &'a mut Setting,
    /// How many answers were looked at for failures.
    looked: usize,
}

impl Player<'_, '_> {
    fn play(&mut self, what: &'static str, turn: u32, of: u32, with_tool: bool, scene: impl FnOnce()) {
        if with_tool {
            self.scenes.start_tool();
        }
        let began = Instant::now();
        scene();
        self.scenes.stop_tool();
        self.setting.played(what);
        let (failures, looked) = self.scenes.traffic.failures_from(self.looked);
        println!(
            "{:6} s  {what} {turn} of {of}{}: {} s, {} requests, {} failed",
            self.setting.seconds(),
            if with_tool { ", while a tool applies the route" } else { "" },
            began.elapsed().as_secs(),
            looked - self.looked,
            failures.len()
        );
        self.looked = looked;
        failures::explain(self.scenes.site, &failures);
    }
}
