//! What the demo says, asks, shows while it happens, and checks.

use std::cell::Cell;
use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the live table gets a row.
const EVERY: Duration = Duration::from_secs(1);

/// The terminal.
pub struct Stage {
    asks: bool,
    colours: bool,
    begun: Instant,
    failed: Cell<usize>,
    passed: Cell<usize>,
    /// No rows while a person types.
    quiet: AtomicBool,
}

impl Stage {
    pub fn open(auto: bool) -> Self {
        Self {
            asks: !auto && stdin().is_terminal() && stdout().is_terminal(),
            colours: stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
            begun: Instant::now(),
            failed: Cell::default(),
            passed: Cell::default(),
            quiet: AtomicBool::default(),
        }
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub fn title(&self, text: &str) {
        println!("\n{}", self.styled("1", text));
    }

    pub fn say(&self, text: &str) {
        println!("{}", self.styled("2", text));
    }

    /// Shows a command that `work` carries out, with images that this machine has.
    pub fn run<T>(&self, command: &str, work: impl FnOnce() -> T) -> T {
        println!("{}", self.styled("1", &format!("$ {command}")));
        work()
    }

    /// Shows a command and runs it.
    pub fn shell(&self, command: &str) {
        println!("{}", self.styled("1", &format!("$ {command}")));
        let done = Command::new("bash").args(["-c", command]).output().expect("bash");
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Asks the person for a command; shows and runs it where nobody is asked, or who only presses Enter.
    pub fn ask(&self, command: &str) {
        if !self.asks {
            return self.shell(command);
        }
        self.quiet.store(true, Ordering::Relaxed);
        println!("Paste this command, or press Enter for it:\n  {}", self.styled("1", command));
        let mut typed = String::new();
        print!("$ ");
        stdout().flush().expect("a terminal");
        stdin().lock().read_line(&mut typed).expect("a terminal");
        let typed = if typed.trim().is_empty() { command } else { typed.trim() };
        let done = Command::new("bash").args(["-c", typed]).output().expect("bash");
        print!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        self.quiet.store(false, Ordering::Relaxed);
    }

    /// Prints a row every second while `work` is under way. The head tells what the columns are.
    pub fn watch<T>(&self, head: &str, row: impl Fn() -> String + Sync, work: impl FnOnce() -> T) -> T {
        struct Ends<'s>(&'s AtomicBool);
        impl Drop for Ends<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        println!("  {}", self.styled("2", &format!("seconds  {head}")));
        let (over, begun, quiet) = (AtomicBool::default(), Instant::now(), &self.quiet);
        std::thread::scope(|scope| {
            // Also when `work` panics: the scope waits for its threads.
            let _ends = Ends(&over);
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let row = row();
                    if !quiet.load(Ordering::Relaxed) {
                        println!("  {:7.1}  {row}", begun.elapsed().as_secs_f64());
                    }
                    std::thread::sleep(EVERY);
                }
            });
            work()
        })
    }

    pub fn check(&self, what: &str, holds: bool) {
        let (count, word) = if holds {
            (&self.passed, self.styled("32", "yes"))
        } else {
            (&self.failed, self.styled("31", "NO "))
        };
        count.set(count.get() + 1);
        println!("  {word}  {what}");
    }

    pub fn finish(self) -> ExitCode {
        let (passed, failed) = (self.passed.get(), self.failed.get());
        self.title(&format!(
            "{passed} of {} checks passed, in {} s",
            passed + failed,
            self.begun.elapsed().as_secs()
        ));
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
