//! Scenarios that cross crates.

mod files;
mod fuzz;
mod geometries;
mod parquet_input;
mod pollution;
mod reader;
mod support;
mod transfers;
