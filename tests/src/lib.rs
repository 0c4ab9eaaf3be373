//! What scenarios that cross crates share: programs that `cargo xtask test` prepares, the server as a
//! process, and damaged files with the tables that they should become.
//!
//! The scenarios are in `tests/`. Nothing here knows how Tundra works inside.

pub mod env;
pub mod parquet;
pub mod pollution;
pub mod program;
pub mod python;
pub mod score;
pub mod server;
