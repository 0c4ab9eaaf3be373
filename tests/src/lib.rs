//! What scenarios that cross crates share: programs that `cargo xtask test` prepares.
//!
//! The scenarios are in `tests/`. Nothing here knows how Tundra works inside.

mod env;
pub mod parquet;
pub mod python;
