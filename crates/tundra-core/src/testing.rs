//! The suites that every implementation of one of this crate's traits passes.
//!
//! They are public, so that an embedding program can prove its own implementation. They panic with
//! a message that names the behaviour that is missing, and need nothing that a test does not have.

pub mod catalog;
pub mod connector;
pub mod secrets;
pub mod storage;
