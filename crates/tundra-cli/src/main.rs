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
mod many;
mod places;
mod printer;
mod progress;
mod render;
mod run;
mod service;
mod session;
mod signals;
mod streams;

use std::process::ExitCode;

/// Serves the engine's C++ as well, which allocates most.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    ExitCode::from(run::run())
}
