//! The memory of the machine or its container, shared out: [`Budget`].
//!
//! A run that takes more than its share is ended; one that takes more than the container has takes the service
//! with it. So the shares of all runs, what the service itself needs and what runs may put into a temporary
//! directory that is memory add up to no more than there is.

use std::{fs, num::NonZeroUsize, path::Path, thread};

/// Memory when nothing tells how much there is.
const FALLBACK: u64 = 2 << 30;

/// What the service itself takes: its least, and its share in percent up to a most. Requests, answers of
/// previews and uploads go through it.
const SERVICE_LEAST: u64 = 96 << 20;
const SERVICE_PERCENT: u64 = 6;
const SERVICE_MOST: u64 = 512 << 20;

/// What a run should have. With less, files of a few columns still convert, by way of the disk.
const COMFORTABLE: u64 = 512 << 20;

/// What a run cannot do without: the program and the engine in it.
const LEAST: u64 = 160 << 20;

/// Runs per processor, because half of the time a run waits for stores and databases.
const RUNS_PER_PROCESSOR: usize = 2;

/// What the engine plans with, of the memory that a run may take, in percent. It counts what it allocates and
/// not what the allocator keeps.
const PLANNED_PERCENT: u64 = 80;

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Available {
    /// Memory in bytes: of the machine, or of the smallest container around this process.
    pub memory: u64,
    /// Processors that may be used.
    pub processors: NonZeroUsize,
    /// Whether what is put into the temporary directory takes memory.
    pub temp_is_memory: bool,
}

/// What somebody said of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Memory of the service and all of its runs, in bytes, if it is to be less than there is.
    pub memory: Option<u64>,
    /// Memory of one run, in bytes, if it is to be less than its share.
    pub memory_per_run: Option<u64>,
    /// How many runs go on at once.
    pub runs: Option<NonZeroUsize>,
    /// What one run may put into the temporary directory, in bytes.
    pub temp_per_run: Option<u64>,
}

/// What the service and its runs may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Memory of all, in bytes.
    pub memory: u64,
    /// What is left to the service itself, in bytes.
    pub service: u64,
    /// How many runs go on at once.
    pub runs: NonZeroUsize,
    /// Memory that one run may take, in bytes.
    pub memory_per_run: u64,
    /// What one run may put into the temporary directory, in bytes.
    pub temp_per_run: u64,
    /// Whether that takes memory, too.
    pub temp_is_memory: bool,
}

impl Available {
    /// Looks what there is here. `files_are_memory` says that all files are, as on Cloud Run, unless
    /// something else is mounted.
    pub fn here(temp_directory: &Path, files_are_memory: bool) -> Self {
        Self::below(Path::new("/"), temp_directory, files_are_memory)
    }

    fn below(root: &Path, temp_directory: &Path, files_are_memory: bool) -> Self {
        let temp =
            fs::canonicalize(temp_directory).unwrap_or_else(|_| temp_directory.to_path_buf());
        Self {
            memory: memory(root).unwrap_or(FALLBACK),
            processors: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            temp_is_memory: is_memory(root, &temp, files_are_memory),
        }
    }
}

impl Budget {
    /// Shares out what there is.
    ///
    /// # Examples
    /// ```
    /// use std::num::NonZeroUsize;
    /// use tundra_server::tasks::{Available, Budget, Wishes};
    ///
    /// let two = NonZeroUsize::new(2).unwrap();
    /// let available = Available { memory: 8 << 30, processors: two, temp_is_memory: true };
    /// let budget = Budget::share(available, Wishes::default());
    /// let all = (budget.memory_per_run + budget.temp_per_run) * budget.runs.get() as u64;
    /// assert!(all + budget.service <= available.memory);
    /// ```
    pub fn share(available: Available, wishes: Wishes) -> Self {
        let Available { processors, temp_is_memory, .. } = available;
        let memory = wishes.memory.map_or(available.memory, |wish| wish.min(available.memory));
        let service = (memory / 100 * SERVICE_PERCENT).clamp(SERVICE_LEAST, SERVICE_MOST);
        let rest = memory.saturating_sub(service);
        let runs = wishes.runs.unwrap_or_else(|| {
            let fitting = usize::try_from(rest / COMFORTABLE).unwrap_or(usize::MAX);
            let useful = processors.get().saturating_mul(RUNS_PER_PROCESSOR);
            NonZeroUsize::new(fitting.min(useful)).unwrap_or(NonZeroUsize::MIN)
        });
        let share = rest / runs.get() as u64;
        let (most, temp_per_run) = if temp_is_memory {
            // A quarter is enough for what does not fit into the other three, but for large sorts.
            let temp = wishes.temp_per_run.unwrap_or(share / 4).min(share / 2);
            (share - temp, temp)
        } else {
            (share, wishes.temp_per_run.unwrap_or_else(|| share.saturating_mul(4)))
        };
        let memory_per_run = wishes.memory_per_run.unwrap_or(most).min(most);
        Self { memory, service, runs, memory_per_run, temp_per_run, temp_is_memory }
    }

    /// Returns what the engine of a run plans with, in bytes; the rest of its memory is for what the engine
    /// does not count.
    pub fn planned_per_run(&self) -> u64 {
        self.memory_per_run / 100 * PLANNED_PERCENT
    }

    /// Returns whether a run has less than it cannot do without.
    pub fn is_too_little(&self) -> bool {
        self.memory_per_run < LEAST
    }
}

