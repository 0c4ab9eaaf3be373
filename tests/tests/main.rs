//! Scenarios that cross crates.

mod encrypted;
mod fidelity;
mod files;
mod fuzz;
mod geojson;
mod geometries;
mod parquet_input;
mod pollution;
mod reader;
mod readers;
mod schemathesis;
mod server;
mod several_files;
mod support;
mod transfers;
