//! `lazaret-bench`: alternating pairs, medians, ratios in one run.
//!
//! Each measured run is a process of its own under `time`, on a fresh repository in a tmpfs, with
//! the layout already in memory. The two of a pair follow each other at once and change places
//! every time, so that what else the machine does hits both.
#![expect(
    clippy::print_stdout,
    reason = "a program; its findings are its output"
)]
#![expect(clippy::print_stderr, reason = "a program; says what it is doing")]

mod layouts;
mod measure;
mod models;
mod native;
mod report;
mod run;
mod scale;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Measure lazaret.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything and print the findings.
    All(All),
    /// Pull with the parser compiled natively. Measured by `all`.
    PullNative(Pull),
    /// Pull with the importer in the sandbox. Measured by `all`.
    PullSandboxed(Pull),
    /// List, collect and check in a repository of many tags and very many objects.
    Scale(scale::Scale),
    /// Pull models: speed beside copying and hashing, and what equal tensors save.
    Models(models::Models),
}

#[derive(clap::Args)]
struct All {
    /// The lazaret binary to measure.
    #[arg(long)]
    lazaret: PathBuf,
    /// The cfsctl binary to compare with; left out where it is missing.
    #[arg(long)]
    cfsctl: Option<PathBuf>,
    /// A directory on a tmpfs with a few gigabytes free.
    #[arg(long, default_value = "/dev/shm/lazaret-bench")]
    directory: PathBuf,
    /// Pairs of each kind.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Bytes of files in the image.
    #[arg(long, default_value_t = 480_000_000)]
    bytes: u64,
    /// Also measure a layer ten times the size; needs ten more gigabytes.
    #[arg(long)]
    tenfold: bool,
    /// Markdown file whose section of findings is replaced.
    #[arg(long)]
    write: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Pull {
    /// Repository.
    repository: PathBuf,
    /// Source, as on lazaret's command line.
    source: String,
    /// Directory of the compiled-code cache.
    #[arg(long)]
    cache: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::All(all) => run::all(&all),
        Command::PullNative(pull) => native::pull_native(&pull),
        Command::PullSandboxed(pull) => native::pull_sandboxed(&pull),
        Command::Scale(scale) => scale::scale(&scale),
        Command::Models(arguments) => models::models(&arguments),
    }
}
