//! What the connectors do to real databases.
//!
//! The behaviours that all of them share are in `tundra_core::testing::connector`. A module has the name
//! of the server that it needs, by which `cargo xtask test` knows what to start.

#[cfg(feature = "adbc")]
mod adbc;
#[cfg(feature = "ssh")]
mod bastion;
#[cfg(any(feature = "mysql", feature = "postgresql", feature = "ssh"))]
mod errors;
#[cfg(feature = "mysql")]
mod mariadb;
#[cfg(any(feature = "mysql", feature = "postgresql"))]
mod network;
#[cfg(feature = "postgresql")]
mod postgresql;
#[cfg(any(feature = "mysql", feature = "postgresql"))]
mod reached;
#[cfg(any(feature = "mysql", feature = "postgresql"))]
mod tls;
