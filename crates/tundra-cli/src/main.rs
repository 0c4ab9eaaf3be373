//! The `tundra` command: files and databases into Parquet that can be trusted.
//!
//! Start at [`args`] for what can be said and at [`run`] for what then happens. This program only
//! parses, wires and renders: reading, deciding and writing are the engine's, in `tundra-core`.

mod args;
mod catalogs;
mod databases;
mod env;
mod failure;
mod logging;
mod places;
mod printer;
mod progress;
mod render;
mod run;
mod session;
mod signals;
mod streams;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(run::run())
}
