//! `make sim`: plays random stories, shrinks the first that fails, and tells what was met.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::{Parser, Subcommand};
use serin_sim::Faithful;
use serin_stories::coverage::Coverage;
use serin_stories::exhaustive::{explore, worlds};
use serin_stories::{Story, defects, play, play_with, shrink};

/// Looks for a story in which the operator does harm.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play the stories of many seeds.
    Run {
        /// How many stories.
        #[arg(long, default_value_t = 100_000)]
        stories: u64,
        /// The seed of the first.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many things happen in a story, at most.
        #[arg(long, default_value_t = 200)]
        turns: u32,
        /// How many threads; all cores unless given.
        #[arg(long)]
        threads: Option<usize>,
        /// Go on after a story that fails, and only count those.
        #[arg(long)]
        keep_going: bool,
    },
    /// Look at every state of small worlds.
    Exhaustive {
        /// Only the worlds with this text in their description.
        #[arg(long, default_value = "")]
        only: String,
        /// At most so many states of each world.
        #[arg(long, default_value_t = 20_000_000)]
        states: usize,
        /// How many threads; all cores unless given.
        #[arg(long)]
        threads: Option<usize>,
    },
    /// Play stories with each of the defects on purpose, and tell which story finds which.
    Defects {
        /// How many stories each defect is looked for in.
        #[arg(long, default_value_t = 4000)]
        stories: u64,
        /// How many things happen in a story, at most.
        #[arg(long, default_value_t = 40)]
        turns: u32,
        /// Only those whose name has this text in it.
        #[arg(long, default_value = "")]
        only: String,
    },
    /// Play one story, given by its text or by its seed, and tell what happens.
    Replay {
        /// The text of the story, or the number of a seed.
        story: String,
        /// The turns that the seed was played with.
        #[arg(long, default_value_t = 200)]
        turns: u32,
        /// Make it as short as possible first.
        #[arg(long)]
        shrink: bool,
    },
}

fn main() -> ExitCode {
    // A panic is one more way for a story to fail; its words are in the report.
    std::panic::set_hook(Box::new(|_| {}));
    match Cli::parse().command {
        Command::Run { stories, first, turns, threads, keep_going } => {
            let cores = std::thread::available_parallelism().map_or(2, usize::from);
            run(stories, first, turns, threads.unwrap_or(cores), keep_going)
        }
        Command::Exhaustive { only, states, threads } => {
            let cores = std::thread::available_parallelism().map_or(2, usize::from);
            exhaustive(&only, states, threads.unwrap_or(cores))
        }
        Command::Defects { stories, turns, only } => find_defects(stories, turns, &only),
        Command::Replay { story, turns, shrink } => replay(&story, turns, shrink),
    }
}

fn run(stories: u64, first: u64, turns: u32, threads: usize, keep_going: bool) -> ExitCode {
    let began = Instant::now();
    let (next, failed, stop) = (AtomicU64::new(0), Mutex::new(Vec::new()), AtomicBool::new(false));
    let coverage = Mutex::new(Coverage::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut met = Coverage::default();
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= stories {
                        break;
                    }
                    let outcome = play(&Story::of(first + number, turns));
                    met.add(&outcome.coverage);
                    if let Some(violation) = outcome.violation {
                        failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push((first + number, violation));
                        stop.store(!keep_going, Ordering::Relaxed);
                    }
                }
                coverage.lock().unwrap_or_else(PoisonError::into_inner).add(&met);
            });
        }
    });
    let took = began.elapsed();
    let played = next.load(Ordering::Relaxed).min(stories);
    let per_hour = f64::from(u32::try_from(played).unwrap_or(u32::MAX)) / took.as_secs_f64() * 3600.0;
    println!(
        "{played} stories of at most {turns} turns in {:.1} s: {per_hour:.0} in an hour",
        took.as_secs_f64()
    );
    if let Some(seconds) = cpu_seconds() {
        println!("{seconds:.1} s of processors' time");
    }
    print_coverage(&coverage.into_inner().unwrap_or_else(PoisonError::into_inner));
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|(seed, _)| *seed);
    let Some((seed, violation)) = failed.first() else {
        println!("no violation");
        return ExitCode::SUCCESS;
    };
    println!("\n{} stories failed", failed.len());
    for (seed, violation) in failed.iter().take(40) {
        println!(
            "  seed {seed}: {}",
            violation.0.lines().next().unwrap_or_default().chars().take(220).collect::<String>()
        );
    }
    println!("\nthe first, seed {seed}: {}", violation.0);
    tell(&shortest(&Story::of(*seed, turns)));
    ExitCode::FAILURE
}

