//! MariaDB: what every connector does, its types at their edges, its snapshots, and what goes wrong.

mod conformance;
mod failures;
mod snapshots;
#[cfg(feature = "ssh")]
mod ssh;
mod support;
mod types;
