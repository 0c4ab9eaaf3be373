//! What the catalogs and the stores of secrets of this crate do in the conditions that a machine and
//! a network can be in.
//!
//! The behaviours that every catalog shares are in `tundra_core::testing::catalog`.

#[cfg(feature = "supabase")]
mod postgresql;
mod secrets;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "supabase")]
mod supabase;
