//! What the stores of this crate do in the conditions that a machine can be in.
//!
//! The behaviours that every store shares are in `tundra_core::testing::storage`; `conformance`
//! runs them.

mod child;
mod conformance;
mod disk_conditions;
mod killed;
mod local_publishing;
mod local_reading;
mod locations;
mod object_stores;
mod support;
