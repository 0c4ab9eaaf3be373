//! What jobs do in the conditions that a machine and a network can be in.
//!
//! The behaviours that every store shares are in `tundra_jobs::testing`.

mod queue;
mod sqlite;
mod support;
mod webhooks;
