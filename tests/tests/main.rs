//! Scenarios that cross crates.

mod files;
mod fuzz;
mod parquet_input;
mod pollution;
mod reader;
mod support;
mod transfers;
