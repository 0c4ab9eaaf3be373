//! What a run may use when nobody says.

use std::{path::PathBuf, thread};

use crate::Resources;

/// Memory when the machine does not tell how much it has.
const FALLBACK_MEMORY: u64 = 2 << 30;

/// Share of the machine's or the container's memory that a run takes: what DuckDB does not count
/// and what others need must fit beside it.
const MEMORY_PERCENT: u64 = 60;

/// Returns the resources of this machine, or of the container around this process.
pub fn default_resources() -> Resources {
    let memory = memory_limit().unwrap_or(FALLBACK_MEMORY) / 100 * MEMORY_PERCENT;
    Resources {
        threads: thread::available_parallelism().map_or(1, usize::from),
        memory,
        temp_directory: std::env::temp_dir(),
        // What does not fit twice into memory is better refused than thrashed with.
        max_temp_size: memory.saturating_mul(4),
    }
}

/// Returns the smallest of the limits that stand above this process, in bytes.
fn memory_limit() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(PathBuf::from(path)).ok();
    let total = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib << 10)
    });
    // Version 2 says `max` for no limit, version 1 an absurd number.
    let version2 = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let version1 = read("/sys/fs/cgroup/memory/memory.limit_in_bytes")
        .and_then(|text| text.trim().parse().ok());
    [total, version2, version1].into_iter().flatten().min()
}

/// Returns the largest resident memory that this process has had, in bytes.
pub(crate) fn peak_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib << 10)
}

/// How the memory of a run is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shares {
    /// For DuckDB's buffers, in bytes.
    pub(crate) engine: u64,
    /// For the rows of one row group before compression, in bytes.
    pub(crate) row_group: u64,
}

impl Shares {
    /// Returns the resources of a run that sorts. Each thread of DuckDB holds what it merges, and where there
    /// are too many of them for the memory nothing is left to merge with (measured: sorts that
    /// failed with 2 threads at a limit of 132 MiB and with 4 at 128 MiB succeeded with 1, and 1 sorts 128 MB
    /// of CSV at 64 MiB and 1 GB at 104 MiB).
    pub(crate) fn sorting(self, resources: &Resources) -> Resources {
        const THREAD: u64 = 128 << 20;
        let fitting = usize::try_from(self.engine / THREAD).unwrap_or(usize::MAX);
        Resources { threads: fitting.clamp(1, resources.threads.max(1)), ..resources.clone() }
    }
}

/// Returns the resources of a run whose engine has one thread, which does everything in order: where what is
/// written would depend on how far which of several is.
pub(crate) fn alone(resources: &Resources) -> Resources {
    Resources { threads: 1, ..resources.clone() }
}

/// Shares out the memory of a run: the program itself and the chunks that are being read need
/// their part, and DuckDB takes about a third more than it counts (measured: 617 MB resident at a
/// limit of 400 MB).
pub(crate) fn shares(resources: &Resources) -> Shares {
    const PROGRAM: u64 = 48 << 20;
    const CHUNK: u64 = 12 << 20;
    const SMALLEST: u64 = 64 << 20;
    let reading = CHUNK * 2 * resources.threads as u64;
    let rest = resources.memory.saturating_sub(PROGRAM + reading);
    let engine = (rest / 100 * 65).max(SMALLEST);
    Shares { engine, row_group: (engine / 8).min(128 << 20) }
}
