//! Scenarios that cross crates.

mod files;
mod parquet_input;
mod reader;
mod support;
