//! Everything that a developer or CI does, as `cargo xtask COMMAND`.
//!
//! CI runs these commands and nothing else, so that local and CI agree. xtask depends on no crate of
//! Tundra and knows nothing about conversions: it starts other programs and reads what they print.

mod commands;
mod env;
mod metadata;
mod process;
mod progress;
mod python;
mod served;
mod services;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    commands::{bench, check, fidelity, fuzz, generate, services as services_command, soak, test},
    progress::complain,
    workspace::Workspace,
};

/// Everything that a developer or CI does.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks everything but behaviour: format, lints, layering, documents, dependencies, licences.
    Check(check::Args),
    /// Writes the generated files of the repository, or checks that they are current.
    Gen(generate::Args),
    /// Builds and runs all tests, after preparing what they need.
    Test(test::Args),
    /// Starts the servers that tests need and says where they are, until Ctrl-C.
    Services(services_command::Args),
    /// Looks for inputs that a reader neither converts nor refuses.
    Fuzz(fuzz::Args),
    /// Has files with hazards read by Tundra and its peers and writes the tables of docs/FIDELITY.md.
    Fidelity(fidelity::Args),
    /// Wears servers, and looks whether anything was lost or left behind.
    Soak(soak::Args),
    /// Measures Tundra against its peers and writes docs/BENCHMARKS.md and its neighbours.
    Bench(bench::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match command {
        Command::Check(args) => check::run(args, &workspace),
        Command::Gen(args) => generate::run(args, &workspace),
        Command::Test(args) => test::run(args, &workspace),
        Command::Services(args) => services_command::run(args, &workspace),
        Command::Fuzz(args) => fuzz::run(args, &workspace),
        Command::Fidelity(args) => fidelity::run(args, &workspace),
        Command::Soak(args) => soak::run(args, &workspace),
        Command::Bench(args) => bench::run(args, &workspace),
    }
}
