//! The suite that every store of keys passes.
//!
//! It is public, so that an embedding program can prove its own. It panics with a message that names the
//! behaviour that is missing, and needs nothing that a test does not have.

pub mod keys;
