//! What lets somebody in and what does not, by real keys, files, signatures and HTTP.
//!
//! The behaviours that every store of keys shares are in `tundra_access::testing::keys`.

mod keys;
mod sqlite;
mod tokens;

use std::time::{Duration, SystemTime};

/// A moment that the tests take for now, so that none of them depends on the clock.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}
