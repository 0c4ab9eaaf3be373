//! Looks at one local file from within a program, and prints its columns and why they have their
//! types. Nothing is written.
//!
//! ```text
//! cargo run --release -p tundra-core --example inspect -- samples/orders.csv
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::{error::Error, sync::Arc};

use tundra_core::{
    Cancel, Control, Input, InspectOptions, Silent,
    engine::{default_resources, inspect},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(location) = std::env::args().nth(1) else {
        return Err("usage: inspect INPUT".into());
    };
    let (storage, path) = tundra_storage::resolve(&location)?;
    let input = Input { storage, path };

    let control = Control { reporter: Arc::new(Silent), cancel: Cancel::default(), timeout: None };
    let inspection =
        inspect(&input, &InspectOptions::default(), &default_resources(), &control).await?;

    for decision in &inspection.decisions {
        println!("{}: {} ({})", decision.what, decision.value, decision.reason);
    }
    for column in &inspection.columns {
        println!("{} {}: {}", column.name, column.column_type, column.reason);
    }
    for warning in &inspection.warnings {
        println!("{}: {}", warning.code, warning.message);
    }
    Ok(())
}
