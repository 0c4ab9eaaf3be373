//! PostgreSQL, as `cargo xtask test` starts it. Every test has a database of its own.

mod conformance;
mod failures;
mod geometry;
mod partitions;
mod printed;
mod redshift;
mod server;
#[cfg(feature = "ssh")]
mod ssh;
mod torture;
mod windows;
