//! The programs of the machine itself.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where `PATH` says a program is.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    find(name, &std::env::var_os("PATH")?)
}

/// `PATH` and where administration programs are, which a user's `PATH` may not name.
pub(crate) fn administration_path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    for folder in ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] {
        if !std::env::split_paths(&path).any(|known| known.as_os_str() == folder) {
            path.push(if path.is_empty() { "" } else { ":" });
            path.push(folder);
        }
    }
    path
}

pub(crate) fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Runs a program that has to succeed, and answers what it prints.
pub(crate) fn run<Arg: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = Arg>) -> Result<String> {
    let mut command = Command::new(program);
    command.args(args);
    succeed(&mut command)
}

pub(crate) fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{} does not start", spoken(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<_> =
            said.lines().map(str::trim).filter(|line| !line.contains("level=warning")).collect();
        bail!("`{}` failed ({}): {}", spoken(command), output.status, said.join("; "));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// As somebody would type it: without its environment, and without the folder that the program is in.
fn spoken(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default();
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy().trim().to_owned()).collect::<Vec<_>>().join(" ")
}
