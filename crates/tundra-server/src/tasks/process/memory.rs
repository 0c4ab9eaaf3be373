//! How much memory a process takes, and how it is kept from taking more.
//!
//! Two limits stand behind each other. The one that counts is resident memory, which the service looks at ten
//! times a second: that is what the machine runs out of. Behind it the kernel refuses address space, so that
//! no single allocation outruns the look.

use std::{fs, io};

use rlimit::Resource;

/// Address space that takes no memory: stacks of threads of which a few pages are touched, and what the
/// allocator keeps for later.
const UNTOUCHED: u64 = 1 << 30;

/// How much likelier than others a run is to be ended by the kernel where memory is out: far likelier than
/// the service, of 1000 at most.
const FIRST_TO_GO: &str = "500";

/// Limits the memory of this process, for a process that does one run: to be called before anything else.
/// `memory` is what the run may take, in bytes. Where memory is out nevertheless, this process is ended before
/// its service is, and what it held is written to no file when it crashes.
///
/// # Errors
/// Fails where the kernel refuses, as where a lower limit stands already that cannot be raised.
pub fn confine(memory: u64) -> io::Result<()> {
    // Twice, because an allocator that grows by doubling has both halves for a moment, and only the one
    // that is touched counts as taken.
    let most = memory.saturating_mul(2).saturating_add(UNTOUCHED);
    let (_, hard) = Resource::DATA.get()?;
    let most = most.min(hard);
    Resource::DATA.set(most, most)?;
    // A dump of its memory has credentials in it.
    Resource::CORE.set(0, 0)?;
    // Without it the kernel chooses by size, which is nearly as good.
    let _ = fs::write("/proc/self/oom_score_adj", FIRST_TO_GO);
    Ok(())
}

/// Returns the resident memory of a process in bytes; `None` when it is gone.
pub(super) fn resident(process: u32) -> Option<u64> {
    // A file of the kernel: reading it waits for nothing.
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_this_process_and_no_other() {
        let own = resident(std::process::id()).unwrap();
        assert!((1 << 20..1 << 40).contains(&own), "{own}");
        assert_eq!(resident(u32::MAX), None);
    }
}
