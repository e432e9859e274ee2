//! Chores of this repository: `cargo xtask gen` writes the files that follow from the types, `cargo xtask image` the
//! operator's container image.

mod generate;
mod image;
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
    /// Write the operator's container image as an OCI archive, without a container engine
    Image(image::Options),
    /// Write the images of the example application, in two versions
    ExampleImages(image::example::Options),
}

fn main() -> ExitCode {
    let Args { chore } = Args::parse();
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let done = match chore {
        Chore::Gen { check: false } => generate::write(root),
        Chore::Gen { check: true } => generate::check(root),
        Chore::ExampleImages(options) => image::example::write(root, &options),
        Chore::Image(options) => image::write(root, &options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
