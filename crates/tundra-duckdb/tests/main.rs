//! What the crate promises, each promise against the real DuckDB.

mod failures;
mod interrupts;
mod quoting;
mod round_trip;
mod sandbox;
mod spilling;
mod statistics;
mod streams;
mod support;
mod writing;