/// The time that processors have spent on this process, where the system is one that tells.
fn cpu_seconds() -> Option<f64> {
    /// What Linux counts in, on every machine that Rust runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name, may hold spaces. User and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().ok());
    Some(ticks.sum::<Option<f64>>()? / TICKS_PER_SECOND)
}

fn exhaustive(only: &str, states: usize, threads: usize) -> ExitCode {
    let began = Instant::now();
    let (mut coverage, mut sum) = (Coverage::default(), (0, 0));
    for world in worlds::all().into_iter().filter(|world| world.to_string().contains(only)) {
        let report = explore(&world, &|| Box::new(Faithful), threads, states);
        let end = if report.is_complete { "" } else { ", NOT COMPLETE" };
        println!(
            "{world}: {} states, {} transitions, {} of the states at rest, depth {}, {:.1} s{end}",
            report.states,
            report.transitions,
            report.ends,
            report.depth,
            report.took.as_secs_f64()
        );
        coverage.add(&report.coverage);
        sum = (sum.0 + report.states, sum.1 + report.transitions);
        if let Some((story, violation)) = report.found {
            println!("\nfound: {}", violation.0);
            tell(&story);
            return ExitCode::FAILURE;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!("{} states and {} transitions in {seconds:.0} s", sum.0, sum.1);
    print_coverage(&coverage);
    println!("no violation");
    ExitCode::SUCCESS
}

fn find_defects(stories: u64, turns: u32, only: &str) -> ExitCode {
    let mut missed = 0;
    for defect in defects::all().filter(|defect| defect.name.contains(only)) {
        match defects::find(defect, stories, turns) {
            Some((seed, _)) => {
                let fails = |story: &Story| play_with(story, Box::new(defect), false).violation.is_some();
                let shortest = shrink(&Story::of(seed, turns), 400, &mut { fails });
                let violation = play_with(&shortest, Box::new(defect), false).violation;
                let said = violation.map_or_else(String::new, |violation| violation.0);
                println!("rule {}: {}\n  found by seed {seed}: {shortest}", defect.breaks, defect.name);
                println!(
                    "  {}",
                    said.lines().next().unwrap_or_default().chars().take(200).collect::<String>()
                );
            }
            None => {
                missed += 1;
                println!("rule {}: {}\n  NOT FOUND in {stories} stories", defect.breaks, defect.name);
            }
        }
    }
    println!("\n{missed} not found");
    if missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn print_coverage(coverage: &Coverage) {
    let line = |what: &str, counts: Vec<(String, u64)>| {
        let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
        println!("{what}: {}", counts.join(", "));
    };
    let owned = |(name, count): (&&str, &u64)| ((*name).to_owned(), *count);
    let cloned = |(name, count): (&String, &u64)| (name.clone(), *count);
    line("actions", coverage.actions.iter().map(owned).collect());
    line("Events", coverage.events.iter().map(owned).collect());
    line("waits", coverage.waits.iter().map(cloned).collect());
    line("conditions", coverage.conditions.iter().map(cloned).collect());
    line("phases", coverage.phases.iter().map(cloned).collect());
}

fn shortest(story: &Story) -> Story {
    shrink(story, 3000, &mut |story| play(story).violation.is_some())
}

fn replay(text: &str, turns: u32, shrinks: bool) -> ExitCode {
    let story = match text.parse::<u64>() {
        Ok(seed) => Ok(Story::of(seed, turns)),
        Err(_) => text.parse(),
    };
    match story {
        Ok(story) => tell(&if shrinks { shortest(&story) } else { story }),
        Err(problem) => {
            eprintln!("sim: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn tell(story: &Story) -> ExitCode {
    println!("{story}\n");
    let outcome = play_with(story, Box::new(Faithful), true);
    outcome.trace.iter().for_each(|line| println!("{line}"));
    match outcome.violation {
        Some(violation) => {
            println!("\nVIOLATION: {}", violation.0);
            ExitCode::FAILURE
        }
        None => {
            println!("\nno violation");
            ExitCode::SUCCESS
        }
    }
}
