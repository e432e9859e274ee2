//! Chores of this repository: `cargo xtask gen` writes the files that follow from the types.

mod generate;
mod manifest;
mod reference;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Chores of this repository")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the CustomResourceDefinition, its chart template and the reference
    Gen {
        /// Write nothing, and fail if a file is not what would be written
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let Args { chore: Chore::Gen { check } } = Args::parse();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    match if check { generate::check(root) } else { generate::write(root) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
