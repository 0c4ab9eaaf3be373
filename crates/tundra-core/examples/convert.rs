//! Converts one local file to Parquet from within a program, and prints where its records went.
//!
//! ```text
//! cargo run --release -p tundra-core --example convert -- samples/orders.csv orders.parquet
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use std::{error::Error, sync::Arc};

use tundra_core::{
    Cancel, Control, ConvertOptions, IfExists, Input, Output, Silent,
    engine::{convert, default_resources},
};

// DuckDB's threads wait for the store, so the runtime needs threads of its own.
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(from), Some(to)) = (arguments.next(), arguments.next()) else {
        return Err("usage: convert INPUT OUTPUT".into());
    };

    // Any other implementation of `Storage` does as well: one in memory, or your own.
    let (storage, path) = tundra_storage::resolve(&from)?;
    let input = Input { storage, path };
    let (storage, path) = tundra_storage::resolve(&to)?;
    let output = Output { storage, path, if_exists: IfExists::Replace };

    // A clone of `cancel` stops the run from anywhere; a `Reporter` of your own hears how far it is.
    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let receipt =
        convert(&input, &output, &ConvertOptions::default(), &default_resources(), &control)
            .await?;

    let counts = receipt.counts;
    println!(
        "{} records = {} written + {} rejected + {} skipped",
        counts.records, counts.written, counts.rejected, counts.skipped
    );
    for output in &receipt.outputs {
        println!("{}: {} rows, SHA-256 {}", output.location, output.rows, output.sha256);
    }
    Ok(())
}
