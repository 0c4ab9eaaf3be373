//! `tundra version`: prints the versions of everything that decides what is written.

use serde_json::json;
use tundra_core::engine;

use crate::{args::VersionArgs, failure::Failure, printer::Printer};

/// Prints the versions.
///
/// # Errors
/// Fails when standard output cannot be written.
pub(crate) fn run(args: VersionArgs, printer: &Printer) -> Result<(), Failure> {
    let VersionArgs { json } = args;
    let tundra = env!("CARGO_PKG_VERSION");
    let duckdb = engine::duckdb_version();
    if json {
        printer.json(&json!({ "tundra": tundra, "duckdb": duckdb }))
    } else {
        printer.data(&format!("tundra {tundra}\nduckdb {duckdb}\n"))
    }
}
