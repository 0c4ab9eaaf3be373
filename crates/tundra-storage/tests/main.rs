//! What the stores of this crate do in the conditions that a machine can be in.
//!
//! The behaviours that every store shares are in `tundra_core::testing::storage`; `conformance`
//! runs them.

mod archive;
mod child;
#[cfg(all(feature = "azure", feature = "gcs", feature = "s3"))]
mod cloud;
mod conformance;
mod disk_conditions;
#[cfg(feature = "s3")]
mod faults;
#[cfg(feature = "http")]
mod http_reading;
#[cfg(feature = "http")]
mod http_server;
#[cfg(feature = "http")]
mod http_writing;
mod killed;
mod local_publishing;
mod local_reading;
mod locations;
mod object_stores;
#[cfg(all(feature = "azure", feature = "gcs", feature = "s3"))]
mod real_stores;
#[cfg(feature = "s3")]
mod remote;
#[cfg(all(feature = "azure", feature = "http", feature = "s3"))]
mod signed;
mod support;
