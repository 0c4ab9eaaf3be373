//! How much memory a run takes at its highest, where the system tells.

use std::fs;

use super::run::{Fault, must};

/// Bytes by which the process may grow for a small input. A run may use 1 GiB, of which an input of
/// 64 KiB needs next to nothing; tests that run beside it in the same process need some.
const MOST: u64 = 1 << 30;

/// Does something, and fails when it made the process much larger for a while.
pub(crate) fn bounded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    // What was highest before is forgotten; where that is not possible nothing is found out.
    let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = highest();
    let done = work()?;
    if let (true, Some(before), Some(after)) = (is_reset, before, highest()) {
        let more = after.saturating_sub(before);
        must!(more < MOST, "{} MiB of memory were taken", more >> 20);
    }
    Ok(done)
}

/// Returns the highest size of what the process had in memory, in bytes.
fn highest() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}