/// Returns the smallest of the limits that stand above this process, in bytes.
fn memory(root: &Path) -> Option<u64> {
    let total = read(root, "proc/meminfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib << 10)
    });
    let groups = read(root, "proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        match controllers {
            "" => smallest(root, "sys/fs/cgroup", path, "memory.max"),
            _ if controllers.split(',').any(|it| it == "memory") => {
                smallest(root, "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.chain(total).min()
}

/// Returns the smallest limit of a control group and those above it. Without a limit version 2 says `max`,
/// and version 1 more than any machine has.
fn smallest(root: &Path, mount: &str, group: &str, file: &str) -> Option<u64> {
    // In a container the path may be that of the machine, of which only the end is mounted: what is there at
    // the top is then its own.
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    let limits = groups.filter_map(|group| {
        let path = Path::new(mount).join(group).join(file);
        read(root, path)?.trim().parse::<u64>().ok()
    });
    limits.min()
}

/// Returns whether what is put into a directory takes memory.
fn is_memory(root: &Path, directory: &Path, files_are_memory: bool) -> bool {
    let mounts = read(root, "proc/self/mounts").unwrap_or_default();
    let mut found: Option<(&str, usize)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(_), Some(point), Some(kind)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        // Of mounts on one point the last one is seen.
        let depth = Path::new(point).components().count();
        if directory.starts_with(point) && found.is_none_or(|(_, deepest)| depth >= deepest) {
            found = Some((kind, depth));
        }
    }
    match found {
        Some(("tmpfs" | "ramfs", _)) => true,
        // What is mounted below the root of a container is a volume.
        Some((_, depth)) => files_are_memory && depth <= 1,
        None => files_are_memory,
    }
}

fn read(root: &Path, path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(root.join(path)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn available(memory: u64, processors: usize, temp_is_memory: bool) -> Available {
        let processors = NonZeroUsize::new(processors).unwrap();
        Available { memory, processors, temp_is_memory }
    }

    /// A file system with these files in it.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn all_shares_together_are_what_there_is() {
        for memory in [GIB / 2, 2 * GIB, 8 * GIB, 64 * GIB] {
            for (processors, temp_is_memory) in [(1, true), (2, false), (8, true), (64, false)] {
                let available = available(memory, processors, temp_is_memory);
                for runs in [None, NonZeroUsize::new(1), NonZeroUsize::new(80)] {
                    let budget = Budget::share(available, Wishes { runs, ..Wishes::default() });
                    let temp = if temp_is_memory { budget.temp_per_run } else { 0 };
                    let runs = budget.runs.get() as u64;
                    let all = (budget.memory_per_run + temp) * runs + budget.service;
                    assert!(all <= memory, "{budget:?}");
                    assert!(budget.planned_per_run() < budget.memory_per_run, "{budget:?}");
                }
            }
        }
    }

    #[test]
    fn wishes_make_shares_smaller_and_never_larger() {
        let here = available(8 * GIB, 2, false);
        let usual = Budget::share(here, Wishes::default());
        assert_eq!(usual.runs.get(), 4);
        let wish = |wishes| Budget::share(here, wishes).memory_per_run;
        let memory_per_run = |bytes| Wishes { memory_per_run: Some(bytes), ..Wishes::default() };
        assert_eq!(wish(memory_per_run(GIB)), GIB);
        assert_eq!(wish(memory_per_run(100 * GIB)), usual.memory_per_run);
        let less = Wishes { memory: Some(2 * GIB), ..Wishes::default() };
        assert_eq!(Budget::share(here, less).memory, 2 * GIB);
        let more = Wishes { memory: Some(100 * GIB), ..Wishes::default() };
        assert_eq!(Budget::share(here, more), usual);
    }

    #[test]
    fn too_many_runs_are_noticed() {
        let wishes = Wishes { runs: NonZeroUsize::new(80), ..Wishes::default() };
        assert!(Budget::share(available(8 * GIB, 2, true), wishes).is_too_little());
        assert!(!Budget::share(available(GIB / 2, 1, true), Wishes::default()).is_too_little());
    }

    #[test]
    fn the_smallest_limit_above_the_process_counts() {
        let total = ("proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
        let bare = machine(&[total]);
        assert_eq!(memory(bare.path()), Some(16 * GIB));
        let version2 = machine(&[
            total,
            ("proc/self/cgroup", "0::/a/b\n"),
            ("sys/fs/cgroup/a/memory.max", "2147483648\n"),
            ("sys/fs/cgroup/a/b/memory.max", "max\n"),
        ]);
        assert_eq!(memory(version2.path()), Some(2 * GIB));
        let container = machine(&[
            total,
            ("proc/self/cgroup", "0::/elsewhere/of/the/machine\n"),
            ("sys/fs/cgroup/memory.max", "1073741824\n"),
        ]);
        assert_eq!(memory(container.path()), Some(GIB));
        let version1 = machine(&[
            total,
            ("proc/self/cgroup", "4:cpu,cpuacct:/\n3:memory:/docker/x\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes", "4294967296\n"),
        ]);
        assert_eq!(memory(version1.path()), Some(4 * GIB));
        assert_eq!(memory(machine(&[]).path()), None);
    }

    #[test]
    fn a_temporary_directory_in_memory_is_noticed() {
        let mounts =
            "overlay / overlay rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/sda1 /data ext4 rw 0 0\n";
        let root = machine(&[("proc/self/mounts", mounts)]);
        let check =
            |directory, everything| is_memory(root.path(), Path::new(directory), everything);
        assert!(check("/tmp/x", false));
        assert!(!check("/tmpx", false));
        assert!(!check("/var/tmp", false));
        assert!(check("/var/tmp", true));
        assert!(!check("/data/tmp", true));
    }
}
