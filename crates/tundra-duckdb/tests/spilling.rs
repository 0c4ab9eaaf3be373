//! What does not fit in memory: where it goes, how much, and that it goes away again.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tundra_duckdb::{Class, Database, Options};

use crate::support::{Event, MemoryFiles, options, sorted_rows};

const ROWS: u64 = 6_000_000;

/// Some 200 MB to be sorted.
fn sort() -> String {
    format!(
        "COPY (SELECT i, hash(i) AS h, hash(i + 1) AS g FROM range({ROWS}) t(i) ORDER BY h) \
         TO 'tundra://out.parquet' (FORMAT parquet, USE_TMP_FILE false)"
    )
}

fn spilling(directory: &Path) -> Options {
    Options {
        memory_limit: 96 << 20,
        temp_directory: Some(directory.to_owned()),
        max_temp_size: 1 << 30,
        ..options()
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_sort_beyond_memory_spills_and_cleans_up() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("not ours"), "stays").unwrap();
    let files = MemoryFiles::default();
    let database = Database::open(&spilling(directory.path()), Arc::new(files.clone())).unwrap();
    assert_eq!(names(directory.path()), ["not ours"], "opening touches no disk");

    let (running, spilled, seen) =
        (AtomicBool::new(true), AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while running.load(Ordering::Relaxed) {
                assert!(database.spilled() <= 1 << 30);
                spilled.fetch_or(database.spilled() > 0, Ordering::Relaxed);
                let named = |name: &String| name.starts_with("duckdb_temp");
                seen.fetch_or(names(directory.path()).iter().any(named), Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        let copied = database.execute(&sort());
        running.store(false, Ordering::Relaxed);
        assert_eq!(copied.unwrap(), ROWS);
    });
    assert!(spilled.into_inner(), "the spill directory was counted");
    assert!(seen.into_inner(), "files were in the spill directory");

    drop(database);
    assert_eq!(names(directory.path()), ["not ours"]);
    assert!(sorted_rows(&files.parquet("out.parquet"), "h") == ROWS);
}

#[test]
fn a_directory_that_duckdb_made_is_removed() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("spill");
    let database = Database::open(&spilling(&directory), Arc::new(MemoryFiles::default())).unwrap();
    assert!(!directory.exists());
    database.execute(&sort()).unwrap();
    assert!(directory.exists());
    drop(database);
    assert!(!directory.exists());
}

#[test]
fn two_databases_share_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let open =
        || Database::open(&spilling(directory.path()), Arc::new(MemoryFiles::default())).unwrap();
    let (first, second) = (open(), open());
    std::thread::scope(|scope| {
        let other = scope.spawn(|| first.execute(&sort()));
        assert_eq!(second.execute(&sort()).unwrap(), ROWS);
        drop(second);
        assert_eq!(other.join().unwrap().unwrap(), ROWS);
    });
    drop(first);
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn the_limit_on_spilling_is_kept_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let files = MemoryFiles::default();
    let options = Options { max_temp_size: 8 << 20, ..spilling(directory.path()) };
    let database = Database::open(&options, Arc::new(files.clone())).unwrap();
    let (running, most) = (AtomicBool::new(true), std::sync::atomic::AtomicU64::new(0));
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            while running.load(Ordering::Relaxed) {
                most.fetch_max(database.spilled(), Ordering::Relaxed);
                std::thread::yield_now();
            }
        });
        let error = database.execute(&sort()).unwrap_err();
        running.store(false, Ordering::Relaxed);
        error
    });
    assert_eq!(error.class(), Class::SpillLimit, "{error:?}");
    assert!(most.into_inner() <= 8 << 20);
    assert!(!files.events().contains(&Event::Closed("out.parquet".into())));
    drop(database);
    assert_eq!(names(directory.path()), [""; 0]);
}

#[test]
fn without_a_directory_memory_is_the_limit() {
    let options = Options { memory_limit: 96 << 20, ..options() };
    let database = Database::open(&options, Arc::new(MemoryFiles::default())).unwrap();
    let error = database.execute(&sort()).unwrap_err();
    assert_eq!(error.class(), Class::OutOfMemory, "{error:?}");
    assert!(!Path::new(".tmp").exists(), "DuckDB's own default was used");
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_when_it_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let nested = directory.path().join("missing").join("spill");
    let database = Database::open(&spilling(&nested), Arc::new(MemoryFiles::default())).unwrap();
    database.execute("CREATE TABLE small AS SELECT 1").unwrap();
    let error = database.execute(&sort()).unwrap_err();
    assert_eq!(error.class(), Class::Io, "{error:?}");
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let directory = Path::new(std::ffi::OsStr::from_bytes(b"/tmp/\xff"));
    let error = Database::open(&spilling(directory), Arc::new(MemoryFiles::default())).unwrap_err();
    assert_eq!(error.class(), Class::InvalidInput);
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}
